//! ARC sets: which fields belong together, and whether they make a chain; RFC 8617 section 4.2.

use std::fmt;
use std::ops::Range;

use crate::dkim::signature::{Algorithm, SignatureTags};
use crate::dkim::signature_error::SignatureError;
use crate::domain::{Domain, Selector};
use crate::message::{Cursor, Field, Header};
use crate::tag_list::{self, Tags};
use crate::time::UnixTime;

/// The highest instance, and so the most sets, [RFC 8617 section 4.2.1](https://www.rfc-editor.org/rfc/rfc8617#section-4.2.1).
pub const MAXIMUM_INSTANCE: u8 = 50;

/// The three kinds of field that make a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 8617 has three, and a set is one of each")]
pub enum ArcField {
    /// ARC-Authentication-Results.
    AuthenticationResults,
    /// ARC-Message-Signature.
    MessageSignature,
    /// ARC-Seal.
    Seal,
}

/// cv=: what a sealer found of the chain below its own set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 8617 section 4.4 has three")]
pub enum ChainValidation {
    /// There was no chain.
    None,
    /// The chain was broken.
    Fail,
    /// The chain was whole.
    Pass,
}

/// An ARC-Seal, [RFC 8617 section 4.1.3](https://www.rfc-editor.org/rfc/rfc8617#section-4.1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Seal {
    /// i=: which set it seals, from 1 to [`MAXIMUM_INSTANCE`].
    pub instance: u8,
    /// a=: the algorithm.
    pub algorithm: Algorithm,
    /// cv=: what the sealer found of the chain below.
    pub chain_validation: ChainValidation,
    /// d=: who seals.
    pub domain: Domain,
    /// s=: where below the domain the key is.
    pub selector: Selector,
    /// t=: when the seal was made.
    pub timestamp: Option<UnixTime>,
    /// b=: the signature.
    pub signature: Vec<u8>,
}

/// Why i= says no instance. Offsets count from the first octet behind the colon of the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InstanceError {
    /// There is no i=; or it is not first in an ARC-Authentication-Results, with a semicolon behind it.
    #[error("found no i= where it belongs")]
    Missing,
    /// Not a number from 1 to 50 of one or two digits.
    #[error("found i={found} at offset {offset}, expected a number from 1 to 50")]
    Number {
        /// The value as found.
        found: String,
        /// Where it stands.
        offset: usize,
    },
}

/// Why a field is no ARC-Seal. Offsets count from the first octet behind the colon of the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// cv= is missing or none of its words.
    #[error("found cv={found} at offset {offset}, expected none, pass or fail")]
    ChainValidation {
        /// The value as found.
        found: String,
        /// Where it stands; 0 if there is none.
        offset: usize,
    },
    /// h= must not be there: what a seal covers is not its own to say.
    #[error("found h= at offset {offset}, which a seal must not have")]
    FieldNames {
        /// Where the value stands.
        offset: usize,
    },
    /// i= says no instance.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// What it shares with other signatures is wrong.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

/// Why the sets of a header are no chain that could be verified,
/// [RFC 8617 section 5.2](https://www.rfc-editor.org/rfc/rfc8617#section-5.2) steps 1 to 3.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StructureError {
    /// The newest seal says that the chain was broken before.
    #[error("the seal of set {instance} says that the chain was broken (cv=fail)")]
    AlreadyFailed {
        /// The newest instance.
        instance: u8,
    },
    /// cv= is not none in the first set or not pass in another.
    #[error("the seal of set {instance} says cv={found}, expected {}", expected_validation(*.instance))]
    ChainValidation {
        /// Of which set.
        instance: u8,
        /// cv=.
        found: ChainValidation,
    },
    /// A second field of a kind in one set.
    #[error("set {instance} has more than one {field}")]
    Duplicate {
        /// The kind of field.
        field: ArcField,
        /// Of which set.
        instance: u8,
    },
    /// A field that belongs to no set.
    #[error("{field} in field {} of the header: {error}", .position.saturating_add(1))]
    Instance {
        /// The kind of field.
        field: ArcField,
        /// Its place in the header, counted from the top and from 0.
        position: usize,
        /// What is wrong.
        error: InstanceError,
    },
    /// A set without a field of a kind; where a whole set is missing, without each.
    #[error("set {instance} has no {field}")]
    Missing {
        /// The kind of field.
        field: ArcField,
        /// Of which set.
        instance: u8,
    },
    /// A seal that cannot be read.
    #[error("the seal of set {instance}: {error}")]
    Seal {
        /// Of which set.
        instance: u8,
        /// What is wrong.
        error: SealError,
    },
}

