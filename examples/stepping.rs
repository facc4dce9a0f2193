//! Verifies the DKIM signatures of a message from an event loop: one socket, all questions at once.
//!
//! `cargo run --features wire --example stepping -- message.eml 127.0.0.1:53`
#![allow(clippy::print_stdout)]

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::UdpSocket;
use std::time::{Duration, Instant, SystemTime};

use bonafide::dkim::{Options, Verifier};
use bonafide::dns::wire;
use bonafide::evaluation::{Evaluation, Request, Response};
use bonafide::message::Header;

const DEADLINE: Duration = Duration::from_secs(3);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, server] = arguments.as_slice() else {
        return Err("expected two arguments: MESSAGE ADDRESS:PORT".into());
    };
    let socket = UdpSocket::bind("0.0.0.0:0")?; // "[::]:0" for a server with an IPv6 address
    socket.connect(server)?;

    let message = std::fs::read(path)?;
    let header = Header::parse(&message);
    let mut verifier = Verifier::new(&header, &Options::default(), SystemTime::now().into());
    let mut evaluation = Evaluation::new(|io| verifier.keys(io));
    let mut body = header.body().chunks(4096);

    let (begin, mut open, mut buffer) = (Instant::now(), HashMap::new(), [0; 4096]);
    let keys = loop {
        // Whatever the evaluator wants to know goes out at once, each question under its own id.
        while let Some((request, Request::Dns(question))) = evaluation.request() {
            let mut ids = std::iter::repeat_with(random_id);
            let id = ids.find(|id| !open.contains_key(id)).ok_or("no id")?;
            socket.send(&wire::query(&question, id))?;
            open.insert(id, (request, question));
        }
        body.by_ref().for_each(|chunk| verifier.body(chunk)); // meanwhile the body arrives
        if let Some(keys) = evaluation.outcome() {
            break keys;
        }

        // The read timeout stands for poll(2). At the deadline it is zero, which is an error too.
        let left = DEADLINE.saturating_sub(begin.elapsed());
        let waited = socket.set_read_timeout(Some(left));
        let Ok(length) = waited.and_then(|()| socket.recv(&mut buffer)) else {
            evaluation.expire(); // what is still open gets a timeout
            continue;
        };
        let packet = buffer.get(..length).unwrap_or_default();

        // Replies come in any order; the id says which question it is.
        let id = packet.first_chunk().map_or(0, |id| u16::from_be_bytes(*id));
        let Some((request, question)) = open.get(&id) else {
            continue;
        };
        match wire::response(packet, question, id) {
            Ok(reply) => evaluation.answer(*request, Response::Dns(reply))?,
            Err(error) if error.is_foreign() => continue,
            // A server that is in earnest asks again over TCP if the reply is truncated.
            Err(error) => evaluation.answer(*request, Response::Dns(Err(error.into())))?,
        }
        open.remove(&id);
    };
    for verdict in verifier.finish(keys)? {
        println!("{verdict}");
    }
    Ok(())
}

/// The keys of the standard library's hash are random; take your own generator if you have one.
fn random_id() -> u16 {
    let [high, low, ..] = RandomState::new().hash_one(()).to_be_bytes();
    u16::from_be_bytes([high, low])
}
