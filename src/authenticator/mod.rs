//! The front door: one message through everything, one report out.
//!
//! [`Authenticator`] is configuration, made once. It takes what an SMTP server knows (the client's
//! address, HELO, MAIL FROM and the message) and gives back one [`Report`]: SPF, DKIM, DMARC, what the
//! author's domain asks for, and the Authentication-Results field to put in front of the message.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use bonafide::{Authenticator, Envelope, UnixTime, dns::Zone};
//!
//! let dns: Zone = r#"
//!     example.com        TXT "v=spf1 ip4:192.0.2.0/24 -all"
//!     _dmarc.example.com TXT "v=DMARC1; p=reject"
//! "#.parse()?; // or your own Resolver
//! let authenticator = Authenticator::new("mx.example.org")?;
//! let envelope = Envelope::new([192, 0, 2, 1].into(), "mail.example.com", "joe@example.com");
//! let message = b"From: Joe <joe@example.com>\r\nSubject: Dinner\r\n\r\nIs it ready?\r\n";
//!
//! let report = authenticator.authenticate(&dns, &envelope, message, UnixTime(1795478400));
//! let report = bonafide::block_on(report);
//! assert_eq!(report.dmarc.to_string(), "pass: from=example.com p=reject disposition=none");
//! assert_eq!(
//!     report.authentication_results().to_field(),
//!     "Authentication-Results: mx.example.org;\r\n\
//!      \tspf=pass smtp.mailfrom=joe@example.com;\r\n\
//!      \tdkim=none;\r\n\
//!      \tdmarc=pass header.from=example.com policy.dmarc=none\r\n"
//! );
//! assert_eq!(report.smtp_reply(), None); // nothing stands against accepting it
//! # Ok(())
//! # }
//! ```

mod aggregate;
mod deadline;
mod lookups;
#[cfg(feature = "arc")]
mod policy_override;
mod report;
#[cfg(feature = "arc")]
mod seal;
mod session;

use std::net::IpAddr;
use std::sync::Arc;

pub use aggregate::{AggregateRow, DkimAuthResult, PolicyPublished, SpfAuthResult};
use lookups::Answers;
pub use lookups::{ForeignLookups, Lookups};
#[cfg(feature = "arc")]
pub use policy_override::PolicyOverride;
pub use report::{Report, SmtpReply};
use session::Arrival;
pub use session::Session;
#[cfg(feature = "capi")]
pub(crate) use session::{HeaderReader, field_octets};

#[cfg(feature = "arc")]
use crate::arc;
use crate::authentication_results::{Text, ValueError};
use crate::dns::Resolver;
use crate::time::UnixTime;
use crate::{dkim, dmarc, spf};

/// Configuration of the front door, for any number of messages and threads.
#[derive(Clone, Debug)]
pub struct Authenticator(Arc<Configuration>);

#[derive(Debug)]
struct Configuration {
    authserv_id: String,
    options: Options,
}

/// How messages are authenticated: the options of each standard, whose defaults are those of a careful
/// postmaster.
///
/// Each standard has an allowance of questions of its own, fixed before the first one: SPF
/// [`spf::Limits::questions`] for HELO and for MAIL FROM, DKIM one for each signature up to
/// [`dkim::Limits::signatures`], ARC one for each set up to 50 and one more, DMARC 9 and 8 for each of
/// [`dmarc::Limits::identifiers`]. No message
/// makes one standard spend what is another's. Equal questions of one message are asked once.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// For SPF. `%{r}` in explanations is the authserv-id unless [`spf::Options::receiver`] is set.
    pub spf: spf::Options,
    /// For DKIM. A session keeps no more of a header than [`dkim::Limits::header_octets`]; a message
    /// whose header is longer has no author domain.
    pub dkim: dkim::Options,
    /// For DMARC.
    pub dmarc: dmarc::Options,
    /// For ARC.
    #[cfg(feature = "arc")]
    pub arc: arc::Options,
    /// Whose seals are believed, by their d=; nobody's by default. See [`PolicyOverride`].
    #[cfg(feature = "arc")]
    pub trusted_sealers: Vec<crate::domain::Domain>,
}

impl Options {
    /// The same options, with or without traces in the verdicts of all standards.
    #[must_use]
    pub fn with_trace(mut self, trace: bool) -> Self {
        (self.spf.trace, self.dkim.trace, self.dmarc.trace) = (trace, trace, trace);
        #[cfg(feature = "arc")]
        {
            self.arc.signatures.trace = trace;
        }
        self
    }
}

/// What is known of the SMTP transaction that brought a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Envelope {
    /// The address of the client; `None` if it is not known, and then SPF is not evaluated. An IPv4
    /// address that is mapped into IPv6 counts as IPv4.
    pub ip: Option<IpAddr>,
    /// The argument of the last HELO or EHLO, as octets.
    pub helo: Box<[u8]>,
    /// The reverse-path of MAIL FROM without its angle brackets, as octets; empty for the null path.
    pub mail_from: Box<[u8]>,
}

impl Envelope {
    /// The envelope of a transaction; for what the octets are see the fields.
    pub fn new(ip: IpAddr, helo: impl AsRef<[u8]>, mail_from: impl AsRef<[u8]>) -> Self {
        Self { ip: Some(ip), helo: helo.as_ref().into(), mail_from: mail_from.as_ref().into() }
    }

    /// Of a message that came from a file, say: SPF is not evaluated.
    pub fn unknown() -> Self {
        Self { ip: None, helo: Box::default(), mail_from: Box::default() }
    }

    fn query(&self) -> Option<spf::Query<'_>> {
        Some(spf::Query::new(self.ip?, &self.helo, &self.mail_from))
    }
}

impl Authenticator {
    /// An authenticator that signs its reports with an authserv-id, mostly the name of the host or of the
    /// organization ([RFC 8601 section 2.5](https://www.rfc-editor.org/rfc/rfc8601#section-2.5)).
    ///
    /// # Errors
    ///
    /// When the field could not carry the authserv-id.
    pub fn new(authserv_id: &str) -> Result<Self, ValueError> {
        Text::parse(authserv_id.as_bytes())?;
        Ok(Self::made(authserv_id.to_owned(), Options::default()))
    }

    /// The same authenticator with other options.
    #[must_use]
    pub fn with_options(&self, options: Options) -> Self {
        Self::made(self.0.authserv_id.clone(), options)
    }

    fn made(authserv_id: String, mut options: Options) -> Self {
        options.spf.receiver.get_or_insert_with(|| authserv_id.clone());
        Self(Arc::new(Configuration { authserv_id, options }))
    }

    /// Who the reports are by.
    pub fn authserv_id(&self) -> &str {
        &self.0.authserv_id
    }

    /// How messages are authenticated.
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// Begins with a message as it arrives.
    pub fn session(&self, envelope: Envelope, now: UnixTime) -> Session {
        Session::new(Arc::clone(&self.0), envelope, now)
    }

    /// Authenticates a message that is in memory, whole and without the dots of SMTP
    /// ([RFC 5321 section 4.5.2](https://www.rfc-editor.org/rfc/rfc5321#section-4.5.2)).
    ///
    /// There is always one complete report, whatever the message and the DNS are like.
    pub async fn authenticate<R: Resolver>(
        &self,
        resolver: &R,
        envelope: &Envelope,
        message: &[u8],
        now: UnixTime,
    ) -> Report {
        let mut arrival = Arrival::new(Arc::clone(&self.0), now);
        let body = arrival.whole(envelope.clone(), message);
        let mut answers = Answers::none(&body.plan);
        body.plan.run(resolver, &mut answers).await;
        arrival.report(*body, answers)
    }
}
