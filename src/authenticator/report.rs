//! What is known of a message in the end, and what follows from it.

use std::fmt;

use super::Envelope;
#[cfg(feature = "arc")]
use super::PolicyOverride;
#[cfg(feature = "arc")]
use crate::arc;
use crate::authentication_results::{AuthenticationResults, Keyword, MethodResult, Text, Value};
use crate::dmarc::{self, DmarcResult, Policy};
use crate::message::Defects;
use crate::tag_list::Base64;
use crate::{dkim, spf};

/// Everything about the authentication of one message.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Report {
    /// Who the report is by.
    pub authserv_id: String,
    /// What was known of the SMTP transaction.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub envelope: Envelope,
    /// SPF for both identities; `None` without a client address.
    pub spf: Option<spf::Verdicts>,
    /// A verdict for each DKIM-Signature field, in the order of the header.
    pub dkim: Vec<dkim::Verdict>,
    /// The chain of those who handled the message before.
    #[cfg(feature = "arc")]
    pub arc: arc::Verdict,
    /// DMARC: whether the message is its author domain's, and what that domain asks for.
    pub dmarc: dmarc::Verdict,
    /// What trusted forwarders say in favour of a message that DMARC fails.
    #[cfg(feature = "arc")]
    pub policy_override: Option<PolicyOverride>,
    /// What is wrong with the octets of the message. A bare CR or LF is what SMTP smuggling needs: a
    /// server that is strict refuses the message ([RFC 5321 section 2.3.8](https://www.rfc-editor.org/rfc/rfc5321#section-2.3.8)).
    pub defects: Defects,
}

/// A reply to the end of DATA, [RFC 5321 section 4.2](https://www.rfc-editor.org/rfc/rfc5321#section-4.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SmtpReply {
    /// The reply code: 550 to refuse, 451 to defer.
    pub code: u16,
    /// The enhanced status code, [RFC 3463](https://www.rfc-editor.org/rfc/rfc3463).
    pub enhanced: &'static str,
    /// For people: one line of printable ASCII.
    pub text: String,
}

impl fmt::Display for SmtpReply {
    /// As it is sent, without the line end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.code, self.enhanced, self.text)
    }
}

impl Report {
    /// The reply that what the author's domain asks for leads to; `None` to accept the message.
    ///
    /// A reject is a refusal, and a policy that could not be fetched or applied just now a deferral
    /// ([RFC 9989 section 7.2](https://www.rfc-editor.org/rfc/rfc9989#section-7.2)). A message whose
    /// author domain is missing or in doubt is refused: whatever a reader is shown as its author, nobody
    /// vouches for it. Quarantine is accepted. Whether to send the reply is the caller's choice, as are
    /// replies for SPF alone ([`SpfResult::smtp_codes`](spf::SpfResult::smtp_codes)).
    pub fn smtp_reply(&self) -> Option<SmtpReply> {
        let (code, enhanced, text) = match (&self.dmarc.cause, self.dmarc.disposition) {
            (_, Some(Policy::Reject)) => {
                let domain = self.dmarc.record_domain.as_ref().map_or("the author", |d| d.as_str());
                (550, "5.7.1", format!("Message rejected per DMARC policy for {domain}"))
            }
            (Some(dmarc::Cause::Author(_)), _) => {
                (550, "5.7.1", "Message rejected: From names no single author domain".to_owned())
            }
            _ if self.dmarc.result == DmarcResult::TempError => {
                (451, "4.7.1", "DMARC could not be evaluated just now, try again later".to_owned())
            }
            _ => return None,
        };
        Some(SmtpReply { code, enhanced, text })
    }

