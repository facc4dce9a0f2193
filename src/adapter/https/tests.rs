#![allow(
    dead_code,
    clippy::field_reassign_with_default,
    reason = "the server is shared with the integration tests, and options are set as callers set them"
)]

use std::time::Instant;

use allocation_counter::measure;

use super::*;
use https_server::{Authority, HttpsServer, Identity, endless};

#[path = "../../../tests/it/support/https_server.rs"]
#[allow(clippy::indexing_slicing, clippy::unwrap_used)]
mod https_server;

/// Whatever a server sends and for however long: a fetch holds less than 1 MB, buffers of TLS included.
#[test]
fn memory_is_bounded() {
    let authority = Authority::new();
    let identity = Identity::Names(vec!["mta-sts.example.com".to_owned()]);
    let begin = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";
    let chunk = [&b"10000\r\n"[..], &[b'a'; 1 << 16], b"\r\n"].concat();
    let cases = [
        ("10 GB", format!("{begin}Content-Length: 10000000000\r\n\r\n"), vec![b'a'; 1 << 16]),
        ("endless", format!("{begin}\r\n"), vec![b'a'; 1 << 16]),
        ("endless chunks", format!("{begin}Transfer-Encoding: chunked\r\n\r\n"), chunk),
        ("endless header", begin.to_owned(), b"X-Field: value\r\n".repeat(1000)),
        ("endless field", format!("{begin}X-Field: "), vec![b'a'; 1 << 16]),
        ("endless status line", "HTTP/1.1 200 ".to_owned(), vec![b'a'; 1 << 16]),
        ("interim responses", String::new(), b"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(1000)),
    ];
    for (name, first, again) in cases {
        let respond = endless(&first, again, Duration::ZERO);
        let server = HttpsServer::start(&authority, &identity, Duration::ZERO, respond);
        let mut options = Options::default();
        options.allow_local = true;
        options.roots = Some(vec![authority.root.clone()]);
        options.server = Some(server.address);
        options.timeout = Duration::from_secs(3);
        let https = Https::new(options);
        let url = "https://mta-sts.example.com/.well-known/mta-sts.txt";
        let mut fetched = None;
        let started = Instant::now();
        let info = measure(|| fetched = Some(fetch(&https.agent, url)));
        assert!(started.elapsed() < Duration::from_secs(5), "{name}");
        let outcome = fetched.unwrap();
        assert!(outcome.is_err(), "{name}: {outcome:?}");
        assert!(info.bytes_max < 1 << 20, "{name}: {} octets", info.bytes_max);
        assert_eq!(server.requests(), 1, "{name}");
    }
}
