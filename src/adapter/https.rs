//! A fetcher of MTA-STS policies on [`ureq`] and rustls.

mod global;
mod threads;

use std::error::Error as StdError;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ureq::http::Uri;
use ureq::http::header::CONTENT_TYPE;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body, config::Config};

use self::threads::Threads;
use crate::mta_sts::{FetchError, MAXIMUM_POLICY_OCTETS, PolicyFetcher, PolicyUrl};

/// Octets of a response's header. A policy host has little to say there.
const MAXIMUM_HEADER_OCTETS: usize = 16 << 10;

/// Octets that are asked for at a time, and the size of a TLS record.
const BUFFER_OCTETS: usize = 16 << 10;

/// A [`PolicyFetcher`] over HTTPS, for callers with any runtime or none.
///
/// - The certificate must be valid for `mta-sts.<domain>` by a DNS-ID, over TLS 1.2 or later, and lead
///   to a root of Mozilla's list, or of [`Options::roots`].
/// - Redirects are not followed, the status must be 200 and the media type `text/plain`. No cache, no
///   cookies, no compression; proxies that the environment names are not asked.
/// - A fetch ends within [`Options::timeout`], whatever the server does, and reads no more than 64 KiB
///   of body and 16 KiB of header.
/// - Only global addresses are connected to: a domain's owner says which address `mta-sts.<domain>` has,
///   and must not get to the insides of the network with it. The address that was looked at is the one
///   that is connected to. Names are looked up by the system.
/// - Each fetch has a thread of this adapter's own, which ends when there is nothing left to fetch, and
///   wakes the future. Over [`Options::threads`] at a time, fetches wait for their turn, and the time
///   limit begins with the turn. A future that is dropped gives its place up; a fetch under way ends by
///   itself.
///
/// It is cheap to clone, and clones share the threads.
///
/// ```no_run
/// use bonafide::adapter::https::{Https, Options};
/// use bonafide::mta_sts::{self, PolicyFetcher, PolicyUrl};
/// use bonafide::{Domain, block_on};
///
/// let https = Https::new(Options::default());
/// let url = PolicyUrl::new(Domain::parse(b"example.com")?);
/// let policy = block_on(https.fetch(&url))?;
/// println!("{}", mta_sts::Policy::parse(&policy)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Https {
    agent: Agent,
    threads: Threads,
}

/// How policies are fetched.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Whether addresses that are not global may be connected to, such as those of a private network or
    /// this host; `false` by default.
    pub allow_local: bool,
    /// Root certificates in DER, instead of Mozilla's list; `None` by default.
    pub roots: Option<Vec<Vec<u8>>>,
    /// Where to connect instead of the addresses of the policy host at port 443; `None` by default. The
    /// address must be allowed all the same, and the certificate be that of the policy host.
    pub server: Option<SocketAddr>,
    /// How many fetches go on at a time; 16 by default, at least 1.
    pub threads: usize,
    /// How long a fetch may take from its first question to the DNS to the last octet; by default the
    /// minute that [RFC 8461 section 3.3](https://www.rfc-editor.org/rfc/rfc8461#section-3.3) suggests.
    pub timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        let timeout = Duration::from_secs(60);
        Self { allow_local: false, roots: None, server: None, threads: 16, timeout }
    }
}

impl Https {
    /// A fetcher that keeps to these options. Nothing is connected to yet.
    pub fn new(options: Options) -> Self {
        let Options { allow_local, roots, server, threads, timeout } = options;
        let mut tls = TlsConfig::builder();
        if let Some(roots) = roots {
            let roots = roots.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
            tls = tls.root_certs(RootCerts::Specific(Arc::new(roots)));
        }
        let config = Agent::config_builder()
            .tls_config(tls.build())
            .https_only(true)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .proxy(None)
            .user_agent(concat!("bonafide/", env!("CARGO_PKG_VERSION")))
            .accept("text/plain")
            .timeout_global(Some(timeout))
            .max_response_header_size(MAXIMUM_HEADER_OCTETS)
            .input_buffer_size(BUFFER_OCTETS)
            .max_idle_connections(0)
            .max_idle_connections_per_host(0)
            .build();
        let addresses = Addresses { allow_local, server, system: DefaultResolver::default() };
        let agent = Agent::with_parts(config, DefaultConnector::default(), addresses);
        Self { agent, threads: Threads::new(threads.max(1)) }
    }
}

