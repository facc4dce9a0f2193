//! A resolver on [`hickory_resolver`] and Tokio.

mod asking;

use std::fmt::{self, Display};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError, NoRecords};
use hickory_resolver::proto::dnssec::{Proof, TrustAnchors};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr;
use hickory_resolver::{ConnectionProvider, ResolverBuilder, TokioResolver, system_conf};

use asking::Asking;

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
/// - Whose word `authentic` is the caller chooses: see [`Dnssec`]. By default no answer is authentic.
///   An answer is authentic as a whole, with the CNAMEs that lead to it; one without records never is.
/// - [`LookupError::Bogus`] comes from validation here. A server that validates answers SERVFAIL to
///   what it finds forged, and that stays [`LookupError::ServFail`].
/// - Names that mean something on the host itself never reach the server
///   ([RFC 6761 section 6](https://www.rfc-editor.org/rfc/rfc6761#section-6),
///   [RFC 7686](https://www.rfc-editor.org/rfc/rfc7686)): below `invalid` and `onion` nothing exists;
///   `localhost`, `127.in-addr.arpa` and the reverse of `::1` have the loopback addresses and names,
///   and no other records.
/// - CNAMEs are the server's to follow. Where it leaves that to the asker, they are followed over at
///   most 8 queries; a longer chain or a loop is [`LookupError::ServFail`], as servers have it.
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
pub struct Hickory(Inner);

#[derive(Clone)]
enum Inner {
    Plain(TokioResolver),
    /// The server is asked whether it validated, and believed.
    Asking(hickory_resolver::Resolver<Asking>),
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain",
            Self::Asking(_) => "Asking",
        })
    }
}

/// Whose word it is that an answer is authentic
/// ([RFC 4035 section 4](https://www.rfc-editor.org/rfc/rfc4035#section-4)).
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Dnssec {
    /// Nobody's: no answer is authentic, and the server's AD bit is not believed.
    #[default]
    Unused,
    /// The server's: an answer is authentic if its AD bit says so
    /// ([RFC 6840 section 5.7](https://www.rfc-editor.org/rfc/rfc6840#section-5.7)).
    ///
    /// Only for a server that validates, over a path that nobody else can write to: one on the same
    /// host, as a rule. Anybody on the path can set the bit.
    TrustServer,
    /// This host's: signatures are checked from these trust anchors on
    /// ([RFC 4035 section 5](https://www.rfc-editor.org/rfc/rfc4035#section-5)).
    ///
    /// The anchors of the root of the DNS are [`TrustAnchors::default`]. They must cover the whole
    /// DNS: what lies below none of them is [`LookupError::Bogus`]. The server must hand on signatures
    /// that it is asked for.
    Validate(Arc<TrustAnchors>),
}

impl fmt::Debug for Dnssec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unused => "Unused",
            Self::TrustServer => "TrustServer",
            Self::Validate(_) => "Validate",
        })
    }
}

impl Hickory {
    /// Asks the name servers that the system is configured to ask (`/etc/resolv.conf`).
    ///
    /// Time limit and retries are the system's too.
    ///
    /// # Errors
    ///
    /// When the configuration cannot be read, or names no server.
    pub fn from_system_conf() -> Result<Self, NetError> {
        Self::from_system_conf_with(Dnssec::default())
    }

    /// As [`Hickory::from_system_conf`], with DNSSEC.
    ///
    /// # Errors
    ///
    /// When the configuration cannot be read, or names no server.
    pub fn from_system_conf_with(dnssec: Dnssec) -> Result<Self, NetError> {
        let (config, options) = system_conf::read_system_conf()?;
        Self::build(config, options, dnssec)
    }

    /// Asks one name server, over UDP and TCP at the same address and port, and nothing else: no
    /// configuration of the system is read.
    ///
    /// # Errors
    ///
    /// When hickory-resolver cannot be set up.
    pub fn for_server(server: SocketAddr) -> Result<Self, NetError> {
        Self::for_server_with(server, Dnssec::default())
    }

    /// As [`Hickory::for_server`], with DNSSEC.
    ///
    /// # Errors
    ///
    /// When hickory-resolver cannot be set up.
    pub fn for_server_with(server: SocketAddr, dnssec: Dnssec) -> Result<Self, NetError> {
        let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
        let connections = connections.map(|mut connection| {
            connection.port = server.port();
            connection
        });
        let server = NameServerConfig::new(server.ip(), true, connections.to_vec());
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        Self::build(config, ResolverOpts::default(), dnssec)
    }

    fn build(
        config: ResolverConfig,
        mut options: ResolverOpts,
        dnssec: Dnssec,
    ) -> Result<Self, NetError> {
        // The hosts file is no part of the DNS, and a DKIM key may not fit into 512 octets.
        options.use_hosts_file = ResolveHosts::Never;
        options.edns0 = true;
        fn builder<P: ConnectionProvider + Default>(
            config: ResolverConfig,
            options: ResolverOpts,
        ) -> ResolverBuilder<P> {
            hickory_resolver::Resolver::builder_with_config(config, P::default())
                .with_options(options)
        }
        Ok(Self(match dnssec {
            Dnssec::Unused => {
                Inner::Plain(builder::<TokioRuntimeProvider>(config, options).build()?)
            }
            Dnssec::TrustServer => Inner::Asking(builder::<Asking>(config, options).build()?),
            Dnssec::Validate(anchors) => Inner::Plain(
                builder::<TokioRuntimeProvider>(config, options)
                    .with_trust_anchor(anchors)
                    .build()?,
            ),
        }))
    }

