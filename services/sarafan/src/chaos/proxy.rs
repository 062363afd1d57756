//! A TCP proxy in front of ClickHouse that can be told to fail. HTTP/1.1 without pipelining is all it has to know: a
//! request begins where the client writes after an answer, and its first line says whether it inserts.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use fastrand::Rng;

/// How much is passed on at once.
const CHUNK: usize = 16 * 1024;
/// How long the slow network thinks about each piece.
const SLOW_LATENCY: Duration = Duration::from_millis(100);
/// A late request that the server does not answer in this time is left to itself.
const LATE_ANSWER: Duration = Duration::from_secs(20);

/// What the proxy does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Passes everything on.
    Pass,
    /// Passes inserts on, and drops the answers of two of three together with the connection.
    LoseAnswers,
    /// Breaks two of three inserts off after at most so many bytes.
    Cut(usize),
    /// Passes at most so many bytes a second each way.
    Slow(usize),
    /// Takes inserts and keeps them, until [`Proxy::deliver`].
    Withhold,
}

/// The proxy. It ends with the process.
pub(super) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    server: SocketAddr,
    mode: Mutex<Mode>,
    random: Mutex<Rng>,
    open: Mutex<HashMap<u64, [TcpStream; 2]>>,
    next: AtomicU64,
    withheld: Mutex<Vec<Vec<u8>>>,
    harmed: AtomicU64,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1, for the server at `server`.
    pub(super) fn start(server: SocketAddr, seed: u64) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            server,
            mode: Mutex::new(Mode::Pass),
            random: Mutex::new(Rng::with_seed(seed)),
            open: Mutex::default(),
            next: AtomicU64::new(0),
            withheld: Mutex::default(),
            harmed: AtomicU64::new(0),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let serving = Arc::clone(&serving);
                thread::spawn(move || serving.serve(client));
            }
        });
        Ok(Self { address, shared })
    }

    /// `http://127.0.0.1:PORT`.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on. Open connections break: each knows one mode.
    pub(super) fn set(&self, mode: Mode) {
        *locked(&self.shared.mode) = mode;
        for streams in locked(&self.shared.open).values() {
            streams.iter().for_each(|stream| _ = stream.shutdown(Shutdown::Both));
        }
    }

    /// How many requests were harmed since the last call.
    pub(super) fn harmed(&self) -> u64 {
        self.shared.harmed.swap(0, Ordering::AcqRel)
    }

    /// How many requests wait to be delivered.
    pub(super) fn withheld(&self) -> usize {
        locked(&self.shared.withheld).len()
    }

    /// Delivers what was withheld, in its order; says how many requests the server accepted.
    pub(super) fn deliver(&self) -> usize {
        let withheld = std::mem::take(&mut *locked(&self.shared.withheld));
        withheld.iter().filter(|request| accepted(self.shared.server, request).unwrap_or(false)).count()
    }
}

/// Sends a request and reads the beginning of its answer.
fn accepted(server: SocketAddr, request: &[u8]) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(LATE_ANSWER))?;
    stream.write_all(request)?;
    let mut status = [0; 12];
    stream.read_exact(&mut status)?;
    Ok(&status == b"HTTP/1.1 200")
}

/// One connection, in one mode.
struct Link {
    mode: Mode,
    client: TcpStream,
    server: TcpStream,
    /// The answer under way is to be lost.
    doomed: AtomicBool,
}

impl Shared {
    fn serve(&self, client: TcpStream) {
        let mode = *locked(&self.mode);
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        // Whatever fails here is a connection that ends: the two who talk to each other have to live with that.
        let Ok(link) = self.link(mode, client) else { return };
        let (Ok(a), Ok(b)) = (link.client.try_clone(), link.server.try_clone()) else { return };
        locked(&self.open).insert(id, [a, b]);
        // A mode that was set meanwhile has not closed this one.
        if *locked(&self.mode) == mode {
            thread::scope(|scope| {
                scope.spawn(|| link.answers());
                link.requests(self);
                link.close();
            });
        }
        locked(&self.open).remove(&id);
    }

    fn link(&self, mode: Mode, client: TcpStream) -> std::io::Result<Link> {
        let server = TcpStream::connect(self.server)?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        Ok(Link { mode, client, server, doomed: AtomicBool::new(false) })
    }

    /// Two of three.
    fn strikes(&self) -> bool {
        let struck = locked(&self.random).u8(0..3) > 0;
        if struck {
            self.harmed.fetch_add(1, Ordering::AcqRel);
        }
        struck
    }
}

impl Link {
    /// From the client to the server, until either goes.
    fn requests(&self, shared: &Shared) {
        let mut left: Option<usize> = None;
        let mut piece = vec![0; CHUNK];
        while let Some(bytes) = read(&self.client, &mut piece) {
            if is_insert(bytes) {
                match self.mode {
                    Mode::LoseAnswers => self.doomed.store(shared.strikes(), Ordering::Release),
                    Mode::Cut(most) if shared.strikes() => left = Some(locked(&shared.random).usize(0..most)),
                    Mode::Withhold => return self.withhold(bytes, shared),
                    _ => {}
                }
            }
            let passed = bytes.get(..left.unwrap_or(bytes.len())).unwrap_or(bytes);
            self.slow_down(passed.len());
            if (&self.server).write_all(passed).is_err() {
                return;
            }
            if let Some(bytes_left) = &mut left {
                *bytes_left = bytes_left.saturating_sub(bytes.len());
                if *bytes_left == 0 {
                    return;
                }
            }
        }
    }