fn expected_validation(instance: u8) -> ChainValidation {
    if instance == 1 { ChainValidation::None } else { ChainValidation::Pass }
}

impl ArcField {
    /// The kinds in the order in which a seal covers them,
    /// [RFC 8617 section 5.1.1](https://www.rfc-editor.org/rfc/rfc8617#section-5.1.1).
    pub const ALL: [Self; 3] = [Self::AuthenticationResults, Self::MessageSignature, Self::Seal];

    /// The name of the field.
    pub fn name(self) -> &'static str {
        match self {
            Self::AuthenticationResults => "ARC-Authentication-Results",
            Self::MessageSignature => "ARC-Message-Signature",
            Self::Seal => "ARC-Seal",
        }
    }

    fn of(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|field| name.eq_ignore_ascii_case(field.name().as_bytes()))
    }

    /// The instance that a field's value says it belongs to, RFC 8617 section 4.2.1.
    ///
    /// # Errors
    ///
    /// When it says none.
    pub fn instance(self, value: &[u8]) -> Result<u8, InstanceError> {
        match self {
            Self::AuthenticationResults => {
                leading_instance(value).ok_or(InstanceError::Missing).and_then(number)
            }
            Self::MessageSignature | Self::Seal => {
                let mut tags = Tags::new(value).filter_map(Result::ok);
                let tag = tags.find(|tag| tag.name == b"i").ok_or(InstanceError::Missing)?;
                number((tag.value, tag.value_offset))
            }
        }
    }
}

/// The value of the first tag of a name, whatever is wrong with the list.
fn value_of<'a>(name: &[u8], list: &'a [u8]) -> Option<&'a [u8]> {
    let mut tags = Tags::new(list).filter_map(Result::ok);
    tags.find(|tag| tag.name == name).map(|tag| tag.value)
}

/// What i= holds and where, if it is first and a semicolon follows: `instance [CFWS] ";"` of RFC 8617 section 4.1.1.
fn leading_instance(value: &[u8]) -> Option<(&[u8], usize)> {
    read_leading_instance(&mut Cursor::new(value, 0))
}

fn read_leading_instance<'a>(cursor: &mut Cursor<'a>) -> Option<(&'a [u8], usize)> {
    cursor.skip_cfws().ok()?;
    if !cursor.take(b'i') {
        return None;
    }
    cursor.skip_cfws().ok()?;
    if !cursor.take(b'=') {
        return None;
    }
    cursor.skip_cfws().ok()?;
    let offset = cursor.offset();
    let word = cursor.take_while(|octet| octet.is_ascii_alphanumeric());
    cursor.skip_cfws().ok()?;
    cursor.take(b';').then_some((word, offset))
}

/// position = 1*2DIGIT
fn number((value, offset): (&[u8], usize)) -> Result<u8, InstanceError> {
    let is_short = (1..=2).contains(&value.len());
    let number = tag_list::decimal(value).filter(|_| is_short).and_then(|n| u8::try_from(n).ok());
    number
        .filter(|number| (1..=MAXIMUM_INSTANCE).contains(number))
        .ok_or_else(|| InstanceError::Number { found: tag_list::quote(value), offset })
}