    async fn ask(&self, name: rr::Name, record_type: rr::RecordType) -> Result<Lookup, NetError> {
        match &self.0 {
            Inner::Plain(resolver) => resolver.lookup(name, record_type).await,
            Inner::Asking(resolver) => resolver.lookup(name, record_type).await,
        }
    }

    /// What hickory-resolver reports as an error.
    async fn no_records(&self, error: NetError) -> Result<Answer, LookupError> {
        match error {
            NetError::Timeout => Err(LookupError::Timeout),
            NetError::Io(error) if error.kind() == ErrorKind::TimedOut => Err(LookupError::Timeout),
            NetError::Dns(DnsError::DnssecBogus) => Err(LookupError::Bogus),
            NetError::Dns(DnsError::Nsec { proof, response, .. }) => match proof {
                // There is nothing and nothing proves it, as the zone is not signed.
                Proof::Insecure => by_response_code(response.metadata.response_code),
                _ => Err(LookupError::Bogus),
            },
            NetError::Dns(DnsError::NoRecordsFound(nothing)) => {
                if self.is_within_aliases(&nothing).await {
                    return Err(LookupError::ServFail);
                }
                by_response_code(nothing.response_code)
            }
            NetError::Dns(DnsError::ResponseCode(code)) => by_response_code(code),
            error => Err(other(error)),
        }
    }

    /// Whether hickory-resolver gave up following CNAMEs, of which it makes an answer without records.
    /// A server says that there are none with a SOA record, as a rule, and then nothing is asked.
    async fn is_within_aliases(&self, nothing: &NoRecords) -> bool {
        if nothing.response_code != ResponseCode::NoError || nothing.soa.is_some() {
            return false;
        }
        let name = nothing.query.name().clone();
        matches!(self.ask(name, rr::RecordType::CNAME).await, Ok(lookup)
            if lookup.answers().iter().any(|record| record.record_type() == rr::RecordType::CNAME))
    }

    /// Whether everything from the name that was asked for to the records is authentic.
    fn is_authentic(&self, lookup: &Lookup, asked: &rr::Name) -> bool {
        match self.0 {
            // Where hickory-resolver followed a CNAME, this is only the last of several responses.
            Inner::Asking(_) => {
                lookup.message().metadata.authentic_data && lookup.query().name() == asked
            }
            // A resolver may be set to leave out CNAMEs, and then nothing is known of them.
            Inner::Plain(_) => {
                let answers = lookup.answers();
                answers.iter().any(|record| record.name == *asked)
                    && answers
                        .iter()
                        .filter(|record| record.record_type() != rr::RecordType::RRSIG)
                        .all(|record| record.proof == Proof::Secure)
            }
        }
    }
}

impl From<TokioResolver> for Hickory {
    /// Uses a resolver as it is configured, with its time limit, its cache and its hosts file; if it
    /// validates DNSSEC, as [`Dnssec::Validate`] does.
    fn from(resolver: TokioResolver) -> Self {
        Self(Inner::Plain(resolver))
    }
}

impl Resolver for Hickory {
    async fn lookup(&self, question: &Question) -> Result<Answer, LookupError> {
        let mut name = rr::Name::from_labels(question.name.labels()).map_err(other)?;
        // Otherwise search domains would be tried as well.
        name.set_fqdn(true);
        let record_type = rr::RecordType::from(question.record_type.code());
        match self.ask(name.clone(), record_type).await {
            Ok(lookup) => {
                let answer = read(&lookup, &name, question.record_type)?;
                let is_authentic = !answer.records.is_empty() && self.is_authentic(&lookup, &name);
                Ok(answer.with_authentic(is_authentic))
            }
            Err(error) => self.no_records(error).await,
        }
    }
}

/// Whose records they are, behind the CNAMEs.
fn owner<'l>(answers: &'l [rr::Record], name: &'l rr::Name) -> &'l rr::Name {
    let target = |name: &rr::Name| {
        answers.iter().find_map(|record| match &record.data {
            rr::RData::CNAME(target) if record.name == *name => Some(&target.0),
            _ => None,
        })
    };
    std::iter::successors(Some(name), |name| target(name)).take(MAX_ALIASES).last().unwrap_or(name)
}

/// Names in a row within one response; nobody has as many.
const MAX_ALIASES: usize = 32;

fn read(lookup: &Lookup, name: &rr::Name, asked: RecordType) -> Result<Answer, LookupError> {
    match lookup.message().metadata.response_code {
        ResponseCode::NoError => {}
        code => return by_response_code(code),
    }
    // CNAMEs are among the answers: they lead to the records and their ttl counts.
    let ttl = lookup.answers().iter().map(|record| record.ttl).min();
    let answers = lookup.answers();
    let owner = answers.iter().any(|record| record.name == *name).then(|| owner(answers, name));
    let records = answers
        .iter()
        .filter(|record| u16::from(record.record_type()) == asked.code())
        // A resolver may be set to leave out CNAMEs, and then it picks the records itself.
        .filter(|record| owner.is_none_or(|owner| record.name == *owner))
        .map(|record| convert(&record.data))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Answer::found(records, ttl.unwrap_or(0)))
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
