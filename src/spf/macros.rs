//! Macro strings and domain specs, RFC 7208 section 7.

use std::borrow::Cow;
use std::fmt;

use super::expansion::{Expansion, MacroValues};
use crate::octets::{NotGraphic, Octet, Positions};

/// Octets of a name in dotted form; what is over that loses labels from the left.
const MAXIMUM_NAME_OCTETS: usize = 253;
/// Octets of an expansion before labels are taken off; a longer one is no name.
const MAXIMUM_EXPANSION_OCTETS: usize = 1 << 14;

/// A macro string, [RFC 7208 section 7.1](https://www.rfc-editor.org/rfc/rfc7208#section-7.1),
/// which is known to be well-formed.
///
/// ```text
/// macro-string  = *( macro-expand / macro-literal )
/// macro-expand  = ( "%{" macro-letter transformers *delimiter "}" ) / "%%" / "%_" / "%-"
/// transformers  = *DIGIT [ "r" ]
/// delimiter     = "." / "-" / "+" / "," / "/" / "_" / "="
/// ```
///
/// ```
/// use bonafide::spf::{MacroString, MacroValues};
///
/// let values = MacroValues::new(b"strong-bad", b"email.example.com", [192, 0, 2, 3].into());
/// let text = MacroString::parse(b"%{ir}.%{v}._spf.%{d2}")?;
/// assert_eq!(text.expand(&values, 512), b"3.2.0.192.in-addr._spf.example.com");
/// assert!(MacroString::parse(b"%(ir).example.com").is_err());
/// # Ok::<(), bonafide::spf::MacroError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MacroString<'a> {
    text: &'a [u8],
    letters: Letters,
}

/// A domain spec, [RFC 7208 section 7.1](https://www.rfc-editor.org/rfc/rfc7208#section-7.1): a macro
/// string that ends in a top label or in a macro.
///
/// ```text
/// domain-spec  = macro-string domain-end
/// domain-end   = ( "." toplabel [ "." ] ) / macro-expand
/// toplabel     = ( *alphanum ALPHA *alphanum ) / ( 1*alphanum "-" *( alphanum / "-" ) alphanum )
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DomainSpec<'a>(MacroString<'a>);

/// Why a text is no macro string or no domain spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{kind}")]
#[non_exhaustive]
pub struct MacroError {
    /// Where it ceases to be one, from the first octet of the text.
    pub offset: usize,
    /// What is wrong there.
    pub kind: MacroErrorKind,
}

/// What is wrong with a macro string or a domain spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum MacroErrorKind {
    /// A macro has something but digits, `r`, delimiters and the closing brace behind its letter.
    #[error("expected digits, 'r', delimiters of \".-+,/_=\" and '}}' in a macro")]
    Delimiter,
    /// It ends neither in a dot and a top label nor in a macro.
    #[error("expected a domain that ends in \".\" and a top label such as \"com\", or in a macro")]
    DomainEnd,
    /// There is nothing.
    #[error("expected a domain, found nothing")]
    Empty,
    /// `%{c}`, `%{r}` or `%{t}` outside of an explanation.
    #[error("macro letter '{letter}' stands only in explanations")]
    ExplanationOnly {
        /// The letter.
        letter: char,
    },
    /// An unknown letter.
    #[error("expected a macro letter: one of s l o d i p v h")]
    Letter,
    /// An octet that stands in no macro string.
    #[error("found octet {found:#04x}, expected visible US-ASCII")]
    Octet {
        /// The octet.
        found: u8,
    },
    /// A percent sign without `{`, `%`, `_` or `-` behind it.
    #[error("expected '{{', '%', '_' or '-' behind '%'")]
    Percent,
    /// Zero parts are asked for.
    #[error("found 0 as the number of parts, expected 1 or more")]
    Zero,
}

/// A set of macro letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Letters(u16);

impl Letters {
    /// Where a percent sign stands in front of no letter.
    const PERCENT: u16 = 1 << 15;
    const ORDER: &'static [u8] = b"slodipvhcrt";

    pub(super) const NONE: Self = Self(0);

