//! Signatures of which all is done but the operation with the private key.

use super::signature::Algorithm;
use super::signing_error::SigningError;
use super::signing_key::SigningKey;
use super::write::UnsignedField;
use crate::canonicalization::Canonicalization;
use crate::crypto;
use crate::domain::Selector;

/// A field that lacks its signature only.
#[derive(Debug)]
pub(crate) struct Prepared<'s> {
    selector: &'s Selector,
    key: &'s SigningKey,
    field: UnsignedField,
    input: Vec<u8>,
}

/// What a key that is elsewhere is asked to sign.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SigningRequest<'p> {
    /// s=: which key is meant.
    pub selector: &'p Selector,
    /// How to sign.
    pub algorithm: Algorithm,
    /// The canonical header fields: the message of RSASSA-PKCS1-v1_5 with SHA-256.
    pub input: &'p [u8],
}

impl SigningRequest<'_> {
    /// The SHA-256 of [`SigningRequest::input`]: what a device signs that takes RSA hashes, and the
    /// message of Ed25519 ([RFC 8463 section 3](https://www.rfc-editor.org/rfc/rfc8463#section-3)).
    pub fn digest(&self) -> [u8; 32] {
        crypto::sha256(self.input)
    }
}

impl<'s> Prepared<'s> {
    /// The signature of a field, over what is `covered` and, behind it, the field itself.
    pub(crate) fn new(
        selector: &'s Selector,
        key: &'s SigningKey,
        field: UnsignedField,
        canonicalization: Canonicalization,
        covered: Vec<u8>,
    ) -> Self {
        let mut input = covered;
        field.append_canonical(canonicalization, &mut input);
        Self { selector, key, field, input }
    }

    /// What a key that is elsewhere has to sign; `None` for a key at hand.
    pub(crate) fn request(&self) -> Option<SigningRequest<'_>> {
        let (selector, algorithm) = (self.selector, self.key.algorithm());
        let request = SigningRequest { selector, algorithm, input: &self.input };
        self.key.is_elsewhere().then_some(request)
    }

    /// The field, ending in CRLF, with the signature of the key at hand or the one from elsewhere.
    ///
    /// # Errors
    ///
    /// When the signature is missing or does not verify under the key's record.
    pub(crate) fn complete(self, elsewhere: Option<Vec<u8>>) -> Result<String, SigningError> {
        let Self { selector, key, field, input } = self;
        let is_elsewhere = key.is_elsewhere();
        let signature = if is_elsewhere { elsewhere } else { key.sign(&input) };
        match signature {
            Some(signature) if !is_elsewhere || key.verify(&input, &signature) => {
                Ok(field.complete(&signature))
            }
            None if is_elsewhere => Err(SigningError::KeyElsewhere { selector: selector.clone() }),
            _ => {
                let (selector, algorithm) = (selector.clone(), key.algorithm());
                Err(SigningError::Signature { selector, algorithm })
            }
        }
    }
}
