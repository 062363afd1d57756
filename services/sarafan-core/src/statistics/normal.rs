//! The normal distribution, as far as tests of many segments need it (METRICS 2).

/// No critical value that anybody asks for lies beyond it: its two-sided error is below 1e-300.
const BEYOND: f64 = 38.0;

/// The two-sided critical value of the standard normal distribution: |z| above it has probability `alpha`, which is
/// between 0 and 1. Found by halving on the complementary error function: P(|Z| > z) = erfc(z / sqrt 2).
pub fn critical_z(alpha: f64) -> f64 {
    let (mut low, mut high) = (0.0, BEYOND);
    // 38 / 2^60 is below the last digit of any result.
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if libm::erfc(middle / std::f64::consts::SQRT_2) > alpha {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Z_95;

    #[test]
    fn critical_values_are_those_of_the_tables() {
        // Quantiles of 1 - alpha / 2 from printed tables.
        let table = [
            (0.05, Z_95),
            (0.10, 1.644_853_626_951_472),
            (0.01, 2.575_829_303_548_9),
            (0.05 / 2.0, 2.241_402_727_604_945),
            (0.05 / 50.0, 3.290_526_731_491_926),
            (1e-9, 6.109_410_204_869_014),
        ];
        for (alpha, z) in table {
            assert!((critical_z(alpha) - z).abs() < 1e-9, "{alpha}: {}", critical_z(alpha));
        }
    }
}
