//! Process plumbing: configuration, tracing, metrics and health endpoints, shutdown. Knows nothing of what the
//! services compute.
//!
//! A service's life, in order:
//!
//! ```no_run
//! use sarafan_runtime::config::{ConfigErrors, Document};
//! use sarafan_runtime::service::{Identity, Service, ServiceConfig};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let document = Document::load("sarafan.toml".as_ref(), "SARAFAN")?;
//! let mut errors = ConfigErrors::default();
//! let config = document.section_or_default::<ServiceConfig>("service", &mut errors);
//! document.finish(errors, &["service", "kafka"])?;
//! let config = config.unwrap_or_default();
//!
//! sarafan_runtime::tracing::init(&config.log)?;
//! let service = Service::start(&config, &Identity { role: "ingest", version: "1.0.0" }).await?;
//! let consumer = service.health().condition("consumer");
//! let work = async { consumer.ready() };
//! service.shutdown().drained(config.drain(), work).await?;
//! # Ok(())
//! # }
//! ```

pub mod config;
pub mod health;
pub mod http;
pub mod metrics;
pub mod service;
pub mod shutdown;
pub mod tracing;

mod error;

pub use error::RuntimeError;
