//! `bonafide mta-sts`: what a domain asks of those who send to it, and what becomes of its hosts.

use std::fmt::Write as _;

use bonafide::Domain;
use bonafide::adapter::https::{Https, Options};
use bonafide::dns::{LookupError, Name, Question, RecordData, RecordType, Resolver};
use bonafide::mta_sts::{
    self, Decision, Discovery, FetchError, HostDecision, PolicyFetcher, PolicyUrl, Tls,
};
use serde::Serialize;

use crate::arguments::{Format, MtaSts, Source};
use crate::{Failure, print, print_json, printable, resolver};

pub(crate) fn run(arguments: &MtaSts) -> Result<(), Failure> {
    let domain = &arguments.domain;
    let now = arguments.now.unwrap_or_else(|| std::time::SystemTime::now().into());
    let (runtime, resolver) = resolver::start(&arguments.dns)?;
    let fetcher = match (&arguments.policy, &arguments.dns.source) {
        (Some(path), _) => Fetcher::Given(
            std::fs::read(path)
                .map_err(|error| Failure::Io(format!("cannot read {}: {error}", path.display())))?,
        ),
        (None, Source::Zone(_)) => Fetcher::Offline,
        (None, _) => Fetcher::Https(Https::new(Options::default())),
    };
    let (discovery, hosts) = runtime.block_on(async {
        let discovery = mta_sts::discover(domain, None, &resolver, &fetcher, now).await;
        (discovery, hosts(domain, &resolver).await)
    });
    let report = Report::new(domain, &discovery, hosts);
    match arguments.format {
        Format::Json => print_json(&report),
        // There is no field that says it.
        Format::Header | Format::Text => print(&text(domain, &report)),
    }
}

/// Where the policy comes from.
enum Fetcher {
    Given(Vec<u8>),
    Https(Https),
    Offline,
}

impl PolicyFetcher for Fetcher {
    async fn fetch(&self, url: &PolicyUrl) -> Result<Vec<u8>, FetchError> {
        match self {
            Self::Given(policy) => Ok(policy.clone()),
            Self::Https(https) => https.fetch(url).await,
            Self::Offline => {
                let why = "--zone uses no network; --policy FILE gives the policy";
                Err(FetchError::Other(why.into()))
            }
        }
    }
}

/// The mail exchangers of a domain in the order in which they are tried.
async fn hosts(domain: &Domain, resolver: &impl Resolver) -> Result<Vec<Name>, LookupError> {
    let name = Name::from_labels(domain.labels())
        .map_err(|error| LookupError::Other(error.to_string().into()))?;
    let question = Question::new(name, RecordType::Mx);
    let answer = resolver.lookup(&question).await?;
    let mut hosts: Vec<_> = answer
        .records
        .iter()
        .filter_map(|record| match record {
            RecordData::Mx { preference, exchange } => Some((*preference, exchange.clone())),
            _ => None,
        })
        .collect();
    if hosts.is_empty() {
        // RFC 5321 section 5.1: the domain itself.
        return Ok(vec![question.name]);
    }
    hosts.sort_by_key(|(preference, _)| *preference);
    // RFC 7505: a null MX says that there is no host.
    Ok(hosts.into_iter().map(|(_, host)| host).filter(|host| !host.is_root()).collect())
}

/// The object that programs read. Every key is there, `null` where it does not apply.
#[derive(Serialize)]
struct Report {
    record: Option<Record>,
    policy: Option<Policy>,
    mx: Vec<Host>,
    cause: Option<String>,
}

#[derive(Serialize)]
struct Record {
    id: String,
}

#[derive(Serialize)]
struct Policy {
    mode: String,
    max_age: u32,
    mx: Vec<String>,
}

#[derive(Serialize)]
struct Host {
    host: String,
    matches: Option<bool>,
    action: String,
}

impl Report {
    fn new(domain: &Domain, discovery: &Discovery, hosts: Result<Vec<Name>, LookupError>) -> Self {
        let policy = match &discovery.decision {
            Decision::NoPolicy => None,
            Decision::Policy(fetched) => {
                let policy = fetched.policy();
                let mx = policy.mx().map(|pattern| pattern.to_string()).collect();
                Some(Policy { mode: policy.mode.to_string(), max_age: policy.max_age, mx })
            }
        };
        let mut causes: Vec<_> = discovery.cause.iter().map(ToString::to_string).collect();
        let hosts = hosts.unwrap_or_else(|error| {
            causes.push(format!("no answer to {domain} MX: {error}"));
            Vec::new()
        });
        let mx = hosts.iter().map(|host| Host::new(&discovery.decision, host)).collect();
        let record = discovery.id.as_deref().map(|id| Record { id: id.to_owned() });
        Self { record, policy, mx, cause: Some(causes.join("; ")).filter(|all| !all.is_empty()) }
    }
}

impl Host {
    /// What would happen if the host's TLS is in order.
    fn new(decision: &Decision, host: &Name) -> Self {
        let name = host.to_string();
        let (matches, action) = match Domain::parse(name.as_bytes()) {
            Ok(domain) => {
                let HostDecision { matches, action, .. } = decision.host(&domain, Tls::Untried);
                (matches, action.to_string())
            }
            // A name that is no domain has no certificate either.
            Err(_) => (decision.mode().map(|_| false), "skip".to_owned()),
        };
        Self { host: name, matches, action }
    }
}

fn text(domain: &Domain, report: &Report) -> String {
    let mut text = String::new();
    let _ = describe(domain, report, &mut text);
    printable(&text)
}

fn describe(domain: &Domain, report: &Report, text: &mut String) -> std::fmt::Result {
    match &report.record {
        Some(record) => writeln!(text, "record  _mta-sts.{domain}, id={}", record.id)?,
        None => writeln!(text, "record  none")?,
    }
    match &report.policy {
        Some(policy) => {
            let (mode, max_age) = (&policy.mode, policy.max_age);
            writeln!(text, "policy  mode {mode}, to be kept for {max_age} seconds")?;
            for pattern in &policy.mx {
                writeln!(text, "        mx {pattern}")?;
            }
        }
        None => writeln!(text, "policy  none: mail goes as if the domain had no MTA-STS")?,
    }
    if let Some(cause) = &report.cause {
        writeln!(text, "why     {cause}")?;
    }
    for host in &report.mx {
        let matches = match host.matches {
            Some(true) => "matches, ",
            Some(false) => "matches no pattern, ",
            None => "",
        };
        writeln!(text, "host    {}: {matches}{}", host.host, host.action)?;
    }
    if report.mx.is_empty() {
        writeln!(text, "host    none")?;
    }
    Ok(())
}
