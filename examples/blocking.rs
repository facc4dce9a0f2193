//! Verifies the DKIM signatures of a message without a runtime: a resolver on blocking sockets.
//!
//! `cargo run --features wire --example blocking -- message.eml 127.0.0.1:53`
#![allow(clippy::print_stdout)]

use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant, SystemTime};

use bonafide::dkim::{Options, verify};
use bonafide::dns::{Answer, LookupError, Question, Resolver, wire};

const PATIENCE: Duration = Duration::from_secs(3);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, server] = arguments.as_slice() else {
        return Err("expected two arguments: MESSAGE ADDRESS:PORT".into());
    };
    let (message, resolver) = (std::fs::read(path)?, Blocking(server.parse()?));
    let (options, now) = (Options::default(), SystemTime::now().into());
    for verdict in bonafide::block_on(verify(&message, &options, &resolver, now)) {
        println!("{verdict}");
    }
    Ok(())
}

/// Looks up while its thread waits: fit for `block_on`, and for no runtime.
struct Blocking(SocketAddr);

impl Resolver for Blocking {
    async fn lookup(&self, question: &Question) -> Result<Answer, LookupError> {
        let failed = |error: io::Error| match error.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Err(LookupError::Timeout),
            _ => Err(LookupError::Other(error.to_string().into())),
        };
        self.ask_udp(question).unwrap_or_else(failed)
    }
}

impl Blocking {
    fn ask_udp(&self, question: &Question) -> io::Result<Result<Answer, LookupError>> {
        // A fresh port, and no other sender: forging a reply takes a guess of port and id.
        let socket = UdpSocket::bind("0.0.0.0:0")?; // "[::]:0" for a server with an IPv6 address
        socket.connect(self.0)?;
        let (id, begin, mut buffer) = (random_id(), Instant::now(), [0; 4096]);
        socket.send(&wire::query(question, id))?;
        while let Some(left) = PATIENCE.checked_sub(begin.elapsed()) {
            socket.set_read_timeout(Some(left))?;
            let length = socket.recv(&mut buffer)?;
            match wire::response(buffer.get(..length).unwrap_or_default(), question, id) {
                Err(wire::ResponseError::Truncated) => return self.ask_tcp(question),
                Err(error) if error.is_foreign() => {} // ignore it and keep waiting
                reply => return reply.map_err(io::Error::other),
            }
        }
        Err(ErrorKind::TimedOut.into())
    }

    fn ask_tcp(&self, question: &Question) -> io::Result<Result<Answer, LookupError>> {
        let (id, mut length) = (random_id(), [0; 2]);
        let query = wire::query(question, id);
        let mut stream = TcpStream::connect_timeout(&self.0, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let query_length = u16::try_from(query.len()).map_err(io::Error::other)?;
        stream.write_all(&[&query_length.to_be_bytes()[..], &query].concat())?;
        stream.read_exact(&mut length)?;
        let mut packet = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut packet)?;
        wire::response(&packet, question, id).map_err(io::Error::other)
    }
}

/// The keys of the standard library's hash are random; take your own generator if you have one.
fn random_id() -> u16 {
    let [high, low, ..] = RandomState::new().hash_one(()).to_be_bytes();
    u16::from_be_bytes([high, low])
}
