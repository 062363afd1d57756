//! The state of a customer: its entities, each a join of the records that speak of it, and what follows from them.

pub(crate) mod entity;
pub(crate) mod holder;
pub(crate) mod layout;
pub(crate) mod settled;
