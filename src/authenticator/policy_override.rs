//! What trusted forwarders say in favour of a message that DMARC fails.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::AggregateRow;
use crate::arc::{self, ArcResult};
use crate::authentication_results::{AuthenticationResults, Keyword, MethodResult, Value};
use crate::dmarc::{self, DmarcResult, Policy};
use crate::domain::Domain;

/// Trusted forwarders say that a message passed DMARC before they handled it: a receiver may take that as
/// its local policy and not do what the author's domain asks for
/// ([RFC 8617 section 7.2](https://www.rfc-editor.org/rfc/rfc8617#section-7.2)).
///
/// It is offered, and changes nothing by itself: the verdict of DMARC stays fail, and
/// [`Report::smtp_reply`](super::Report::smtp_reply) does not look at it. It is there only if
///
/// - DMARC fails the message and asks to quarantine or reject it,
/// - its chain passes,
/// - every sealer of the chain is one of
///   [`Options::trusted_sealers`](super::Options::trusted_sealers): a sealer whom nobody trusts might have
///   made up what stands below its seal, or have changed the message after what others found,
/// - the first of them found that the message passes DMARC for the same author domain.
///
/// Who takes the offer says so in reports, by [`PolicyOverride::apply`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PolicyOverride {
    /// The last sealer.
    pub sealer: Domain,
    /// What reports say of it: the result of the chain, who sealed, and from where the message came to the
    /// first sealer if that is known
    /// ([RFC 8617 section 7.2.2](https://www.rfc-editor.org/rfc/rfc8617#section-7.2.2)).
    pub comment: String,
}

impl PolicyOverride {
    pub(super) fn of(
        dmarc: &dmarc::Verdict,
        arc: &arc::Verdict,
        trusted: &[Domain],
    ) -> Option<Self> {
        let is_asked_for = matches!(dmarc.disposition, Some(Policy::Quarantine | Policy::Reject));
        if dmarc.result != DmarcResult::Fail || !is_asked_for || arc.result != ArcResult::Pass {
            return None;
        }
        let author = dmarc.author_domain.as_ref()?.as_domain();
        let results = AuthenticationResults::parse(&arc.first_results)
            .ok()
            .filter(AuthenticationResults::is_supported)?;
        let is_from_author = |result: &MethodResult<'_>| {
            result.method == Keyword::DMARC
                && result.result == Keyword::PASS
                && property(result, Keyword::HEADER, Keyword::FROM)
                    .is_some_and(|from| Domain::parse(from.as_bytes()).as_ref() == Ok(author))
        };
        let is_trusted = arc.sealers.iter().all(|sealer| trusted.contains(sealer));
        if !is_trusted || !results.results.iter().any(is_from_author) {
            return None;
        }
        let mut comment = format!("arc={}", arc.result);
        let sealers = (1_usize..).zip(&arc.sealers).zip(&arc.selectors);
        let newest_first: Vec<_> = sealers.collect();
        for ((instance, domain), selector) in newest_first.into_iter().rev() {
            let _ = write!(comment, " as[{instance}].d={domain} as[{instance}].s={selector}");
        }
        let remote_ip = results.results.iter().find_map(|result| {
            let value = property(result, Keyword::SMTP, Keyword::REMOTE_IP)?;
            value.parse::<IpAddr>().ok()
        });
        if let Some(ip) = remote_ip {
            let _ = write!(comment, " remote-ip[1]={ip}");
        }
        Some(Self { sealer: arc.sealers.last()?.clone(), comment })
    }

    /// Records in the row of an aggregate report that the offer was taken: nothing was done to the message,
    /// for the reason `local_policy`.
    pub fn apply(&self, row: &mut AggregateRow) {
        row.disposition = Policy::None;
        row.reasons.push(("local_policy".to_owned(), Some(self.comment.clone())));
    }
}

fn property(
    result: &MethodResult<'_>,
    ptype: Keyword<'_>,
    property: Keyword<'_>,
) -> Option<String> {
    let found = result.properties.iter().find(|p| p.ptype == ptype && p.property == property)?;
    match &found.value {
        Value::Text(text) => Some(text.as_str().to_owned()),
        Value::Address { local_part: None, domain } => Some(domain.to_string()),
        Value::Address { .. } => None,
    }
}
