//! What went wrong, in the words of reports: RFC 8460 section 4.3.

use std::fmt;

/// The result types of reports,
/// [RFC 8460 section 4.3](https://www.rfc-editor.org/rfc/rfc8460#section-4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "kebab-case")
)]
#[non_exhaustive]
pub enum ResultType {
    /// The certificate has expired.
    CertificateExpired,
    /// The certificate is for other names than the host's.
    CertificateHostMismatch,
    /// The certificate does not lead to a trusted root, or breaks a rule of PKIX.
    CertificateNotTrusted,
    /// The sender requires DANE, and there are no TLSA records that DNSSEC validates.
    DaneRequired,
    /// The resolver returned no valid records for the TLSA question.
    DnssecInvalid,
    /// The host does not offer STARTTLS.
    StarttlsNotSupported,
    /// The MTA-STS policy could not be retrieved.
    StsPolicyFetchError,
    /// The MTA-STS policy was retrieved and is none.
    StsPolicyInvalid,
    /// The server of the MTA-STS policy could not be authenticated by PKIX.
    StsWebpkiInvalid,
    /// None of the TLSA records is valid.
    TlsaInvalid,
    /// Anything else.
    ValidationFailure,
}

impl fmt::Display for ResultType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::CertificateExpired => "certificate-expired",
            Self::CertificateHostMismatch => "certificate-host-mismatch",
            Self::CertificateNotTrusted => "certificate-not-trusted",
            Self::DaneRequired => "dane-required",
            Self::DnssecInvalid => "dnssec-invalid",
            Self::StarttlsNotSupported => "starttls-not-supported",
            Self::StsPolicyFetchError => "sts-policy-fetch-error",
            Self::StsPolicyInvalid => "sts-policy-invalid",
            Self::StsWebpkiInvalid => "sts-webpki-invalid",
            Self::TlsaInvalid => "tlsa-invalid",
            Self::ValidationFailure => "validation-failure",
        })
    }
}
