//! Figures from counts: NPS with its interval and change, Kaplan-Meier with Greenwood's interval, the factors of LTV.
//!
//! Pure functions of integers; the views compute the same in SQL, and a test holds the two together. Floats live here and
//! nowhere else in the core: nothing of it is state.

pub mod ltv;
pub mod normal;
pub mod nps;
pub mod survival;

/// The 97.5 % point of the normal distribution (METRICS 2).
pub const Z_95: f64 = 1.959_963_984_540_054;
