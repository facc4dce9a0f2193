//! The author domain, RFC 5322 section 3.4 and RFC 9989 section 5.3.1.

use bonafide::Domain;
use bonafide::message::{AuthorDomain, AuthorError, Header};

/// An author domain is that of the only From field, and no comment, mailbox or field that is added can
/// make it another: it stays or is in doubt. An error points into the header.
pub fn holds(message: &[u8]) {
    let header = Header::parse(message);
    match AuthorDomain::of(&header) {
        Ok(author) => check_author(&header, &author),
        Err(error) => check_error(&header, &error),
    }
}

pub fn check_author(header: &Header<'_>, author: &AuthorDomain) {
    let domain = author.as_domain();
    assert_eq!(Domain::parse(author.as_str().as_bytes()).as_ref(), Ok(domain));
    let is_from = |name: &[u8]| name.eq_ignore_ascii_case(b"From");
    let mut fields = header.fields().filter(|field| is_from(field.name()));
    let value = fields.next().expect("an author has a From field").value();
    assert_eq!(fields.next(), None);
    assert!(value.contains(&b'@'));

    let read = |front: &str, behind: &str| {
        let field = [b"From:", front.as_bytes(), value, behind.as_bytes(), b"\r\n"].concat();
        AuthorDomain::of(&Header::parse(&field))
    };
    let same = Ok(author.clone());
    assert_eq!(read("", ""), same);
    assert_eq!(read("(\"x@y.example\" (\\)))\r\n ", ""), same);
    assert_eq!(read("", " (<x@y.example>) "), same);
    assert_eq!(read("", &format!(", x@{author}")), same);
    assert_eq!(read(&format!("\"<\" <x@{author}>,"), ""), same);
    let other = if author.as_str() == "y.example" { "x.example" } else { "y.example" };
    for added in [read("", &format!(",x@{other}")), read(&format!("<x@{other}> , "), "")] {
        assert!(matches!(added, Err(AuthorError::SeveralDomains { .. })), "{added:?}");
    }
    assert!(read("", &format!(" x@{other}")).is_err());

    let block = header.as_bytes();
    let end: &[u8] = if block.ends_with(b"\r\n") { b"" } else { b"\r\n" };
    let second = b"fRoM\t: x@y.example\r\n";
    for message in [[&second[..], block].concat(), [block, end, second].concat()] {
        let added = AuthorDomain::of(&Header::parse(&message));
        // A block that begins with white space continues what is put in front of it.
        let continues = block.starts_with(b" ") || block.starts_with(b"\t");
        assert!(added.is_err() || continues, "{added:?}");
    }
}

pub fn check_error(header: &Header<'_>, error: &AuthorError) {
    use AuthorError as E;
    super::check_message(&error.to_string());
    match *error {
        E::AddressLiteral { offset }
        | E::Domain { offset, .. }
        | E::Group { offset }
        | E::NoAtSign { offset }
        | E::Octet { offset, .. }
        | E::SourceRoute { offset }
        | E::Unclosed { offset, .. }
        | E::Unexpected { offset, .. } => {
            let mut from = header.fields().filter(|f| f.name().eq_ignore_ascii_case(b"From"));
            let field = from.next().expect("there is a From field");
            assert!(field.value_offset() <= offset && offset <= field.as_bytes().len());
            if let E::Octet { found, .. } | E::Unclosed { opening: found, .. } = error {
                assert_eq!(field.as_bytes().get(offset), Some(found));
            }
        }
        E::FieldName { position } | E::HiddenField { position } => {
            assert!(position < header.fields().len());
        }
        E::SeveralFields { found } => assert!(found > 1 && found <= header.fields().len()),
        _ => {}
    }
}