    /// The Authentication-Results field: `to_field()` of it is to be put in front of the message, above
    /// all other fields, after those that claim to be by this authserv-id were removed
    /// ([`strip`](crate::authentication_results::strip)).
    ///
    /// One result for SPF, which is about MAIL FROM, or about HELO for the null path; one for each
    /// signature, of which header.b tells which ([RFC 6008](https://www.rfc-editor.org/rfc/rfc6008)); one
    /// for ARC where there is a chain ([RFC 8617 section 6](https://www.rfc-editor.org/rfc/rfc8617#section-6));
    /// and one for DMARC. A result that is no pass has its cause as the reason. What the field cannot carry is
    /// left out.
    pub fn authentication_results(&self) -> AuthenticationResults<'_> {
        // It was checked when the authenticator was made.
        let authserv_id = Text::parse(self.authserv_id.as_bytes()).unwrap_or_default();
        let mut results = AuthenticationResults::new(authserv_id);
        results.results.extend(self.spf.as_ref().map(|verdicts| self.spf_result(verdicts)));
        // A message without signatures has a result too (RFC 8601 section 2.7.1).
        if self.dkim.is_empty() {
            results.results.push(MethodResult::new(Keyword::DKIM, Keyword::NONE));
        }
        results.results.extend(self.dkim.iter().map(dkim_result));
        #[cfg(feature = "arc")]
        results.results.extend(self.arc_result());
        results.results.push(self.dmarc_result());
        results
    }

    fn spf_result(&self, verdicts: &spf::Verdicts) -> MethodResult<'_> {
        let verdict = &verdicts.mail_from;
        let mut result = MethodResult::new(Keyword::SPF, keyword(verdict.result));
        result.reason = verdict.cause.as_ref().and_then(reason);
        if self.envelope.mail_from.is_empty() {
            if let Ok(helo) = Text::parse(&self.envelope.helo) {
                result = result.with_property(Keyword::SMTP, Keyword::HELO, helo);
            }
        } else if let Some(value) = self.mail_from(verdict) {
            result = result.with_property(Keyword::SMTP, Keyword::MAILFROM, value);
        }
        result
    }

    fn mail_from(&self, verdict: &spf::Verdict) -> Option<Value<'_>> {
        let mail_from = &*self.envelope.mail_from;
        let Some(domain) = &verdict.domain else {
            return Text::parse(mail_from).ok().map(Value::from);
        };
        let local_part = memchr::memrchr(b'@', mail_from).and_then(|at| mail_from.get(..at));
        let local_part = local_part.map(Text::parse).transpose().ok()?;
        Value::address(local_part, domain.clone()).ok()
    }

    #[cfg(feature = "arc")]
    fn arc_result(&self) -> Option<MethodResult<'_>> {
        let verdict = &self.arc;
        if verdict.result == arc::ArcResult::None {
            return None;
        }
        let mut result = MethodResult::new(Keyword::ARC, keyword(verdict.result));
        result.reason = verdict.cause.as_ref().and_then(reason);
        if let Some(instance) = verdict.oldest_pass {
            let instance = keyword(instance);
            result = result.with_property(Keyword::HEADER, Keyword::OLDEST_PASS, instance);
        }
        let ip = self.envelope.ip.and_then(|ip| Text::owned(ip.to_canonical().to_string()).ok());
        if let Some(ip) = ip {
            result = result.with_property(Keyword::SMTP, Keyword::REMOTE_IP, ip);
        }
        Some(result)
    }

    fn dmarc_result(&self) -> MethodResult<'_> {
        let verdict = &self.dmarc;
        let mut result = MethodResult::new(Keyword::DMARC, keyword(verdict.result));
        result.reason = verdict.cause.as_ref().and_then(reason);
        if let Some(author) = &verdict.author_domain {
            result = result.with_property(Keyword::HEADER, Keyword::FROM, author.as_domain());
        }
        // RFC 9989 section 9.1: the policy that is applied, after its options.
        if let Some(disposition) = verdict.disposition {
            let disposition = keyword(disposition);
            result = result.with_property(Keyword::POLICY, Keyword::DMARC, disposition);
        }
        result
    }
}

fn dkim_result(verdict: &dkim::Verdict) -> MethodResult<'_> {
    let mut result = MethodResult::new(Keyword::DKIM, keyword(verdict.result));
    result.reason = verdict.cause.as_ref().and_then(reason);
    if let Some(domain) = &verdict.domain {
        result = result.with_property(Keyword::HEADER, Keyword::D, domain);
    }
    if let Some(identity) = &verdict.identity {
        let local_part = Text::parse(&identity.local_part).ok();
        let local_part = local_part.filter(|_| !identity.local_part.is_empty());
        if let Ok(value) = Value::address(local_part, identity.domain.clone()) {
            result = result.with_property(Keyword::HEADER, Keyword::I, value);
        }
    }
    if let Some(selector) = &verdict.selector {
        result = result.with_property(Keyword::HEADER, Keyword::S, selector.as_domain());
    }
    if let Some(algorithm) = verdict.algorithm {
        result = result.with_property(Keyword::HEADER, Keyword::A, keyword(algorithm));
    }
    if !verdict.signature.is_empty() {
        // RFC 6008 section 4: at least the first eight characters.
        let octets = verdict.signature.get(..6).unwrap_or(&verdict.signature);
        if let Ok(start) = Text::owned(Base64(octets).to_string()) {
            result = result.with_property(Keyword::HEADER, Keyword::B, start);
        }
    }
    result
}

fn keyword(word: impl fmt::Display) -> Keyword<'static> {
    Keyword::owned(word.to_string()).unwrap_or(Keyword::NONE)
}

/// The cause as far as it fits.
fn reason(cause: &impl fmt::Display) -> Option<Text<'static>> {
    Text::owned(cause.to_string()).ok()
}
