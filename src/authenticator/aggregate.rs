//! What aggregate reports say of one message, RFC 9990.

use std::net::IpAddr;

use super::Report;
use crate::dkim::DkimResult;
use crate::dmarc::{DiscoveryMethod, DmarcResult, Policy, PolicyRequest};
use crate::domain::{Domain, Selector};
use crate::spf::SpfResult;

/// The data of one message for an aggregate report of the domain whose record applied,
/// [RFC 9990 section 3.1.1](https://www.rfc-editor.org/rfc/rfc9990#section-3.1.1).
///
/// Equal rows of one source may be counted together. Where the message was not treated as
/// [`AggregateRow::disposition`] says, set that field and say why in [`AggregateRow::reasons`].
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct AggregateRow {
    /// The address of the client, if it is known; a mapped one as IPv4.
    pub source_ip: Option<IpAddr>,
    /// The record that applied.
    pub policy_published: PolicyPublished,
    /// What is to be done with the message.
    pub disposition: Policy,
    /// Whether a signature passed for an aligned domain.
    pub dkim_aligned: bool,
    /// Whether SPF passed for an aligned domain.
    pub spf_aligned: bool,
    /// Why the message was treated otherwise than the record asks: the type of the override
    /// (such as `local_policy` or `trusted_forwarder`) and a comment.
    pub reasons: Vec<(String, Option<String>)>,
    /// The author domain.
    pub header_from: Domain,
    /// The domain of MAIL FROM; empty for the null path, `None` if it is none.
    pub envelope_from: Option<String>,
    /// What became of each signature whose d= could be read.
    pub dkim: Vec<DkimAuthResult>,
    /// What became of SPF, if it was evaluated for a domain.
    pub spf: Option<SpfAuthResult>,
}

/// The record that applied, with the defaults of tags that are absent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PolicyPublished {
    /// The domain of the record.
    pub domain: Domain,
    /// How it was found.
    pub discovery_method: DiscoveryMethod,
    /// p=
    pub p: Policy,
    /// sp=, if it is there.
    pub sp: Option<Policy>,
    /// np=, if it is there.
    pub np: Option<Policy>,
    /// Whether adkim= asks for strict alignment.
    pub adkim_strict: bool,
    /// Whether aspf= asks for strict alignment.
    pub aspf_strict: bool,
    /// Whether t= says y.
    pub testing: bool,
}

/// What became of one signature.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct DkimAuthResult {
    /// d=
    pub domain: Domain,
    /// s=, if it could be read.
    pub selector: Option<Selector>,
    /// The result.
    pub result: DkimResult,
    /// Why, if it is no pass.
    pub human_result: Option<String>,
}

/// What became of SPF.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SpfAuthResult {
    /// The domain that was checked.
    pub domain: Domain,
    /// The result.
    pub result: SpfResult,
    /// Why, if no term matched.
    pub human_result: Option<String>,
}

impl Report {
    /// The row for an aggregate report; `None` where no record applied, or where it is not known whether
    /// the message passes.
    pub fn aggregate_row(&self) -> Option<AggregateRow> {
        let dmarc = &self.dmarc;
        if !matches!(dmarc.result, DmarcResult::Pass | DmarcResult::Fail) {
            return None;
        }
        let record = dmarc.record.as_ref()?.record();
        let requested = |request| match request {
            PolicyRequest::Policy(policy) => Some(policy),
            PolicyRequest::Absent | PolicyRequest::Invalid => None,
        };
        let strict = |mode| mode == crate::dmarc::AlignmentMode::Strict;
        let policy_published = PolicyPublished {
            domain: dmarc.record_domain.clone()?,
            discovery_method: dmarc.discovery,
            p: record.policy_of_domain().0,
            sp: requested(record.subdomain_policy),
            np: requested(record.non_existent_policy),
            adkim_strict: strict(record.dkim_alignment),
            aspf_strict: strict(record.spf_alignment),
            testing: record.testing,
        };
        let mail_from = self.spf.as_ref().map(|verdicts| &verdicts.mail_from);
        let domain = mail_from.and_then(|verdict| verdict.domain.clone());
        let envelope_from = if self.envelope.mail_from.is_empty() {
            self.envelope.ip.map(|_| String::new())
        } else {
            domain.as_ref().map(ToString::to_string)
        };
        let spf = mail_from.zip(domain).map(|(verdict, domain)| SpfAuthResult {
            domain,
            result: verdict.result,
            human_result: verdict.cause.as_ref().map(ToString::to_string),
        });
        let dkim = self.dkim.iter().filter_map(|verdict| {
            Some(DkimAuthResult {
                domain: verdict.domain.clone()?,
                selector: verdict.selector.clone(),
                result: verdict.result,
                human_result: verdict.cause.as_ref().map(ToString::to_string),
            })
        });
        Some(AggregateRow {
            source_ip: self.envelope.ip.map(|ip| ip.to_canonical()),
            policy_published,
            disposition: dmarc.disposition?,
            dkim_aligned: dmarc.dkim_aligned,
            spf_aligned: dmarc.spf_aligned,
            reasons: Vec::new(),
            header_from: dmarc.author_domain.as_ref()?.as_domain().clone(),
            envelope_from,
            dkim: dkim.collect(),
            spf,
        })
    }
}