    pub(super) fn of(letters: &[u8]) -> Self {
        let bit = |letter: &u8| Self::ORDER.iter().position(|known| known == letter);
        Self(letters.iter().filter_map(bit).fold(0, |set, at| set | (1 << at)))
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// A part of a macro string.
#[derive(Clone, Copy)]
enum Piece<'a> {
    Literal(&'a [u8]),
    Macro(Macro),
}

#[derive(Clone, Copy)]
pub(super) struct Macro {
    /// In lower case.
    pub(super) letter: u8,
    /// The letter is in upper case: what it expands to is URL-escaped.
    pub(super) is_escaped: bool,
    /// How many parts from the right are kept; saturates.
    pub(super) parts: Option<u32>,
    pub(super) is_reversed: bool,
    /// A bit for each of [`DELIMITERS`] that the value is split at; 0 for the dot.
    pub(super) delimiters: u8,
}

const DELIMITERS: &[u8] = b".-+,/_=";

impl<'a> MacroString<'a> {
    /// Reads a macro string as it stands in a term of a record.
    ///
    /// # Errors
    ///
    /// For the first octet that does not fit the grammar, and for the letters c, r and t.
    pub fn parse(text: &'a [u8]) -> Result<Self, MacroError> {
        check(text, false).map(|(letters, _)| Self { text, letters })
    }

    /// Reads the text of an explanation, which may hold spaces and the letters c, r and t
    /// ([RFC 7208 section 6.2](https://www.rfc-editor.org/rfc/rfc7208#section-6.2)).
    ///
    /// # Errors
    ///
    /// For the first octet that does not fit the grammar.
    pub fn parse_explanation(text: &'a [u8]) -> Result<Self, MacroError> {
        check(text, true).map(|(letters, _)| Self { text, letters })
    }

    /// The text as it was published.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.text
    }

    /// The text with its macros expanded, cut off behind `limit` octets. It is cut off too where the
    /// values of its macros come to 256 KiB, which no sender of [RFC
    /// 5321](https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1) reaches.
    pub fn expand(&self, values: &MacroValues<'_>, limit: usize) -> Vec<u8> {
        self.expand_up_to(values, limit).octets
    }

    fn expand_up_to(&self, values: &MacroValues<'_>, limit: usize) -> Expansion {
        let mut expansion = Expansion::new(limit);
        for piece in self.pieces() {
            match piece {
                Piece::Literal(literal) => expansion.push(literal, false),
                Piece::Macro(piece) => piece.expand(values, &mut expansion),
            }
            if expansion.is_cut() {
                break;
            }
        }
        expansion
    }

    pub(super) fn letters(&self) -> Letters {
        self.letters
    }

    fn pieces(&self) -> impl Iterator<Item = Piece<'a>> {
        let mut rest = self.text;
        std::iter::from_fn(move || {
            if rest.first()? == &b'%' {
                // The whole string was checked when it was parsed.
                let (piece, behind) = read_macro(rest).ok()?;
                rest = behind;
                return Some(piece);
            }
            let end = memchr::memchr(b'%', rest).unwrap_or(rest.len());
            let (literal, behind) = rest.split_at_checked(end)?;
            rest = behind;
            Some(Piece::Literal(literal))
        })
    }
}

impl<'a> DomainSpec<'a> {
    /// Reads a domain spec.
    ///
    /// # Errors
    ///
    /// For the first octet that does not fit the grammar, and where the end is neither a top label
    /// nor a macro.
    pub fn parse(text: &'a [u8]) -> Result<Self, MacroError> {
        let (letters, literal) = check(text, false)?;
        let tail = text.get(literal..).unwrap_or_default();
        if text.is_empty() {
            return Err(MacroError { offset: 0, kind: MacroErrorKind::Empty });
        }
        if !tail.is_empty() {
            let end = tail.strip_suffix(b".").unwrap_or(tail);
            // A top label is short: no search of blocks pays.
            let dot = end.iter().rposition(|octet| *octet == b'.');
            let label = dot.and_then(|dot| end.get(dot.saturating_add(1)..));
            if !label.is_some_and(is_top_label) {
                let at = dot.map_or(0, |dot| dot.saturating_add(1));
                let offset = literal.saturating_add(at);
                return Err(MacroError { offset, kind: MacroErrorKind::DomainEnd });
            }
        }
        Ok(Self(MacroString { text, letters }))
    }

    /// The text as it was published.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0.text
    }

    /// The name in dotted form, without a dot at the end: macros expanded, and labels taken off from
    /// the left until it has at most 253 octets
    /// ([RFC 7208 section 7.3](https://www.rfc-editor.org/rfc/rfc7208#section-7.3)).
    ///
    /// `None` where no label is left, and for an expansion of over 16 KiB. Labels may be empty or over 63
    /// octets: what becomes of those, the DNS name decides.
    pub fn expand(&self, values: &MacroValues<'_>) -> Option<Cow<'a, [u8]>> {
        if let Some(literal) = self.literal() {
            return Some(Cow::Borrowed(literal.get(start_of_name(literal)?..)?));
        }
        let limit = MAXIMUM_EXPANSION_OCTETS.saturating_add(1);
        let expansion = self.0.expand_up_to(values, limit);
        if expansion.is_cut() {
            return None;
        }
        let mut expansion = expansion.octets;
        if expansion.last() == Some(&b'.') {
            expansion.pop();
        }
        expansion.drain(..start_of_name(&expansion)?);
        Some(Cow::Owned(expansion))
    }

    /// The text without a dot at the end, if nothing in it is to be expanded.
    pub(super) fn literal(&self) -> Option<&'a [u8]> {
        let text = self.0.text;
        (self.0.letters == Letters::NONE).then(|| text.strip_suffix(b".").unwrap_or(text))
    }

    pub(super) fn letters(&self) -> Letters {
        self.0.letters
    }
}

