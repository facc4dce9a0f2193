//! The identity that is checked, RFC 7208 sections 2.3, 2.4 and 4.3.

use std::borrow::Cow;

use super::options::Query;
use super::verdict::Cause;
use crate::domain::{Domain, DomainError};
use crate::tag_list;

/// What RFC 7208 calls the sender, and the domain in it.
#[derive(Debug)]
pub(super) struct Identity<'q> {
    pub(super) local_part: &'q [u8],
    /// The domain as it was given; U-labels as A-labels.
    pub(super) sender_domain: Cow<'q, [u8]>,
    pub(super) domain: Result<Domain, Cause>,
}

impl<'q> Identity<'q> {
    /// `postmaster` at HELO. HELO holds no U-labels (RFC 8616 section 4).
    pub(super) fn helo(query: &Query<'q>) -> Self {
        Self::new(b"postmaster", query.helo, query.helo.is_ascii())
    }

    /// MAIL FROM, or `postmaster` at HELO for the null path.
    pub(super) fn mail_from(query: &Query<'q>) -> Self {
        if query.mail_from.is_empty() {
            return Self::helo(query);
        }
        let (local_part, domain) = match memchr::memrchr(b'@', query.mail_from) {
            Some(at) => {
                let (local_part, rest) =
                    query.mail_from.split_at_checked(at).unwrap_or((b"", query.mail_from));
                (local_part, rest.strip_prefix(b"@").unwrap_or(rest))
            }
            None => (&b""[..], query.mail_from),
        };
        // RFC 7208 section 4.3: a sender without a local-part has this one.
        let local_part = if local_part.is_empty() { b"postmaster" } else { local_part };
        Self::new(local_part, domain, true)
    }

    fn new(local_part: &'q [u8], sender_domain: &'q [u8], idna: bool) -> Self {
        let text = sender_domain.strip_suffix(b".").unwrap_or(sender_domain);
        let parsed = if idna { Domain::parse(text) } else { Err(DomainError::Idna) };
        let domain = parsed
            .map_err(|error| Cause::Domain { found: tag_list::quote(sender_domain), error })
            .and_then(|domain| match domain.label_count() {
                1 => Err(Cause::SingleLabel { domain }),
                _ => Ok(domain),
            });
        let sender_domain = match &domain {
            Ok(domain) if !sender_domain.is_ascii() => {
                Cow::Owned(domain.as_str().as_bytes().to_vec())
            }
            _ => Cow::Borrowed(sender_domain),
        };
        Self { local_part, sender_domain, domain }
    }
}
