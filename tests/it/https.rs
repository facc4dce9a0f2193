//! Policies over HTTPS, from a server on the loopback interface that does what a server must not.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bonafide::adapter::https::{Https, Options};
use bonafide::mta_sts::{self, FetchError, PolicyFetcher, PolicyUrl};
use bonafide::tls_rpt::ResultType;
use bonafide::{Domain, UnixTime, block_on, dns::Zone};
use serde_json::Value;

use crate::support::attacks::run;
use crate::support::https_server::{Authority, HttpsServer, Identity, Respond, endless, fixed};

const POLICY: &str =
    "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmax_age: 604800\r\n";
const NOW: UnixTime = UnixTime(1_795_478_400);

/// What a fetch may take in these tests, and how long it may take to notice.
const DEADLINE: Duration = Duration::from_secs(2);
const GRACE: Duration = Duration::from_secs(2);

fn own_name() -> Identity {
    Identity::Names(vec!["mta-sts.example.com".to_owned()])
}

fn options(authority: &Authority, server: &HttpsServer) -> Options {
    let mut options = Options::default();
    options.allow_local = true;
    options.roots = Some(vec![authority.root.clone()]);
    options.server = Some(server.address);
    options.timeout = DEADLINE;
    options
}

fn url() -> PolicyUrl {
    PolicyUrl::new(Domain::parse(b"example.com").unwrap())
}

/// One fetch from a server of its own, within the deadline.
fn fetch(identity: &Identity, delay: Duration, respond: Respond) -> Result<Vec<u8>, FetchError> {
    let authority = Authority::new();
    let server = HttpsServer::start(&authority, identity, delay, respond);
    let started = Instant::now();
    let outcome = block_on(Https::new(options(&authority, &server)).fetch(&url()));
    assert!(started.elapsed() < DEADLINE + GRACE, "took {:?}", started.elapsed());
    assert!(server.requests() <= 1, "{} requests", server.requests());
    outcome
}

fn at_once(identity: &Identity, response: impl Into<Vec<u8>>) -> Result<Vec<u8>, FetchError> {
    fetch(identity, Duration::ZERO, fixed(response))
}

fn response(status: &str, media_type: &str, body: &str) -> String {
    let length = body.len();
    let status = format!("HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\n");
    format!("{status}Content-Length: {length}\r\n\r\n{body}")
}

/// The shape of an error, and what it is reported as.
#[track_caller]
fn assert_fails(
    name: &str,
    outcome: Result<Vec<u8>, FetchError>,
    expected: fn(&FetchError) -> bool,
    result_type: ResultType,
) {
    let error = outcome.expect_err(name);
    println!("{name}: {error} ({})", error.result_type());
    assert!(expected(&error), "{name}: {error:?}");
    assert_eq!(error.result_type(), result_type, "{name}");
}

/// RFC 8461 section 3.3: a certificate for the policy host by a DNS-ID, whose first label may be a
/// wildcard; section 3.2: parameters of the media type are ignored.
#[test]
fn a_policy_is_fetched() {
    let wildcard = Identity::Names(vec!["*.example.com".to_owned()]);
    for identity in [own_name(), wildcard] {
        for media_type in ["text/plain", "Text/Plain ; charset=utf-8; x=y"] {
            let policy = at_once(&identity, response("200 OK", media_type, POLICY));
            assert_eq!(policy.as_deref(), Ok(POLICY.as_bytes()), "{identity:?} {media_type}");
        }
    }
    let chunked = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n\
        5\r\nversi\r\n2\r\non\r\n0\r\n\r\n";
    assert_eq!(at_once(&own_name(), chunked).as_deref(), Ok(&b"version"[..]));
    // Exactly 64 KiB, without a length.
    let begin = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n";
    let long = format!("{begin}{}", "a".repeat(65_536));
    assert_eq!(at_once(&own_name(), long).map(|policy| policy.len()), Ok(65_536));
}

/// RFC 8461 section 3.3: the certificate.
#[test]
fn certificates_are_checked() {
    let ours = "mta-sts.example.com".to_owned();
    let names = |name: &str| Identity::Names(vec![name.to_owned()]);
    let cases = [
        names("example.com"),
        names("mta-sts.example.net"),
        names("*.mta-sts.example.com"),
        names("*.com"),
        Identity::CommonName(ours.clone()),
        Identity::Expired(ours.clone()),
        Identity::Untrusted(ours),
    ];
    for identity in cases {
        let outcome = at_once(&identity, response("200 OK", "text/plain", POLICY));
        let is_expected = |error: &FetchError| matches!(error, FetchError::Certificate(_));
        assert_fails(&format!("{identity:?}"), outcome, is_expected, ResultType::StsWebpkiInvalid);
    }
    for identity in [Identity::Missing, Identity::Plain] {
        let outcome = at_once(&identity, response("200 OK", "text/plain", POLICY));
        let is_expected = |error: &FetchError| matches!(error, FetchError::Tls(_));
        assert_fails(&format!("{identity:?}"), outcome, is_expected, ResultType::StsWebpkiInvalid);
    }
}