/// Where the labels begin that fit into a name; none is cut.
pub(super) fn start_of_name(dotted: &[u8]) -> Option<usize> {
    let Some(over) = dotted.len().checked_sub(MAXIMUM_NAME_OCTETS).filter(|over| *over > 0) else {
        return (!dotted.is_empty()).then_some(0);
    };
    // The first label that begins at `over` or behind it: it has a dot in front.
    let before = over.saturating_sub(1);
    let dot = memchr::memchr(b'.', dotted.get(before..)?)?;
    let start = before.saturating_add(dot).saturating_add(1);
    (start < dotted.len()).then_some(start)
}

fn is_top_label(label: &[u8]) -> bool {
    let ([first, .., last] | [first @ last]) = label else {
        return false;
    };
    let fits = |octet: &u8| octet.is_ascii_alphanumeric() || *octet == b'-';
    first.is_ascii_alphanumeric()
        && last.is_ascii_alphanumeric()
        && label.iter().all(fits)
        && !label.iter().all(u8::is_ascii_digit)
}

/// The letters of a macro string, and where the literal behind its last macro begins.
fn check(text: &[u8], is_explanation: bool) -> Result<(Letters, usize), MacroError> {
    let mut letters = 0_u16;
    let mut literal = 0_usize;
    for at in Positions::new((NotGraphic, Octet(b'%')), text) {
        // What stands in a macro was read with it.
        if at < literal {
            continue;
        }
        let rest = text.get(at..).unwrap_or_default();
        match rest.first() {
            Some(b'%') => {
                let error = |(offset, kind)| MacroError { offset: at.saturating_add(offset), kind };
                let (piece, behind) = read_macro(rest).map_err(error)?;
                letters |= match piece {
                    Piece::Literal(_) => Letters::PERCENT,
                    Piece::Macro(Macro { letter: letter @ (b'c' | b'r' | b't'), .. })
                        if !is_explanation =>
                    {
                        let letter = char::from(letter);
                        return Err(error((2, MacroErrorKind::ExplanationOnly { letter })));
                    }
                    Piece::Macro(piece) => Letters::of(&[piece.letter]).0,
                };
                literal = text.len().saturating_sub(behind.len());
            }
            Some(b' ') if is_explanation => {}
            found => {
                let found = found.copied().unwrap_or_default();
                return Err(MacroError { offset: at, kind: MacroErrorKind::Octet { found } });
            }
        }
    }
    Ok((Letters(letters), literal))
}

/// Reads what begins with a percent sign; an error has its offset from there.
fn read_macro(text: &[u8]) -> Result<(Piece<'static>, &[u8]), (usize, MacroErrorKind)> {
    let (letter, mut rest) = match text {
        [b'%', b'%', rest @ ..] => return Ok((Piece::Literal(b"%"), rest)),
        [b'%', b'_', rest @ ..] => return Ok((Piece::Literal(b" "), rest)),
        [b'%', b'-', rest @ ..] => return Ok((Piece::Literal(b"%20"), rest)),
        [b'%', b'{', letter, rest @ ..] => (*letter, rest),
        [b'%', b'{'] => return Err((2, MacroErrorKind::Letter)),
        _ => return Err((1, MacroErrorKind::Percent)),
    };
    let mut found = Macro {
        letter: letter.to_ascii_lowercase(),
        is_escaped: letter.is_ascii_uppercase(),
        parts: None,
        is_reversed: false,
        delimiters: 0,
    };
    if !Letters::ORDER.contains(&found.letter) {
        return Err((2, MacroErrorKind::Letter));
    }
    let offset = |rest: &[u8]| text.len().saturating_sub(rest.len());
    let digits = offset(rest);
    while let [digit @ b'0'..=b'9', behind @ ..] = rest {
        let digit = u32::from(digit.saturating_sub(b'0'));
        found.parts = Some(found.parts.unwrap_or(0).saturating_mul(10).saturating_add(digit));
        rest = behind;
    }
    if found.parts == Some(0) {
        return Err((digits, MacroErrorKind::Zero));
    }
    if let [b'r' | b'R', behind @ ..] = rest {
        found.is_reversed = true;
        rest = behind;
    }
    loop {
        match rest {
            [b'}', behind @ ..] => return Ok((Piece::Macro(found), behind)),
            [octet, behind @ ..] if DELIMITERS.contains(octet) => {
                found.delimiters |= delimiter_bit(*octet);
                rest = behind;
            }
            _ => return Err((offset(rest), MacroErrorKind::Delimiter)),
        }
    }
}

pub(super) fn delimiter_bit(octet: u8) -> u8 {
    DELIMITERS.iter().position(|known| *known == octet).map_or(0, |at| 1 << at)
}

impl fmt::Display for MacroString<'_> {
    /// The text as it was published, which is visible US-ASCII.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(str::from_utf8(self.text).unwrap_or_default())
    }
}

impl fmt::Debug for MacroString<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MacroString({self})")
    }
}

impl fmt::Display for DomainSpec<'_> {
    /// The text as it was published, which is visible US-ASCII.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for DomainSpec<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DomainSpec({self})")
    }
}
