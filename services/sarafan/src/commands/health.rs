//! `sarafan health`

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use sarafan_runtime::config::{ConfigErrors, Document};
use sarafan_runtime::service::ServiceConfig;

use crate::cli::ConfigPath;
use crate::deployment::ENV_PREFIX;
use crate::failure::{CheckFailed, WrongUsage};
use crate::{http, terminal};

const EXAMPLES: &str = "\
Examples:
  sarafan health          0 when the service beside it is ready, 1 and the reason when it is not
  sarafan health --live   whether it is still alive, as /livez says

Asks the service that has the same configuration and runs in the same container or on the same machine, at the port of
[service] listen: for health checks where there is no HTTP client.";

/// Arguments of `sarafan health`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Ask whether it is alive, not whether it is ready.
    #[arg(long)]
    live: bool,
}

/// Asks once.
pub(crate) fn run(place: &ConfigPath, arguments: &Arguments) -> anyhow::Result<()> {
    // Only what is needed is read: a health check must not fail where the service runs.
    let document = Document::load(&place.path, ENV_PREFIX)?;
    let mut errors = ConfigErrors::default();
    let service: Option<ServiceConfig> = document.section_or_default("service", &mut errors);
    let Some(service) = service else { return Err(errors.into()) };
    if service.listen.port() == 0 {
        let text = "[service] listen names no port, so nobody can tell where to ask; name one";
        return Err(WrongUsage(text.to_owned()).into());
    }
    let path = if arguments.live { "/livez" } else { "/readyz" };
    match http::get(from_here(service.listen), path) {
        Ok(answer) => Ok(terminal::say(answer.trim_end())?),
        Err(error) => Err(CheckFailed(format!("{error:#}")).into()),
    }
}

/// The address by which a process on this machine reaches one that listens on `listen`.
fn from_here(listen: SocketAddr) -> SocketAddr {
    let address = match listen.ip() {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    SocketAddr::new(address, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_listens_everywhere_is_asked_on_the_loopback() {
        let seen = |listen: &str| from_here(listen.parse().unwrap()).to_string();
        assert_eq!(seen("0.0.0.0:9100"), "127.0.0.1:9100");
        assert_eq!(seen("[::]:9100"), "[::1]:9100");
        assert_eq!(seen("10.1.2.3:9100"), "10.1.2.3:9100");
    }
}
