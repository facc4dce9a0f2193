//! The author domain: what From says, or why it cannot be told.

use std::fmt;

use super::cfws::{CfwsError, Cursor};
use super::{Field, Header};
use crate::domain::{Domain, DomainError};
use crate::serialize::serialize_as_text;
use crate::tag_list;

/// The domain of a message's author, as its one From field gives it
/// ([RFC 9989 section 5.3.1](https://www.rfc-editor.org/rfc/rfc9989#section-5.3.1)).
///
/// No other domain of a message, such as that of the envelope or of Sender, is ever of this type.
///
/// ```
/// use bonafide::message::{AuthorDomain, AuthorError, Header};
///
/// let read = |field: &str| AuthorDomain::of(&Header::parse(field.as_bytes()));
/// let author = read("From: \"admin@bank.example\" (<x@y>) <a@B\u{fc}cher.example>\r\n")?;
/// assert_eq!(author.as_str(), "xn--bcher-kva.example");
/// assert!(matches!(
///     read("From: a@one.example, b@two.example\r\n"),
///     Err(AuthorError::SeveralDomains { .. })
/// ));
/// # Ok::<(), AuthorError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuthorDomain(Domain);

/// Why a message has no author domain, or none that all readers agree on.
///
/// Offsets count from the first octet of the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorError {
    /// An IP address stands where the domain should be.
    #[error("found an IP address at offset {offset} of From, expected a domain")]
    AddressLiteral {
        /// Where it stands.
        offset: usize,
    },
    /// The domain is none.
    #[error("the domain {found} at offset {offset} of From is no domain: {error}")]
    Domain {
        /// The domain as found.
        found: String,
        /// Where it begins.
        offset: usize,
        /// What is wrong with it, with an offset inside of it.
        error: DomainError,
    },
    /// A field whose name some readers take for From and others do not: with white space before or
    /// folded after it, or with octets in it that do not show.
    #[error("field {} of the header has a name that only some readers take for From", .position.saturating_add(1))]
    FieldName {
        /// The field's place in the header, counted from the top and from 0.
        position: usize,
    },
    /// Group syntax, which names no author domain even where it has mailboxes.
    #[error("found a group at offset {offset} of From, expected a mailbox")]
    Group {
        /// Where the colon stands.
        offset: usize,
    },
    /// The header is longer than what is kept of one, and From may stand anywhere in it.
    #[error("the header has over {limit} octets, and not all of it was read")]
    HeaderTooLong {
        /// How much is kept.
        limit: usize,
    },
    /// A bare CR or LF with a From behind it, which some readers take for a field of its own.
    #[error("field {} of the header has a bare CR or LF in front of a From", .position.saturating_add(1))]
    HiddenField {
        /// The field's place in the header, counted from the top and from 0.
        position: usize,
    },
    /// A mailbox without an at sign.
    #[error("found no '@' up to offset {offset} of From, expected a mailbox")]
    NoAtSign {
        /// Where the mailbox ends.
        offset: usize,
    },
    /// There is no From field.
    #[error("the header has no From field")]
    NoField,
    /// From is empty, or holds nothing but commas, comments and white space.
    #[error("the From field holds no mailbox")]
    NoMailbox,
    /// A control character, or a CR or LF that is not part of a fold.
    #[error("found octet {found:#04x} at offset {offset} of From")]
    Octet {
        /// The octet.
        found: u8,
        /// Where it stands.
        offset: usize,
    },
    /// Mailboxes of different domains.
    #[error("From holds mailboxes of several domains, such as {first} and {second}")]
    SeveralDomains {
        /// The domain of the first mailbox.
        first: Domain,
        /// The first domain that is another.
        second: Domain,
    },
    /// More than one From field, whatever they hold.
    #[error("the header has {found} From fields, expected one")]
    SeveralFields {
        /// How many there are.
        found: usize,
    },
    /// An obsolete source route, whose domains some readers take for the author's.
    #[error("found a source route at offset {offset} of From, expected a mailbox without one")]
    SourceRoute {
        /// Where it begins.
        offset: usize,
    },
    /// A comment or quoted string that never ends.
    #[error("found no end of what begins with {} at offset {offset} of From", Quoted(.opening))]
    Unclosed {
        /// `(` or `"`.
        opening: u8,
        /// Where it stands.
        offset: usize,
    },
    /// Something that the grammar has not there.
    #[error("found {} at offset {offset} of From, expected {expected}", Found(.found))]
    Unexpected {
        /// The octet; `None` at the end of the field.
        found: Option<u8>,
        /// Where it stands.
        offset: usize,
        /// What would be right.
        expected: &'static str,
    },
}