impl PolicyFetcher for Https {
    fn fetch(&self, url: &PolicyUrl) -> impl Future<Output = Result<Vec<u8>, FetchError>> + Send {
        let (agent, url) = (self.agent.clone(), url.to_string());
        self.threads.run(move || fetch(&agent, &url))
    }
}

/// Fetches a policy and waits for it.
fn fetch(agent: &Agent, url: &str) -> Result<Vec<u8>, FetchError> {
    let mut response = agent.get(url).call().map_err(convert)?;
    let found = response.status().as_u16();
    if found != 200 {
        return Err(FetchError::Status { found });
    }
    let media_type =
        response.headers().get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    if !is_text(media_type) {
        let found = String::from_utf8_lossy(media_type.get(..64).unwrap_or(media_type));
        return Err(FetchError::MediaType { found: found.into_owned() });
    }
    read(response.body_mut())
}

/// RFC 8461 section 3.2: parameters are ignored.
fn is_text(media_type: &[u8]) -> bool {
    let essence = media_type.split(|octet| *octet == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"text/plain")
}

/// One octet more than allowed is asked for: without it the end could not be told from a cut.
fn read(body: &mut Body) -> Result<Vec<u8>, FetchError> {
    let limit = u64::try_from(MAXIMUM_POLICY_OCTETS).unwrap_or(u64::MAX).saturating_add(1);
    let policy = body.with_config().limit(limit).read_to_vec().map_err(convert)?;
    if policy.len() > MAXIMUM_POLICY_OCTETS { Err(FetchError::TooLong) } else { Ok(policy) }
}

/// Looks up addresses by the system and keeps those that may be connected to.
#[derive(Debug)]
struct Addresses {
    allow_local: bool,
    server: Option<SocketAddr>,
    system: DefaultResolver,
}

impl Resolver for Addresses {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = match self.server {
            Some(server) => {
                let mut fixed = self.empty();
                fixed.push(server);
                fixed
            }
            None => self.system.resolve(uri, config, timeout)?,
        };
        let mut allowed = self.empty();
        for address in &found {
            if self.allow_local || global::is_global(address.ip()) {
                allowed.push(*address);
            }
        }
        match found.iter().next().filter(|_| allowed.is_empty()) {
            Some(refused) => Err(ureq::Error::Other(Box::new(Refused(refused.ip())))),
            None => Ok(allowed),
        }
    }
}

/// All addresses of the policy host are of the kind that is not connected to.
#[derive(Debug, thiserror::Error)]
#[error("the address {0} is not global")]
struct Refused(IpAddr);

fn convert(error: ureq::Error) -> FetchError {
    use ureq::Error as E;
    match error {
        E::BodyExceedsLimit(_) => FetchError::TooLong,
        E::Io(error) => convert_io(&error),
        E::Other(error) => match error.downcast_ref() {
            Some(Refused(found)) => FetchError::Address { found: *found },
            None => FetchError::Other(text(&*error)),
        },
        E::Rustls(error) => convert_tls(&error),
        E::Tls(_) | E::TlsRequired => FetchError::Tls(text(&error)),
        E::Timeout(_) => FetchError::Timeout,
        E::HostNotFound | E::ConnectionFailed => FetchError::Connection(text(&error)),
        E::Http(_) | E::Protocol(_) | E::LargeResponseHeader(..) | E::BodyStalled => {
            FetchError::Http(text(&error))
        }
        error => FetchError::Other(text(&error)),
    }
}

/// What TLS has to say arrives as an error of its stream.
fn convert_io(error: &io::Error) -> FetchError {
    let inner = error.get_ref();
    if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return convert_tls(error);
    }
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => FetchError::Timeout,
        _ => FetchError::Connection(text(error)),
    }
}

fn convert_tls(error: &rustls::Error) -> FetchError {
    use rustls::Error as E;
    match error {
        E::InvalidCertificate(_) | E::NoCertificatesPresented | E::UnsupportedNameType => {
            FetchError::Certificate(text(error))
        }
        error => FetchError::Tls(text(error)),
    }
}

fn text(error: &(impl StdError + ?Sized)) -> Arc<str> {
    // A server's words can be among them.
    let text = error.to_string();
    let short = text.char_indices().nth(256).and_then(|(end, _)| text.get(..end));
    short.unwrap_or(&text).into()
}

#[cfg(test)]
mod tests;
