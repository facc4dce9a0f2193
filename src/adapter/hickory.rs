//! A resolver on [`hickory_resolver`] and Tokio.

use std::fmt::Display;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr;

use crate::dns::{Answer, LookupError, Name, Question, RecordData, RecordType, Resolver, Text};

/// A [`Resolver`] on hickory-resolver, for callers that run Tokio.
///
/// It asks recursive name servers over UDP, and over TCP where an answer is truncated; it caches
/// across messages and is cheap to clone. Lookups must be awaited inside a Tokio runtime with I/O
/// and time enabled. Unless a resolver with other options is handed in, a query waits for 5 seconds
/// and is repeated twice; `/etc/hosts` and search domains play no part, as the standards of email
/// authentication are about the DNS.
///
/// - Names are sent octet by octet, without IDNA.
/// - `authentic` is false in every answer: DNSSEC is not validated, and the server's AD bit is not
///   believed.
/// - Names that mean something on the host itself never reach the server
///   ([RFC 6761 section 6](https://www.rfc-editor.org/rfc/rfc6761#section-6),
///   [RFC 7686](https://www.rfc-editor.org/rfc/rfc7686)): below `invalid` and `onion` nothing exists;
///   `localhost`, `127.in-addr.arpa` and the reverse of `::1` have the loopback addresses and names,
///   and no other records.
/// - CNAMEs are the server's to follow. Where it leaves that to the asker, they are followed over at
///   most 8 queries, and a longer chain or a loop counts as no records.
/// - The ttl of an answer with records is the least of theirs and of the CNAMEs that lead to them;
///   other answers have a ttl of 0.
///
/// ```no_run
/// use bonafide::adapter::hickory::Hickory;
/// use bonafide::dns::{Name, Question, RecordType, Resolver};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let resolver = Hickory::from_system_conf()?;
/// let question = Question::new(Name::parse(b"example.com")?, RecordType::Txt);
/// for text in resolver.lookup(&question).await?.texts() {
///     println!("{}", text.as_bytes().escape_ascii());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Hickory(TokioResolver);

impl Hickory {
    /// Asks the name servers that the system is configured to ask (`/etc/resolv.conf`).
    ///
    /// Time limit and retries are the system's too.
    ///
    /// # Errors
    ///
    /// When the configuration cannot be read, or names no server.
    pub fn from_system_conf() -> Result<Self, NetError> {
        let mut builder = TokioResolver::builder_tokio()?;
        only_dns(builder.options_mut());
        builder.build().map(Self)
    }

    /// Asks one name server, over UDP and TCP at the same address and port, and nothing else: no
    /// configuration of the system is read.
    ///
    /// # Errors
    ///
    /// When hickory-resolver cannot be set up.
    pub fn for_server(server: SocketAddr) -> Result<Self, NetError> {
        let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
        let connections = connections.map(|mut connection| {
            connection.port = server.port();
            connection
        });
        let server = NameServerConfig::new(server.ip(), true, connections.to_vec());
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        let mut builder =
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        only_dns(builder.options_mut());
        builder.build().map(Self)
    }
}

impl From<TokioResolver> for Hickory {
    /// Uses a resolver as it is configured, with its time limit, its cache and its hosts file.
    ///
    /// It should not validate DNSSEC yet: an answer that it finds forged is [`LookupError::Bogus`],
    /// but a proof that a name does not exist would be [`LookupError::Other`].
    fn from(resolver: TokioResolver) -> Self {
        Self(resolver)
    }
}

/// The hosts file is no part of the DNS, and a DKIM key may not fit into 512 octets.
fn only_dns(options: &mut ResolverOpts) {
    options.use_hosts_file = ResolveHosts::Never;
    options.edns0 = true;
}

impl Resolver for Hickory {
    async fn lookup(&self, question: &Question) -> Result<Answer, LookupError> {
        let mut name = rr::Name::from_labels(question.name.labels()).map_err(other)?;
        // Otherwise search domains would be tried as well.
        name.set_fqdn(true);
        let record_type = rr::RecordType::from(question.record_type.code());
        match self.0.lookup(name, record_type).await {
            Ok(lookup) => read(&lookup, question.record_type),
            Err(NetError::Dns(error)) => negative(error),
            Err(NetError::Timeout) => Err(LookupError::Timeout),
            Err(NetError::Io(error)) if error.kind() == ErrorKind::TimedOut => {
                Err(LookupError::Timeout)
            }
            Err(error) => Err(other(error)),
        }
    }
}

fn read(lookup: &Lookup, asked: RecordType) -> Result<Answer, LookupError> {
    match lookup.message().metadata.response_code {
        ResponseCode::NoError => {}
        code => return by_response_code(code),
    }
    // CNAMEs are among the answers: they lead to the records and their ttl counts.
    let ttl = lookup.answers().iter().map(|record| record.ttl).min();
    let records = lookup
        .answers()
        .iter()
        .filter(|record| u16::from(record.record_type()) == asked.code())
        .map(|record| convert(&record.data))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Answer::found(records, ttl.unwrap_or(0)))
}

fn negative(error: DnsError) -> Result<Answer, LookupError> {
    match error {
        DnsError::DnssecBogus => Err(LookupError::Bogus),
        DnsError::NoRecordsFound(nothing) => by_response_code(nothing.response_code),
        DnsError::ResponseCode(code) => by_response_code(code),
        error => Err(other(error)),
    }
}

fn by_response_code(code: ResponseCode) -> Result<Answer, LookupError> {
    match code {
        ResponseCode::NoError => Ok(Answer::no_data()),
        ResponseCode::NXDomain => Ok(Answer::nx_domain()),
        ResponseCode::Refused => Err(LookupError::Refused),
        ResponseCode::ServFail => Err(LookupError::ServFail),
        code => Err(other(DnsError::ResponseCode(code))),
    }
}

fn other(error: impl Display) -> LookupError {
    LookupError::Other(error.to_string().into())
}

fn convert(data: &rr::RData) -> Result<RecordData, LookupError> {
    let name = |name: &rr::Name| Name::from_labels(name.iter()).map_err(other);
    Ok(match data {
        rr::RData::A(address) => RecordData::A(address.0),
        rr::RData::AAAA(address) => RecordData::Aaaa(address.0),
        rr::RData::MX(mx) => {
            RecordData::Mx { preference: mx.preference, exchange: name(&mx.exchange)? }
        }
        rr::RData::PTR(target) => RecordData::Ptr(name(&target.0)?),
        rr::RData::TLSA(tlsa) => RecordData::Tlsa {
            usage: tlsa.cert_usage.into(),
            selector: tlsa.selector.into(),
            matching: tlsa.matching.into(),
            data: Arc::from(tlsa.cert_data.as_slice()),
        },
        rr::RData::TXT(text) => RecordData::Txt(Text::new(&text.txt_data)),
        data => {
            let record_type = data.record_type();
            return Err(other(format_args!("the data of a {record_type} record cannot be read")));
        }
    })
}
