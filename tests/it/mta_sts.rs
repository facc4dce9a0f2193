//! MTA-STS and TLS reporting records against vectors and hostile input, and laws of both.

mod cache;
mod discovery;
mod records;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bonafide::mta_sts::{
    self, FetchError, FetchedPolicy, Policy, PolicyFetcher, PolicyUrl, Record,
};
use bonafide::tls_rpt::ResultType;
use bonafide::{Domain, UnixTime, block_on};
use serde_json::Value;

use crate::support::attacks::{Case, run};

const NOW: UnixTime = UnixTime(1_795_478_400);

fn domain(name: &str) -> Domain {
    Domain::parse(name.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Vectors write octets as `\r`, `\n`, `\t`, `\0` and `\xHH`.
fn unescape(text: &str) -> Vec<u8> {
    let (mut octets, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, behind @ ..] = rest {
        let (octet, length) = match (first, behind) {
            (b'\\', [b'r', ..]) => (b'\r', 2),
            (b'\\', [b'n', ..]) => (b'\n', 2),
            (b'\\', [b't', ..]) => (b'\t', 2),
            (b'\\', [b'0', ..]) => (0, 2),
            (b'\\', [b'x', high, low, ..]) => {
                let digits = String::from_utf8(vec![*high, *low]).unwrap();
                (u8::from_str_radix(&digits, 16).unwrap(), 4)
            }
            (b'\\', _) => panic!("{text}: unknown escape"),
            _ => (*first, 1),
        };
        octets.push(octet);
        rest = &rest[length..];
    }
    octets
}

fn expect(what: &str, found: &str, expected: &str) -> Result<(), String> {
    let holds = if what == "Error" || what == "Cause" {
        found.contains(expected) && !expected.is_empty()
    } else {
        found == expected
    };
    if holds { Ok(()) } else { Err(format!("{what}: expected {expected:?}, found {found:?}")) }
}

/// Gives the same policy each time, and counts.
struct Fetcher(Result<Vec<u8>, FetchError>, AtomicUsize);

impl Fetcher {
    fn new(what: &str) -> Self {
        let reply = match what {
            "" => Err(FetchError::Other("nothing is to be fetched".into())),
            "!status 404" => Err(FetchError::Status { found: 404 }),
            "!status 503" => Err(FetchError::Status { found: 503 }),
            "!certificate" => Err(FetchError::Certificate("expired".into())),
            "!tls" => Err(FetchError::Tls("alert".into())),
            "!timeout" => Err(FetchError::Timeout),
            "!invalid" => Ok(b"<html>".to_vec()),
            "!long" => {
                let text = policy_text("enforce", &["mx.example.com"], 1);
                Ok((text + &"x: y\n".repeat(13_200)).into_bytes())
            }
            mode => Ok(policy_text(mode, &["mx.example.com"], 604_800).into_bytes()),
        };
        Self(reply, AtomicUsize::new(0))
    }
}

impl PolicyFetcher for Fetcher {
    async fn fetch(&self, url: &PolicyUrl) -> Result<Vec<u8>, FetchError> {
        assert_eq!(url.to_string(), "https://mta-sts.example.com/.well-known/mta-sts.txt");
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.clone()
    }
}

fn policy_text(mode: &str, mx: &[&str], max_age: u32) -> String {
    let mx: String = mx.iter().map(|pattern| format!("mx: {pattern}\n")).collect();
    format!("version: STSv1\nmode: {mode}\n{mx}max_age: {max_age}\n")
}

fn fetched(id: &str, text: &str, at: UnixTime) -> FetchedPolicy {
    let record = format!("v=STSv1; id={id}");
    let record = Record::parse(record.as_bytes()).unwrap();
    FetchedPolicy::new(&record, &Policy::parse(text.as_bytes()).unwrap(), at)
}

fn result_type(word: &str) -> ResultType {
    use ResultType as T;
    let all = [
        T::CertificateExpired,
        T::CertificateHostMismatch,
        T::CertificateNotTrusted,
        T::DaneRequired,
        T::DnssecInvalid,
        T::StarttlsNotSupported,
        T::StsPolicyFetchError,
        T::StsPolicyInvalid,
        T::StsWebpkiInvalid,
        T::TlsaInvalid,
        T::ValidationFailure,
    ];
    *all.iter().find(|all| all.to_string() == word).unwrap_or_else(|| panic!("{word}"))
}

/// The area mtasts of the hostile corpus.
#[test]
fn attacks() {
    run("mtasts", &["mtasts"], 30, |case| {
        let started = Instant::now();
        attack(case).err().into_iter().chain(case.exceeded(started, 0)).collect()
    });
}

fn attack(case: &Case) -> Result<(), String> {
    let expected = case.expected();
    if let Some(matches) = expected["mx_match"].as_bool() {
        let policy = Policy::parse(&case.file).map_err(|error| error.to_string())?;
        let host = Domain::parse(case.input("mx").as_bytes());
        let found = host.is_ok_and(|host| policy.matches(&host));
        return expect("mx_match", &found.to_string(), &matches.to_string());
    }
    if let Some(sts) = expected["sts"].as_str() {
        let zone = case.zone();
        let own = domain(case.input("domain"));
        let fetcher = Fetcher::new("enforce");
        let discovery = block_on(mta_sts::discover(&own, None, &zone, &fetcher, NOW));
        let found = match (&discovery.id, &discovery.cause) {
            (Some(_), _) => "record",
            (None, Some(mta_sts::Cause::Lookup { .. })) => "temperror",
            (None, _) => "none",
        };
        expect(
            "id",
            discovery.id.as_deref().unwrap_or_default(),
            expected["id"].as_str().unwrap_or_default(),
        )?;
        return expect("sts", found, sts);
    }
    let parsed = Policy::parse(&case.file);
    let found = if parsed.is_ok() { "valid" } else { "invalid" };
    let allowed = match &expected["policy_in"] {
        Value::Array(allowed) => allowed.clone(),
        _ => vec![expected["policy"].clone()],
    };
    if !allowed.contains(&Value::from(found)) {
        return Err(format!("expected {allowed:?}, found {parsed:?}"));
    }
    if let (Ok(policy), Some(mode)) = (parsed, expected["mode"].as_str()) {
        let mx: Vec<_> = policy.mx().map(|pattern| pattern.to_string()).collect();
        expect("mode", &policy.mode.to_string(), mode)?;
        expect("max_age", &policy.max_age.to_string(), &expected["max_age"].to_string())?;
        expect("mx", &Value::from(mx).to_string(), &expected["mx"].to_string())?;
    }
    Ok(())
}
