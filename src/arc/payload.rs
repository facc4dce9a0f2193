//! What an ARC-Authentication-Results field says behind its instance; RFC 8617 section 4.1.1.

use std::fmt;

use crate::authentication_results::{AuthenticationResults, Own};
use crate::message::Header;

/// Lines up to here are taken over as they are: RFC 5322 section 2.1.1 has 998, and a tab and a semicolon
/// may be added.
const LINE_OCTETS: usize = 990;

/// The authres-payload of an ARC-Authentication-Results field: what a sealer found of the message, in one
/// text ([RFC 8617 section 4.1.1](https://www.rfc-editor.org/rfc/rfc8617#section-4.1.1)).
///
/// What [`Report::authentication_results`](crate::Report::authentication_results) gives turns into one.
/// Where the results stand in the message already, [`AuthresPayload::from_header`] combines them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthresPayload(String);

impl AuthresPayload {
    /// Combines the Authentication-Results fields by one authserv-id, from top to bottom; `None` if there
    /// is none.
    ///
    /// Results are taken over as they are written, with comments, and with methods and properties that
    /// nobody knows; only fields with very long lines or with octets that are not UTF-8 are written anew,
    /// without comments. Fields that cannot be read or are of an unknown version are passed over. What
    /// claims to be by the authserv-id and is not must have been removed when the message arrived
    /// ([`strip`](crate::authentication_results::strip)).
    ///
    /// ```
    /// use bonafide::{arc::AuthresPayload, message::Header};
    ///
    /// let header = Header::parse(
    ///     b"Authentication-Results: mx.example; spf=pass (it is) smtp.mailfrom=a.example\r\n\
    ///       Authentication-Results: other.example; dkim=pass\r\n\
    ///       Authentication-Results: MX.example; dmarc=pass;\r\n",
    /// );
    /// let payload = AuthresPayload::from_header(&header, "mx.example").unwrap();
    /// let expected = "mx.example;\r\n\tspf=pass (it is) smtp.mailfrom=a.example;\r\n\tdmarc=pass";
    /// assert_eq!(payload.as_str(), expected);
    /// ```
    pub fn from_header(header: &Header<'_>, authserv_id: &str) -> Option<Self> {
        let own = Own::new(authserv_id.as_bytes());
        let mut id = None;
        let mut combined = String::new();
        for (_, field) in header.fields_named("Authentication-Results") {
            let Ok((results, span)) = AuthenticationResults::read(field.value()) else { continue };
            if !results.is_supported() || !own.is(results.authserv_id.as_str().as_bytes()) {
                continue;
            }
            if !results.results.is_empty() {
                combined.push_str(";\r\n\t");
                match verbatim(field.value().get(span).unwrap_or_default()) {
                    Some(text) => combined.push_str(text),
                    None => combined.push_str(&anew(&results)),
                }
            }
            id.get_or_insert(results.authserv_id);
        }
        if combined.is_empty() {
            combined.push_str("; none");
        }
        Some(Self(id?.to_word() + &combined))
    }

    /// The text as it stands in a field, with its folds.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn verbatim(results: &[u8]) -> Option<&str> {
    let text = str::from_utf8(results).ok()?.trim_ascii();
    text.split("\r\n").all(|line| line.len() <= LINE_OCTETS).then_some(text)
}

fn anew(results: &AuthenticationResults<'_>) -> String {
    let text = results.to_string();
    let span = AuthenticationResults::read(text.as_bytes()).map(|(_, span)| span);
    span.ok().and_then(|span| text.get(span)).unwrap_or_default().to_owned()
}

impl From<&AuthenticationResults<'_>> for AuthresPayload {
    fn from(results: &AuthenticationResults<'_>) -> Self {
        Self(results.to_string())
    }
}

impl From<AuthenticationResults<'_>> for AuthresPayload {
    fn from(results: AuthenticationResults<'_>) -> Self {
        Self::from(&results)
    }
}

impl From<&Self> for AuthresPayload {
    fn from(payload: &Self) -> Self {
        payload.clone()
    }
}

impl fmt::Display for AuthresPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