/// RFC 8461 section 3.3: the status is 200, and redirects are not followed.
#[test]
fn only_status_200_counts() {
    let target = HttpsServer::start(&Authority::new(), &own_name(), Duration::ZERO, fixed(""));
    for status in [201, 203, 204, 206, 301, 302, 303, 307, 308, 304, 400, 404, 500, 503] {
        let location = format!("Location: https://{}/\r\n", target.address);
        let response = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: text/plain\r\n{location}Content-Length: 0\r\n\r\n"
        );
        let outcome = at_once(&own_name(), response);
        assert_eq!(outcome, Err(FetchError::Status { found: status }));
    }
    assert_eq!(target.connections(), 0);
}

/// RFC 8461 section 3.2: the media type is text/plain.
#[test]
fn only_plain_text_counts() {
    for media_type in ["text/html", "text/plainer", "application/octet-stream", "", "text"] {
        let outcome = at_once(&own_name(), response("200 OK", media_type, POLICY));
        let is_expected = |error: &FetchError| matches!(error, FetchError::MediaType { .. });
        assert_fails(media_type, outcome, is_expected, ResultType::StsPolicyFetchError);
    }
    let outcome = at_once(&own_name(), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(outcome, Err(FetchError::MediaType { found: String::new() }));
}

const BEGIN: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";

/// RFC 8461 section 3.3: 64 KiB; what it costs in memory is measured beside the adapter.
#[test]
fn long_policies_are_cut_off() {
    let cases = [
        ("10 GB", format!("{BEGIN}Content-Length: 10000000000\r\n\r\n")),
        ("no end", format!("{BEGIN}\r\n")),
    ];
    for (name, first) in cases {
        let respond = endless(&first, vec![b'a'; 1 << 14], Duration::ZERO);
        let outcome = fetch(&own_name(), Duration::ZERO, respond);
        assert_eq!(outcome, Err(FetchError::TooLong), "{name}");
    }
    let outcome = at_once(&own_name(), response("200 OK", "text/plain", &"a".repeat(65_537)));
    assert_eq!(outcome, Err(FetchError::TooLong));
}

/// RFC 8461 section 3.3: one minute in all, whatever drips.
#[test]
fn time_is_limited_from_the_first_octet_to_the_last() {
    let drip = Duration::from_millis(50);
    let ok = || fixed(response("200 OK", "text/plain", POLICY));
    let silent: Respond = Arc::new(|_| {
        thread::sleep(Duration::from_secs(10));
        Ok(())
    });
    let cases = [
        ("handshake", drip, ok()),
        ("silence", Duration::ZERO, silent),
        ("header", Duration::ZERO, endless("HTTP/1.1 200 OK\r\nX: ", "a", drip)),
        ("fields", Duration::ZERO, endless(BEGIN, "X: a\r\n", drip * 4)),
        ("body", Duration::ZERO, endless(&format!("{BEGIN}\r\n"), "a", drip)),
        (
            "chunks",
            Duration::ZERO,
            endless(&format!("{BEGIN}Transfer-Encoding: chunked\r\n\r\n"), "1\r\na\r\n", drip),
        ),
        ("interim", Duration::ZERO, endless("", "HTTP/1.1 103 Early Hints\r\n\r\n", drip)),
    ];
    thread::scope(|scope| {
        for (name, delay, respond) in cases {
            scope.spawn(move || {
                let started = Instant::now();
                let outcome = fetch(&own_name(), delay, respond);
                assert_eq!(outcome, Err(FetchError::Timeout), "{name}");
                assert!(started.elapsed() >= DEADLINE, "{name}");
            });
        }
    });
}

/// Responses that are none.
#[test]
fn broken_responses_are_fetch_errors() {
    let fields = format!("{BEGIN}{}\r\n", "X: y\r\n".repeat(10_000));
    let cases = [
        ("nothing", String::new()),
        ("no HTTP", "220 mail.example.com ESMTP\r\n\r\n".to_owned()),
        ("cut off", format!("{BEGIN}Content-Length: 100\r\n\r\nversion")),
        ("cut off in a chunk", format!("{BEGIN}Transfer-Encoding: chunked\r\n\r\n64\r\nversion")),
        ("no chunk", format!("{BEGIN}Transfer-Encoding: chunked\r\n\r\nversion: STSv1\r\n")),
        ("many fields", fields),
        ("a long field", format!("{BEGIN}X: {}\r\n\r\n", "y".repeat(100_000))),
        ("NUL in the header", format!("{BEGIN}X: \0\r\n\r\n")),
    ];
    for (name, response) in cases {
        let outcome = at_once(&own_name(), response);
        let is_expected =
            |error: &FetchError| matches!(error, FetchError::Http(_) | FetchError::Connection(_));
        assert_fails(name, outcome, is_expected, ResultType::StsPolicyFetchError);
    }
}

/// Where nobody listens.
#[test]
fn a_refused_connection_is_a_fetch_error() {
    let authority = Authority::new();
    let server = HttpsServer::start(&authority, &own_name(), Duration::ZERO, fixed(""));
    let mut options = options(&authority, &server);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    options.server = Some(closed);
    let outcome = block_on(Https::new(options).fetch(&url()));
    let is_expected = |error: &FetchError| matches!(error, FetchError::Connection(_));
    assert_fails("refused", outcome, is_expected, ResultType::StsPolicyFetchError);
}

/// Addresses that are not global are not connected to.
#[test]
fn local_addresses_are_refused() {
    let authority = Authority::new();
    let policy = fixed(response("200 OK", "text/plain", POLICY));
    let server = HttpsServer::start(&authority, &own_name(), Duration::ZERO, policy);
    let mut options = options(&authority, &server);
    options.allow_local = false;
    let outcome = block_on(Https::new(options).fetch(&url()));
    assert_eq!(outcome, Err(FetchError::Address { found: server.address.ip() }));
    assert_eq!(server.connections(), 0);
}

/// A page and a NUL at status 200 are no policies, and are reported as such.
#[test]
fn what_is_no_policy_is_reported_as_invalid() {
    let zone: Zone = "_mta-sts.example.com TXT \"v=STSv1; id=1\"".parse().unwrap();
    let nul = POLICY.replace("mail.", "mail\0.");
    for body in ["<!DOCTYPE html>", nul.as_str(), ""] {
        let authority = Authority::new();
        let respond = fixed(response("200 OK", "text/plain", body));
        let server = HttpsServer::start(&authority, &own_name(), Duration::ZERO, respond);
        let https = Https::new(options(&authority, &server));
        let domain = Domain::parse(b"example.com").unwrap();
        let discovery = block_on(mta_sts::discover(&domain, None, &zone, &https, NOW));
        assert!(matches!(discovery.cause, Some(mta_sts::Cause::Policy(_))), "{discovery:?}");
        assert_eq!(discovery.report(), Some(ResultType::StsPolicyInvalid));
    }
}

/// More fetches than threads: each has its turn, and those that are given up take none.
#[test]
fn fetches_wait_for_their_turn() {
    let authority = Authority::new();
    let slow: Respond = Arc::new(|out| {
        thread::sleep(Duration::from_millis(100));
        out.write_all(response("200 OK", "text/plain", POLICY).as_bytes())
    });
    let server = HttpsServer::start(&authority, &own_name(), Duration::ZERO, slow);
    let mut options = options(&authority, &server);
    options.threads = 2;
    let (https, url) = (Https::new(options), url());
    let kept: Vec<_> = (0..6).map(|_| https.fetch(&url)).collect();
    drop((0..100).map(|_| https.fetch(&url)).collect::<Vec<_>>());
    for fetch in kept {
        assert_eq!(block_on(fetch).as_deref(), Ok(POLICY.as_bytes()));
    }
    assert!(server.requests() < 10, "{}", server.requests());
    // The threads have ended, and new ones come.
    thread::sleep(Duration::from_millis(50));
    assert_eq!(block_on(https.fetch(&url)).as_deref(), Ok(POLICY.as_bytes()));
}

/// The area mtasts-fetch of the hostile corpus.
#[test]
fn attacks() {
    run("mtasts-fetch", &["mtasts-fetch"], 11, |case| {
        let http = &case.json["inputs"]["http"];
        let identity = match (&http["tls"]["cn"], &http["tls"]["san"]) {
            (Value::String(name), _) => Identity::CommonName(name.clone()),
            (_, Value::Array(names)) => {
                let names = names.iter().map(|name| name.as_str().unwrap().to_owned());
                Identity::Names(names.collect())
            }
            _ => own_name(),
        };
        let mut begin = format!("HTTP/1.1 {} X\r\n", http["status"]);
        let fields = http["headers"].as_object().into_iter().flatten();
        for (name, value) in fields {
            begin += &format!("{name}: {}\r\n", value.as_str().unwrap());
        }
        // Where the case names no type, the fault is elsewhere.
        if !http["headers"].is_object() {
            begin += "Content-Type: text/plain\r\n";
        }
        let body = http["body"].as_str().unwrap_or_default();
        begin += &format!("Content-Length: {}\r\n", body.len());
        let respond = if http["endless_headers"] == true {
            endless(&begin, "X: y\r\n".repeat(100), Duration::ZERO)
        } else if let Some(delay) = http["slow_ms_per_byte"].as_u64() {
            endless(&format!("{begin}\r\n"), &body[..1], Duration::from_millis(delay))
        } else {
            fixed(format!("{begin}\r\n{body}"))
        };
        let outcome = fetch(&identity, Duration::ZERO, respond);
        let is_right = outcome.is_ok() == (case.expected()["fetch"] == "ok");
        if is_right { Vec::new() } else { vec![format!("found {outcome:?}")] }
    });
}