struct Quoted<'a>(&'a u8);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0.escape_ascii())
    }
}

struct Found<'a>(&'a Option<u8>);

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(octet) => Quoted(octet).fmt(f),
            None => f.write_str("the end"),
        }
    }
}

impl AuthorDomain {
    /// Finds the author domain of a message.
    ///
    /// From is read as [RFC 5322 section 3.4](https://www.rfc-editor.org/rfc/rfc5322#section-3.4) with
    /// the obsolete forms of section 4.4 and the UTF-8 of
    /// [RFC 6532](https://www.rfc-editor.org/rfc/rfc6532), in one pass over the header whose time is
    /// linear. Several mailboxes of one domain have one author domain. Encoded words are never decoded
    /// into addresses.
    ///
    /// # Errors
    ///
    /// Wherever two readers of the message may see different authors, or none; a message with such a
    /// From must never count as authentic.
    pub fn of(header: &Header<'_>) -> Result<Self, AuthorError> {
        let mut from = None;
        let mut found = 0_usize;
        let mut doubtful = None;
        for (position, field) in header.fields().enumerate() {
            if field.resembles("From") {
                found = found.saturating_add(1);
                from = Some(field);
                if !field.name().eq_ignore_ascii_case(b"From") {
                    doubtful.get_or_insert(AuthorError::FieldName { position });
                }
            } else if hides_from(field.as_bytes()) {
                doubtful.get_or_insert(AuthorError::HiddenField { position });
            }
        }
        if found > 1 {
            return Err(AuthorError::SeveralFields { found });
        }
        match (doubtful, from) {
            (Some(error), _) => Err(error),
            (None, None) => Err(AuthorError::NoField),
            (None, Some(field)) => Self::of_field(&field),
        }
    }

    fn of_field(field: &Field<'_>) -> Result<Self, AuthorError> {
        let mut parser = Parser { lexer: Lexer::new(field), domain: Vec::new(), first: None };
        parser.address_list()?;
        let (domain, _) = parser.first.ok_or(AuthorError::NoMailbox)?;
        Ok(Self(domain))
    }

    /// The domain itself.
    pub fn as_domain(&self) -> &Domain {
        &self.0
    }

    /// The domain in A-label form and lower case.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for AuthorDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

serialize_as_text!(AuthorDomain);

/// Whether a bare CR or LF stands in front of something that reads as a From field.
fn hides_from(field: &[u8]) -> bool {
    // The line end of the field itself, and those of its folds, have white space behind them or nothing.
    memchr::memchr2_iter(b'\r', b'\n', field).any(|at| {
        let behind = field.get(at.saturating_add(1)..).unwrap_or_default();
        let Some((name, behind)) = behind.split_at_checked(4) else {
            return false;
        };
        let blanks = behind.iter().take_while(|octet| matches!(octet, b' ' | b'\t')).count();
        name.eq_ignore_ascii_case(b"From") && behind.get(blanks) == Some(&b':')
    })
}

/// What the lexer finds between comments and white space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Atom,
    QuotedString,
    /// A special that stands for itself.
    Special(u8),
    End,
}

#[derive(Clone, Copy, Debug)]
struct Token {
    kind: Kind,
    start: usize,
    end: usize,
}

