//! The files that deploy Sarafan: the image, Docker Compose and the Helm chart.

#![allow(clippy::unwrap_used, clippy::panic)] // In helpers of tests too, where the lint does not see a test.

mod compose;
mod files;
mod helm;
mod image;