impl ChainValidation {
    fn parse(word: &[u8]) -> Option<Self> {
        match word {
            b"none" => Some(Self::None),
            b"fail" => Some(Self::Fail),
            b"pass" => Some(Self::Pass),
            _ => None,
        }
    }

    /// cv= of a seal, whatever else is wrong with it.
    fn of(value: &[u8]) -> Option<Self> {
        Self::parse(value_of(b"cv", value)?)
    }
}

impl Seal {
    /// Reads the value of an ARC-Seal field: what stands behind its colon.
    ///
    /// # Errors
    ///
    /// For the first rule of RFC 8617 section 4.1.3 that the value breaks.
    pub fn parse(value: &[u8]) -> Result<Self, SealError> {
        Self::read(value).map(|(seal, _)| seal)
    }

    /// The seal, and where the value of b= stands with the white space around it.
    pub(super) fn read(value: &[u8]) -> Result<(Self, Range<usize>), SealError> {
        let tags = SignatureTags::read(value);
        let common = tags.interpret_seal()?;
        let instance = ArcField::Seal.instance(value)?;
        if let Some(offset) = tags.field_names_offset() {
            return Err(SealError::FieldNames { offset });
        }
        let (word, offset) = common.chain_validation.unwrap_or_default();
        let chain_validation = ChainValidation::parse(word)
            .ok_or_else(|| SealError::ChainValidation { found: tag_list::quote(word), offset })?;
        let seal = Self {
            instance,
            algorithm: common.algorithm,
            chain_validation,
            domain: common.domain,
            selector: common.selector,
            timestamp: common.timestamp,
            signature: common.signature,
        };
        Ok((seal, tags.signature_span()))
    }
}

/// The ARC fields of a header by instance, however they are ordered in it.
///
/// Time is linear in the length of the header; at most 150 fields are kept.
///
/// ```
/// use bonafide::arc::{ArcField, Sets, StructureError};
/// use bonafide::message::Header;
///
/// let sets = Sets::collect(&Header::parse(b"ARC-Authentication-Results: i=2; mx.example; none\r\n"));
/// assert_eq!(sets.highest_instance(), Some(2));
/// let expected = StructureError::Missing { field: ArcField::AuthenticationResults, instance: 1 };
/// assert_eq!(sets.check(), Err(expected));
/// ```
#[derive(Clone, Debug)]
pub struct Sets<'a> {
    /// From instance 1 on, the fields of each with their places, in the order of [`ArcField::ALL`].
    slots: Vec<[Option<(usize, Field<'a>)>; 3]>,
    error: Option<StructureError>,
}

/// One whole set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Set<'a> {
    /// ARC-Authentication-Results.
    pub authentication_results: Field<'a>,
    /// ARC-Message-Signature.
    pub message_signature: Field<'a>,
    /// The place of the ARC-Message-Signature in the header, counted from the top and from 0.
    pub position: usize,
    /// ARC-Seal.
    pub seal_field: Field<'a>,
    /// The place of the ARC-Seal in the header, counted from the top and from 0.
    pub seal_position: usize,
    /// The seal as read.
    pub seal: Seal,
    /// Where in the value of the seal's field the value of b= stands.
    pub(super) hole: Range<usize>,
}

impl<'a> Set<'a> {
    /// What the sealer found when the message came: the value of an Authentication-Results field, which is
    /// what stands behind i= ([RFC 8617 section 4.1.1](https://www.rfc-editor.org/rfc/rfc8617#section-4.1.1)).
    pub fn results(&self) -> &'a [u8] {
        let value = self.authentication_results.value();
        let mut cursor = Cursor::new(value, 0);
        read_leading_instance(&mut cursor);
        value.get(cursor.offset()..).unwrap_or_default()
    }
}