/// Splits a field into tokens, RFC 5322 section 3.2, and leaves out comments and white space.
struct Lexer<'a> {
    cursor: Cursor<'a>,
    field: &'a [u8],
}

impl<'a> Lexer<'a> {
    fn new(field: &Field<'a>) -> Self {
        let octets = field.as_bytes();
        let octets = octets.strip_suffix(b"\r\n").unwrap_or(octets);
        Self { cursor: Cursor::new(octets, field.value_offset()), field: octets }
    }

    fn token(&mut self) -> Result<Token, AuthorError> {
        self.cursor.skip_cfws()?;
        let start = self.cursor.offset();
        let kind = match self.cursor.peek() {
            None => Kind::End,
            Some(b'"') => {
                self.cursor.quoted_string()?;
                Kind::QuotedString
            }
            Some(octet) if is_special(octet) => {
                self.cursor.advance();
                Kind::Special(octet)
            }
            Some(_) if self.cursor.take_while(is_atext).is_empty() => {
                return Err(self.cursor.stray().into());
            }
            Some(_) => Kind::Atom,
        };
        Ok(Token { kind, start, end: self.cursor.offset() })
    }
}

impl From<CfwsError> for AuthorError {
    fn from(error: CfwsError) -> Self {
        match error {
            CfwsError::Octet { found, offset } => Self::Octet { found, offset },
            CfwsError::Unclosed { opening, offset } => Self::Unclosed { opening, offset },
        }
    }
}

fn is_special(octet: u8) -> bool {
    matches!(
        octet,
        b'(' | b')' | b'<' | b'>' | b'[' | b']' | b':' | b';' | b'@' | b'\\' | b',' | b'.' | b'"'
    )
}

/// RFC 5322 section 3.2.3; RFC 6532 adds what is not ASCII.
fn is_atext(octet: u8) -> bool {
    !is_special(octet) && !octet.is_ascii_control() && octet != b' '
}

/// Reads an address-list, RFC 5322 sections 3.4 and 4.4.
struct Parser<'a> {
    lexer: Lexer<'a>,
    /// The domain of the mailbox being read, without comments.
    domain: Vec<u8>,
    /// The domain of the first mailbox, read and as written.
    first: Option<(Domain, Box<[u8]>)>,
}

/// What stands in front of an at sign, an angle bracket or a colon.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Words {
    /// Nothing.
    None,
    /// Words with dots between them: a local-part or a display name.
    Dotted,
    /// The same with a dot at the end.
    DottedOpen,
    /// Other words and dots: a display name.
    Phrase,
}

