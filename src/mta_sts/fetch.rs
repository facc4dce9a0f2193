//! Where policies come from, RFC 8461 section 3.3.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::MAXIMUM_POLICY_OCTETS;
use crate::domain::Domain;
use crate::tls_rpt::ResultType;

/// The address of a domain's policy:
/// `https://mta-sts.<domain>/.well-known/mta-sts.txt`
/// ([RFC 8461 section 3.2](https://www.rfc-editor.org/rfc/rfc8461#section-3.2)).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyUrl(Domain);

impl PolicyUrl {
    /// The address of the policy of a domain.
    pub fn new(domain: Domain) -> Self {
        Self(domain)
    }

    /// The policy domain.
    pub fn domain(&self) -> &Domain {
        &self.0
    }

    /// The policy host, `mta-sts.<domain>`: the name for SNI, and that the certificate must have.
    pub fn host(&self) -> String {
        format!("mta-sts.{}", self.0)
    }
}

impl fmt::Display for PolicyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://mta-sts.{}/.well-known/mta-sts.txt", self.0)
    }
}

/// Fetches policies over HTTPS: the trait that a mail server with an HTTPS client of its own implements;
/// `adapter::https` (feature `https`) is one.
///
/// An implementation keeps to
/// [RFC 8461 section 3.3](https://www.rfc-editor.org/rfc/rfc8461#section-3.3): the certificate is valid
/// for [`PolicyUrl::host`] by a DNS-ID, the status is 200, redirects are not followed and no HTTP cache
/// is asked. It should also keep to the limits there, while it reads: one minute in all, 64 KiB
/// ([`MAXIMUM_POLICY_OCTETS`]), `text/plain`. Dropping the future cancels the fetch.
///
/// Implemented for `&F` and `Arc<F>` too.
pub trait PolicyFetcher: Send + Sync {
    /// The octets of the policy.
    ///
    /// # Errors
    ///
    /// When there is none to be had, or not from whom it must come.
    fn fetch(&self, url: &PolicyUrl) -> impl Future<Output = Result<Vec<u8>, FetchError>> + Send;
}

impl<F: PolicyFetcher + ?Sized> PolicyFetcher for &F {
    fn fetch(&self, url: &PolicyUrl) -> impl Future<Output = Result<Vec<u8>, FetchError>> + Send {
        (**self).fetch(url)
    }
}

impl<F: PolicyFetcher + ?Sized> PolicyFetcher for Arc<F> {
    fn fetch(&self, url: &PolicyUrl) -> impl Future<Output = Result<Vec<u8>, FetchError>> + Send {
        (**self).fetch(url)
    }
}

/// Why a policy could not be fetched.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The policy host has no address that may be connected to.
    #[error("the policy host has the address {found}, which is not global")]
    Address {
        /// One of its addresses.
        found: IpAddr,
    },
    /// The certificate is not valid for the policy host: another name, expired, no trusted root.
    #[error("the certificate of the policy host is not valid: {0}")]
    Certificate(Arc<str>),
    /// No connection, or one that broke.
    #[error("no connection to the policy host: {0}")]
    Connection(Arc<str>),
    /// What came is no HTTP response.
    #[error("the policy host sent no HTTP response that can be read: {0}")]
    Http(Arc<str>),
    /// The media type is not text/plain.
    #[error("the media type is {found:?}, expected text/plain")]
    MediaType {
        /// The Content-Type as found, cut short; empty if there is none.
        found: String,
    },
    /// Anything else, in the fetcher's own words.
    #[error("{0}")]
    Other(Arc<str>),
    /// The status is not 200: a redirect, an error, a part of the policy.
    #[error("the status is {found}, expected 200")]
    Status {
        /// The status.
        found: u16,
    },
    /// The policy was not there in time.
    #[error("the policy was not there in time")]
    Timeout,
    /// TLS failed before there was a certificate to judge.
    #[error("no TLS with the policy host: {0}")]
    Tls(Arc<str>),
    /// More octets than a policy may have; [`discover`](super::discover()) says so too of a fetcher that
    /// did not look.
    #[error("the policy is over {MAXIMUM_POLICY_OCTETS} octets long")]
    TooLong,
}

impl FetchError {
    /// What to report: `sts-webpki-invalid` where the policy host could not be authenticated,
    /// else `sts-policy-fetch-error`
    /// ([RFC 8460 section 4.3.2.2](https://www.rfc-editor.org/rfc/rfc8460#section-4.3.2.2)).
    pub fn result_type(&self) -> ResultType {
        match self {
            Self::Certificate(_) | Self::Tls(_) => ResultType::StsWebpkiInvalid,
            _ => ResultType::StsPolicyFetchError,
        }
    }
}