    /// Takes a request until the client gives up on it.
    fn withhold(&self, begun: &[u8], shared: &Shared) {
        let mut request = begun.to_vec();
        let mut piece = vec![0; CHUNK];
        while let Some(bytes) = read(&self.client, &mut piece) {
            request.extend_from_slice(bytes);
        }
        shared.harmed.fetch_add(1, Ordering::AcqRel);
        locked(&shared.withheld).push(request);
    }

    /// From the server to the client.
    fn answers(&self) {
        let mut piece = vec![0; CHUNK];
        while let Some(bytes) = read(&self.server, &mut piece) {
            if self.doomed.load(Ordering::Acquire) {
                break;
            }
            self.slow_down(bytes.len());
            if (&self.client).write_all(bytes).is_err() {
                break;
            }
        }
        self.close();
    }

    fn slow_down(&self, bytes: usize) {
        if let Mode::Slow(bytes_per_second) = self.mode {
            thread::sleep(SLOW_LATENCY + Duration::from_secs_f64(bytes as f64 / bytes_per_second as f64));
        }
    }

    fn close(&self) {
        // Closed already is as good.
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }
}

/// The next bytes; none at the end, whatever brought it about.
fn read<'a>(mut stream: &TcpStream, piece: &'a mut [u8]) -> Option<&'a [u8]> {
    let length = stream.read(piece).ok().filter(|length| *length > 0)?;
    piece.get(..length)
}

/// Whether a request begins here that inserts: the statement stands in its first line.
fn is_insert(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
    line.starts_with(b"POST ") && line.windows(b"INSERT".len()).any(|word| word == b"INSERT")
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, channel};

    const INSERT: &str = "POST /?query=INSERT+INTO+t HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello";
    const SELECT: &str = "POST /?query=SELECT+1 HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello";
    const ANSWER: &str = "HTTP/1.1 200 OK\r\n\r\n";
    const PATIENCE: Duration = Duration::from_secs(10);

    /// A server that says what it got on each connection, up to `hello` or the end, and answers.
    fn server() -> (SocketAddr, Receiver<String>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (got, gets) = channel();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (mut text, mut piece) = (String::new(), [0; 1024]);
                while !text.ends_with("hello") {
                    match stream.read(&mut piece) {
                        Ok(length) if length > 0 => text.push_str(&String::from_utf8_lossy(&piece[..length])),
                        _ => break,
                    }
                }
                if got.send(text).is_err() {
                    return;
                }
                let _ = stream.write_all(ANSWER.as_bytes());
            }
        });
        (address, gets)
    }

    fn proxy(mode: Mode) -> (Proxy, Receiver<String>) {
        let (address, gets) = server();
        let proxy = Proxy::start(address, 1).unwrap();
        proxy.set(mode);
        (proxy, gets)
    }

    /// What the client hears; nothing when the connection broke.
    fn ask(proxy: &Proxy, request: &str) -> String {
        let mut stream = TcpStream::connect(proxy.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    }

    #[test]
    fn what_is_not_to_be_harmed_passes_as_it_is() {
        for mode in [Mode::Pass, Mode::LoseAnswers, Mode::Cut(10), Mode::Slow(1_000_000), Mode::Withhold] {
            let (proxy, gets) = proxy(mode);
            assert_eq!(ask(&proxy, SELECT), ANSWER, "{mode:?}");
            assert_eq!(gets.recv_timeout(PATIENCE).unwrap(), SELECT);
            assert_eq!(proxy.harmed(), 0);
        }
    }

    #[test]
    fn an_insert_whose_answer_is_lost_has_happened() {
        let (proxy, gets) = proxy(Mode::LoseAnswers);
        let heard = (0..12).filter(|_| !ask(&proxy, INSERT).is_empty()).count();
        assert!((0..12).all(|_| gets.recv_timeout(PATIENCE).unwrap() == INSERT));
        assert_eq!(heard as u64, 12 - proxy.harmed());
        assert!((1..12).contains(&heard), "{heard} of 12 answers were heard");
    }

    #[test]
    fn a_cut_insert_arrives_in_part_and_is_not_answered() {
        let (proxy, gets) = proxy(Mode::Cut(INSERT.len() - 1));
        let heard = (0..12).filter(|_| !ask(&proxy, INSERT).is_empty()).count();
        // A connection on which nothing was passed on has nothing to say either.
        let whole = (0..12).filter(|_| gets.recv_timeout(PATIENCE).unwrap() == INSERT).count();
        assert_eq!(heard, whole);
        assert_eq!(heard as u64, 12 - proxy.harmed());
    }

    #[test]
    fn a_withheld_insert_arrives_when_it_is_delivered_and_its_client_has_gone() {
        let (proxy, gets) = proxy(Mode::Withhold);
        let mut stream = TcpStream::connect(proxy.address).unwrap();
        stream.write_all(INSERT.as_bytes()).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        assert!(stream.read(&mut [0; 1]).is_err(), "nobody answers");
        drop(stream);
        let deadline = std::time::Instant::now() + PATIENCE;
        while proxy.withheld() == 0 {
            assert!(std::time::Instant::now() < deadline);
            thread::sleep(Duration::from_millis(1));
        }
        // The server heard of the connection, and of nothing on it.
        assert_eq!(gets.recv_timeout(PATIENCE).unwrap(), "");
        assert_eq!(proxy.deliver(), 1);
        assert_eq!(gets.recv_timeout(PATIENCE).unwrap(), INSERT);
    }
}
