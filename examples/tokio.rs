//! Verifies the DKIM signatures of a message under Tokio: keys are fetched while the body arrives.
//!
//! `cargo run --features hickory --example tokio -- message.eml 127.0.0.1:53`
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::time::SystemTime;

use bonafide::adapter::hickory::Hickory;
use bonafide::dkim::{Options, Verdict, Verifier};
use bonafide::dns::Resolver;
use bonafide::message::Header;

type AnyError = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, server] = arguments.as_slice() else {
        return Err("expected two arguments: MESSAGE ADDRESS:PORT".into());
    };
    let message = std::fs::read(path)?;

    // One resolver serves the whole process: it caches, and its clones share the cache.
    let resolver = Hickory::for_server(server.parse()?)?;

    // A server verifies many messages at a time, each in a task of its own.
    let task = tokio::spawn(verify(message, resolver.clone()));
    for verdict in task.await?? {
        println!("{verdict}");
    }
    Ok(())
}

/// Any resolver will do: put your own in the place of `Hickory`.
async fn verify<R>(message: Vec<u8>, resolver: R) -> Result<Vec<Verdict>, AnyError>
where
    R: Resolver + 'static,
{
    let header = Header::parse(&message);
    let mut verifier = Verifier::new(&header, &Options::default(), SystemTime::now().into());

    // Once the header is there, it is known which keys are needed. The future borrows nothing from
    // the verifier, so it can run in a task of its own.
    let keys = tokio::spawn(verifier.keys(resolver));

    // The body comes in whatever pieces the client sends; yielding stands for awaiting the next.
    for chunk in header.body().chunks(4096) {
        verifier.body(chunk);
        tokio::task::yield_now().await;
    }

    // One verdict for each signature. A DNS failure is among them, as a temperror, and no `Err`.
    Ok(verifier.finish(keys.await?)?)
}