impl<'a> Sets<'a> {
    /// Collects the ARC fields of a header.
    pub fn collect(header: &Header<'a>) -> Self {
        let mut sets = Self { slots: Vec::new(), error: None };
        for (position, field) in header.fields().enumerate() {
            let Some(kind) = ArcField::of(field.name()) else { continue };
            let error = match kind.instance(field.value()) {
                Ok(instance) => match sets.slot(instance, kind) {
                    Some(slot @ None) => {
                        *slot = Some((position, field));
                        continue;
                    }
                    _ => StructureError::Duplicate { field: kind, instance },
                },
                Err(error) => StructureError::Instance { field: kind, position, error },
            };
            sets.error.get_or_insert(error);
        }
        sets
    }

    fn slot(&mut self, instance: u8, kind: ArcField) -> Option<&mut Option<(usize, Field<'a>)>> {
        let count = usize::from(instance);
        if self.slots.len() < count {
            self.slots.resize(count, [None; 3]);
        }
        let slots = self.slots.get_mut(count.saturating_sub(1))?;
        let at = ArcField::ALL.into_iter().position(|other| other == kind)?;
        slots.get_mut(at)
    }

    /// Whether there is no ARC field at all.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty() && self.error.is_none()
    }

    /// The highest instance that a field could be read to belong to.
    pub fn highest_instance(&self) -> Option<u8> {
        u8::try_from(self.slots.len()).ok().filter(|highest| *highest > 0)
    }

    /// Whether the newest seal says that the chain was broken.
    pub(super) fn is_marked_as_failed(&self) -> bool {
        let Some([_, _, Some((_, seal))]) = self.slots.last() else { return false };
        ChainValidation::of(seal.value()) == Some(ChainValidation::Fail)
    }

    /// The instances from 1 on, with what stands in d= of their seals as far as it can be read.
    pub(super) fn sealers(&self) -> impl Iterator<Item = Domain> {
        let seals = self.slots.iter().filter_map(|[_, _, seal]| seal.as_ref());
        seals.filter_map(|(_, seal)| Domain::parse(value_of(b"d", seal.value())?).ok())
    }

    /// The sets from instance 1 on, if they make a chain that could be verified.
    ///
    /// # Errors
    ///
    /// For the first thing in the way, in the order of
    /// [RFC 8617 section 5.2](https://www.rfc-editor.org/rfc/rfc8617#section-5.2).
    pub fn check(&self) -> Result<Vec<Set<'a>>, StructureError> {
        if self.is_marked_as_failed() {
            let instance = self.highest_instance().unwrap_or_default();
            return Err(StructureError::AlreadyFailed { instance });
        }
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        let mut sets = Vec::with_capacity(self.slots.len());
        for (instance, slots) in (1..).zip(&self.slots) {
            let missing = ArcField::ALL.into_iter().zip(slots).find(|(_, slot)| slot.is_none());
            let [Some((_, results)), Some((position, signature)), Some((seal_position, field))] =
                *slots
            else {
                let field = missing.map_or(ArcField::Seal, |(field, _)| field);
                return Err(StructureError::Missing { field, instance });
            };
            let (seal, hole) = Seal::read(field.value())
                .map_err(|error| StructureError::Seal { instance, error })?;
            if seal.chain_validation != expected_validation(instance) {
                let found = seal.chain_validation;
                return Err(StructureError::ChainValidation { instance, found });
            }
            sets.push(Set {
                authentication_results: results,
                message_signature: signature,
                position,
                seal_field: field,
                seal_position,
                seal,
                hole,
            });
        }
        Ok(sets)
    }
}

impl fmt::Display for ArcField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for ChainValidation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "none",
            Self::Fail => "fail",
            Self::Pass => "pass",
        })
    }
}

impl fmt::Display for Seal {
    /// As a tag list that parses back to the same seal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "i={}; a={}; cv={}; d={}; s={}",
            self.instance, self.algorithm, self.chain_validation, self.domain, self.selector
        )?;
        if let Some(timestamp) = self.timestamp {
            write!(f, "; t={timestamp}")?;
        }
        write!(f, "; b={}", tag_list::Base64(&self.signature))
    }
}
