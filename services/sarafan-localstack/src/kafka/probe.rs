//! Asks a broker, in Kafka's own protocol, whether it can serve.

use std::io::{Read, Result, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(1);

/// `Metadata` version 1 about no topic: size 14, API key 3, version 1, correlation id 7, no client id, no topics.
const REQUEST: [u8; 18] = [0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 7, 0xff, 0xff, 0, 0, 0, 0];

/// True once the controller counts the broker as alive: a topic that is created before that finds no broker.
pub(super) fn has_a_live_broker(port: u16) -> bool {
    live_brokers(port).is_ok_and(|count| count > 0)
}

fn live_brokers(port: u16) -> Result<u32> {
    let mut stream = TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(&REQUEST)?;
    // Size, correlation id, number of brokers.
    let mut answer = [0; 12];
    stream.read_exact(&mut answer)?;
    Ok(u32::from_be_bytes([answer[8], answer[9], answer[10], answer[11]]))
}
