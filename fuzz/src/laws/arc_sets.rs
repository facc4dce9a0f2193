//! The sets of a header, RFC 8617 section 4.2.

use bonafide::arc::{ArcField, ChainValidation, MAXIMUM_INSTANCE, Seal, Set, Sets, StructureError};
use bonafide::message::{Field, Header};

/// Sets that make a chain are numbered from 1 without gaps, each with its three fields and with the cv=
/// that its place asks for, and the order of fields in the header means nothing. A seal that can be read
/// prints as itself. Whatever is wrong names an instance that could be one.
pub fn holds(input: &[u8]) {
    let header = Header::parse(input);
    let sets = Sets::collect(&header);
    assert_eq!(sets.is_empty(), !header.fields().any(is_arc));
    assert!(
        sets.highest_instance().is_none_or(|highest| (1..=MAXIMUM_INSTANCE).contains(&highest))
    );
    for field in header.fields().filter(|field| is_named(field, ArcField::Seal)) {
        if let Ok(seal) = Seal::parse(field.value()) {
            check_printed(&seal, &seal.to_string());
        }
    }
    let reversed = reversed(&header);
    let reversed = Sets::collect(&Header::parse(&reversed)).check().map(|sets| sets.len());
    match sets.check() {
        Ok(chain) => {
            check_chain(&chain);
            assert_eq!(sets.highest_instance().map_or(0, usize::from), chain.len());
            assert_eq!(reversed, Ok(chain.len()));
        }
        Err(error) => {
            check_error(&error);
            assert!(reversed.is_err());
        }
    }
}

pub fn is_arc(field: Field<'_>) -> bool {
    ArcField::ALL.into_iter().any(|kind| is_named(&field, kind))
}

fn is_named(field: &Field<'_>, kind: ArcField) -> bool {
    field.name().eq_ignore_ascii_case(kind.name().as_bytes())
}

/// The same fields from the bottom up, but for a line of white space and text at the top: below a field it
/// would continue it (RFC 5322 section 2.2.3).
fn reversed(header: &Header<'_>) -> Vec<u8> {
    let fields = header.fields().map(|field| field.as_bytes());
    let fields: Vec<_> =
        fields.filter(|field| !field.starts_with(b" ") && !field.starts_with(b"\t")).collect();
    let mut octets = Vec::new();
    for field in fields.into_iter().rev() {
        octets.extend_from_slice(field);
        if !field.ends_with(b"\r\n") {
            octets.extend_from_slice(b"\r\n");
        }
    }
    octets
}

/// RFC 8617 section 5.2 step 3.
pub fn check_chain(chain: &[Set<'_>]) {
    for (instance, set) in (1..).zip(chain) {
        let fields = [set.authentication_results, set.message_signature, set.seal_field];
        for (kind, field) in ArcField::ALL.into_iter().zip(fields) {
            assert!(is_named(&field, kind));
            assert_eq!(kind.instance(field.value()), Ok(instance));
        }
        assert_eq!(Seal::parse(set.seal_field.value()).as_ref(), Ok(&set.seal));
        let expected = if instance == 1 { ChainValidation::None } else { ChainValidation::Pass };
        assert_eq!((set.seal.instance, set.seal.chain_validation), (instance, expected));
        assert!(set.authentication_results.value().ends_with(set.results()));
    }
}

pub fn check_printed(seal: &Seal, printed: &str) {
    assert_eq!(Seal::parse(printed.as_bytes()).as_ref(), Ok(seal));
}

pub fn check_error(error: &StructureError) {
    let instance = match error {
        StructureError::AlreadyFailed { instance }
        | StructureError::ChainValidation { instance, .. }
        | StructureError::Duplicate { instance, .. }
        | StructureError::Missing { instance, .. }
        | StructureError::Seal { instance, .. } => *instance,
        _ => 1,
    };
    assert!((1..=MAXIMUM_INSTANCE).contains(&instance), "{error}");
}