impl Parser<'_> {
    fn address_list(&mut self) -> Result<(), AuthorError> {
        loop {
            let token = self.lexer.token()?;
            match token.kind {
                Kind::End => return Ok(()),
                // RFC 5322 section 4.4: elements may be empty.
                Kind::Special(b',') => {}
                _ => {
                    if self.address(token)? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// One address and what separates it from the next; whether the list ends with it.
    fn address(&mut self, first: Token) -> Result<bool, AuthorError> {
        let (words, token) = self.words(first)?;
        let behind = match (token.kind, words) {
            (Kind::Special(b'@'), Words::Dotted) => self.domain()?,
            (Kind::Special(b'<'), _) => {
                let token = self.angle_address()?;
                if token.kind != Kind::Special(b'>') {
                    return Err(self.unexpected(token, "'>'"));
                }
                self.lexer.token()?
            }
            (Kind::Special(b':'), Words::Dotted | Words::Phrase | Words::DottedOpen) => {
                return Err(AuthorError::Group { offset: token.start });
            }
            (Kind::Special(b','), _) | (Kind::End, _) => {
                return Err(AuthorError::NoAtSign { offset: token.start });
            }
            _ => return Err(self.unexpected(token, "a mailbox")),
        };
        match behind.kind {
            Kind::End => Ok(true),
            Kind::Special(b',') => Ok(false),
            _ => Err(self.unexpected(behind, "',' or the end")),
        }
    }

    /// Words and dots, and the token behind them.
    fn words(&mut self, first: Token) -> Result<(Words, Token), AuthorError> {
        let mut words = Words::None;
        let mut token = first;
        loop {
            let is_word = matches!(token.kind, Kind::Atom | Kind::QuotedString);
            words = match (words, token.kind) {
                (Words::None | Words::DottedOpen, _) if is_word => Words::Dotted,
                (Words::Dotted | Words::Phrase, _) if is_word => Words::Phrase,
                (Words::Dotted, Kind::Special(b'.')) => Words::DottedOpen,
                (Words::DottedOpen | Words::Phrase, Kind::Special(b'.')) => Words::Phrase,
                _ => return Ok((words, token)),
            };
            token = self.lexer.token()?;
        }
    }

    /// What stands in angle brackets, and the token behind it.
    fn angle_address(&mut self) -> Result<Token, AuthorError> {
        let first = self.lexer.token()?;
        if matches!(first.kind, Kind::Special(b'@' | b',')) {
            return Err(AuthorError::SourceRoute { offset: first.start });
        }
        let (words, token) = self.words(first)?;
        match (token.kind, words) {
            (Kind::Special(b'@'), Words::Dotted) => self.domain(),
            (Kind::Special(b'>'), _) => Err(AuthorError::NoAtSign { offset: token.start }),
            (Kind::Special(b'@'), _) => Err(self.unexpected(token, "a local-part")),
            _ => Err(self.unexpected(token, "'@'")),
        }
    }

    /// The domain behind an at sign, and the token behind it.
    fn domain(&mut self) -> Result<Token, AuthorError> {
        self.domain.clear();
        let mut token = self.lexer.token()?;
        let offset = token.start;
        if token.kind == Kind::Special(b'[') {
            return Err(AuthorError::AddressLiteral { offset });
        }
        loop {
            // After nothing or a dot an atom, after an atom a dot: RFC 5322 section 4.4, obs-domain.
            let wants_atom = matches!(self.domain.last(), None | Some(b'.'));
            match token.kind {
                Kind::Atom if wants_atom => {
                    let atom = self.lexer.field.get(token.start..token.end).unwrap_or_default();
                    self.domain.extend_from_slice(atom);
                }
                Kind::Special(b'.') if !wants_atom => self.domain.push(b'.'),
                _ if self.domain.is_empty() => return Err(self.unexpected(token, "a domain")),
                _ => break,
            }
            token = self.lexer.token()?;
        }
        self.admit(offset)?;
        Ok(token)
    }

    /// Compares a domain with that of the first mailbox.
    fn admit(&mut self, offset: usize) -> Result<(), AuthorError> {
        if let Some((_, written)) = &self.first
            && **written == *self.domain
        {
            return Ok(());
        }
        let domain = Domain::parse(&self.domain).map_err(|error| {
            let found = tag_list::quote(&self.domain);
            AuthorError::Domain { found, offset, error }
        })?;
        // RFC 3696 section 2: no top-level domain is all digits, but the end of an IP address is.
        if domain.labels().next_back().is_some_and(|top| top.bytes().all(|o| o.is_ascii_digit())) {
            return Err(AuthorError::AddressLiteral { offset });
        }
        match &self.first {
            None => self.first = Some((domain, self.domain.as_slice().into())),
            Some((first, _)) if *first == domain => {}
            Some((first, _)) => {
                return Err(AuthorError::SeveralDomains { first: first.clone(), second: domain });
            }
        }
        Ok(())
    }

    fn unexpected(&self, token: Token, expected: &'static str) -> AuthorError {
        let found =
            (token.kind != Kind::End).then(|| self.lexer.field.get(token.start).copied()).flatten();
        AuthorError::Unexpected { found, offset: token.start, expected }
    }
}

#[cfg(test)]
mod tests;
