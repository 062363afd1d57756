//! Free ports on the loopback address.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Below the range that Linux gives to outgoing connections (32768 and up): a port from that range could be taken by
/// any client, even by one that retries to connect to it, while its server is being restarted.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;
const TRIES: u32 = 200;
/// On the loopback address an answer comes at once.
const CONNECT_PATIENCE: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(50);

/// Ports that nobody listens on at this moment, all different.
pub(crate) fn free<const N: usize>() -> Result<[u16; N]> {
    let mut held: Vec<TcpListener> = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = bind_any()?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// Refuses a port that somebody listens on already: the server would end at once, and whoever asks at its address whether
/// it is ready would be answered by the other one.
///
/// Looks again for a while: between its fork and its exec, another server that is being started holds copies of our
/// sockets, also of the one that just found the port to be free.
pub(crate) fn check_free(what: &str, port: u16) -> Result<()> {
    let address = (Ipv4Addr::LOCALHOST, port);
    let deadline = Instant::now() + CONNECT_PATIENCE;
    while TcpStream::connect_timeout(&address.into(), CONNECT_PATIENCE).is_ok() {
        if Instant::now() > deadline {
            bail!(
                "port {port} of 127.0.0.1, meant for {what}, is in use; stop what listens there, or name another port"
            );
        }
        std::thread::sleep(POLL);
    }
    Ok(())
}

fn bind_any() -> Result<TcpListener> {
    for _ in 0..TRIES {
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, random_port())) {
            return Ok(listener);
        }
    }
    bail!("found no free port between {FIRST} and {} on 127.0.0.1", FIRST + COUNT - 1);
}

/// The standard library seeds every hash state at random; that is all the randomness needed here.
fn random_port() -> u16 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let random = RandomState::new().build_hasher().finish();
    FIRST + u16::try_from(random % u64::from(COUNT)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_different_and_can_be_bound() {
        let ports = free::<8>().unwrap();
        let listeners: Vec<_> = ports.iter().map(|port| bind(*port)).collect();
        assert_eq!(listeners.len(), 8);
    }

    #[test]
    fn a_port_that_somebody_listens_on_is_refused_with_the_way_out() {
        let [port] = free().unwrap();
        check_free("Kafka", port).unwrap();
        let _listener = bind(port);
        let refused = check_free("Kafka", port).unwrap_err().to_string();
        assert!(refused.contains(&port.to_string()) && refused.contains("another port"), "{refused}");
    }

    /// Between its fork and its exec, a child that another test starts holds copies of our sockets.
    fn bind(port: u16) -> TcpListener {
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
                Ok(listener) => return listener,
                Err(error) => assert!(Instant::now() < deadline, "{port}: {error}"),
            }
        }
    }
}
