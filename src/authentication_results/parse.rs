//! Reads an Authentication-Results field.

use std::borrow::Cow;
use std::ops::Range;

use super::{
    AuthenticationResults, Keyword, MethodResult, Property, Text, Value, ValueError, is_dot_atom,
    is_keyword_octet, is_token_octet, utf8,
};
use crate::domain::{Domain, DomainError};
use crate::message::{CfwsError, Cursor};
use crate::tag_list;

/// Why the value of a field is not that of an Authentication-Results field.
///
/// Offsets count from the first octet of the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The domain of an address is none.
    #[error("found an address with a domain that is none at offset {offset}: {error}")]
    Domain {
        /// Where the domain begins.
        offset: usize,
        /// What is wrong with it, with an offset inside of it.
        error: DomainError,
    },
    /// A control character, or a CR or LF that is not part of a fold.
    #[error("found octet {found:#04x} at offset {offset}")]
    Octet {
        /// The octet.
        found: u8,
        /// Where it stands.
        offset: usize,
    },
    /// A comment or quoted string that never ends.
    #[error("found no end of what begins with '{}' at offset {offset}", char::from(*.opening))]
    Unclosed {
        /// `(` or `"`.
        opening: u8,
        /// Where it stands.
        offset: usize,
    },
    /// Something that the grammar has not there.
    #[error("found {found:?} at offset {offset}, expected {expected}")]
    Unexpected {
        /// What stands there; nothing at the end of the value.
        found: String,
        /// Where it stands.
        offset: usize,
        /// What would be right.
        expected: &'static str,
    },
    /// A keyword or a text that the types of this module do not hold.
    #[error("found at offset {offset} what is no value: {error}")]
    Value {
        /// Where it begins.
        offset: usize,
        /// What is wrong with it, with an offset inside of it.
        error: ValueError,
    },
}

impl From<CfwsError> for ParseError {
    fn from(error: CfwsError) -> Self {
        match error {
            CfwsError::Octet { found, offset } => Self::Octet { found, offset },
            CfwsError::Unclosed { opening, offset } => Self::Unclosed { opening, offset },
        }
    }
}

impl<'a> AuthenticationResults<'a> {
    /// Reads the value of a field, [`Field::value`](crate::message::Field::value).
    ///
    /// Comments and white space may stand wherever
    /// [RFC 8601 section 2.2](https://www.rfc-editor.org/rfc/rfc8601#section-2.2) has them, white space
    /// may be missing behind a quoted string, and a semicolon may end the value. Methods, results and
    /// properties need not be known. Time is linear.
    ///
    /// # Errors
    ///
    /// For the first thing that is not of the grammar.
    pub fn parse(value: &'a [u8]) -> Result<Self, ParseError> {
        Self::read(value).map(|(field, _)| field)
    }

    /// The field, and where in the value its results stand, without the semicolons around them.
    pub(crate) fn read(value: &'a [u8]) -> Result<(Self, Range<usize>), ParseError> {
        let mut parser = Parser { cursor: Cursor::new(value, 0), value, results: 0..0 };
        parser.field().map(|field| (field, parser.results))
    }
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    value: &'a [u8],
    results: Range<usize>,
}

impl<'a> Parser<'a> {
    fn field(&mut self) -> Result<AuthenticationResults<'a>, ParseError> {
        self.cursor.skip_cfws()?;
        let authserv_id = match self.cursor.peek() {
            Some(b'"') => self.quoted_text()?,
            _ => self.token()?,
        };
        let mut field = AuthenticationResults::new(authserv_id);
        self.cursor.skip_cfws()?;
        field.version = self.version();
        self.cursor.skip_cfws()?;
        let mut is_first = true;
        while self.cursor.peek().is_some() {
            self.expect(b';', "';'")?;
            self.cursor.skip_cfws()?;
            if self.cursor.peek().is_none() && !is_first {
                break;
            }
            if is_first {
                self.results.start = self.cursor.offset();
            }
            match self.result()? {
                Some(result) => {
                    field.results.push(result);
                    self.results.end = self.cursor.offset();
                }
                None if is_first => {
                    // Nothing but the end may follow `none`.
                    self.cursor.take(b';');
                    self.cursor.skip_cfws()?;
                    if self.cursor.peek().is_some() {
                        return Err(self.unexpected("the end"));
                    }
                    return Ok(field);
                }
                None => return Err(self.unexpected("'='")),
            }
            is_first = false;
        }
        if is_first { Err(self.unexpected("';'")) } else { Ok(field) }
    }

    /// A method and its result; `None` for the word `none`, which is neither.
    fn result(&mut self) -> Result<Option<MethodResult<'a>>, ParseError> {
        let method = self.keyword()?;
        self.cursor.skip_cfws()?;
        let mut version = None;
        if self.cursor.take(b'/') {
            self.cursor.skip_cfws()?;
            version = Some(self.version().ok_or_else(|| self.unexpected("a version"))?);
            self.cursor.skip_cfws()?;
        } else if method == Keyword::NONE && matches!(self.cursor.peek(), None | Some(b';')) {
            return Ok(None);
        }
        self.expect(b'=', "'='")?;
        self.cursor.skip_cfws()?;
        let mut result = MethodResult::new(method, self.keyword()?);
        result.version = version;
        self.cursor.skip_cfws()?;
        while !matches!(self.cursor.peek(), None | Some(b';')) {
            let ptype = self.keyword()?;
            self.cursor.skip_cfws()?;
            let is_reason = ptype.as_str().eq_ignore_ascii_case("reason");
            // RFC 8601 section 2.2: the reason stands once, in front of the properties.
            if is_reason && self.cursor.peek() == Some(b'=') {
                if result.reason.is_some() || !result.properties.is_empty() {
                    return Err(self.unexpected("'.'"));
                }
                self.cursor.advance();
                self.cursor.skip_cfws()?;
                result.reason = Some(match self.cursor.peek() {
                    Some(b'"') => self.quoted_text()?,
                    _ => self.token()?,
                });
            } else {
                self.expect(b'.', "'.'")?;
                self.cursor.skip_cfws()?;
                let property = self.keyword()?;
                self.cursor.skip_cfws()?;
                self.expect(b'=', "'='")?;
                self.cursor.skip_cfws()?;
                let value = self.property_value()?;
                result.properties.push(Property { ptype, property, value });
            }
            self.cursor.skip_cfws()?;
        }
        Ok(Some(result))
    }

    /// RFC 8601 section 2.2: pvalue.
    fn property_value(&mut self) -> Result<Value<'a>, ParseError> {
        let offset = self.cursor.offset();
        if self.cursor.peek() == Some(b'"') {
            let text = self.quoted_text()?;
            if !self.cursor.take(b'@') {
                return Ok(Value::Text(text));
            }
            let domain = self.domain()?;
            return Value::address(Some(text), domain)
                .map_err(|error| ParseError::Value { offset, error });
        }
        let is_part = |octet: u8| super::is_atext(octet) || is_token_octet(octet) || octet == b'.';
        let run = self.cursor.take_while(is_part);
        if !self.cursor.take(b'@') {
            return self.admit_token(run, offset).map(Value::Text);
        }
        if !run.is_empty() && !is_dot_atom(run) {
            return Err(self.unexpected_at(offset, "a local-part"));
        }
        let local_part = match run {
            [] => None,
            _ => Some(Text::parse(run).map_err(|error| ParseError::Value { offset, error })?),
        };
        let domain = self.domain()?;
        Value::address(local_part, domain).map_err(|error| ParseError::Value { offset, error })
    }

    fn domain(&mut self) -> Result<Domain, ParseError> {
        let offset = self.cursor.offset();
        let octets = self.cursor.take_while(is_token_octet);
        Domain::parse(octets).map_err(|error| ParseError::Domain { offset, error })
    }

    fn token(&mut self) -> Result<Text<'a>, ParseError> {
        let offset = self.cursor.offset();
        let token = self.cursor.take_while(is_token_octet);
        self.admit_token(token, offset)
    }

    fn admit_token(&self, token: &'a [u8], offset: usize) -> Result<Text<'a>, ParseError> {
        if token.is_empty() || !token.iter().all(|octet| is_token_octet(*octet)) {
            return Err(self.unexpected_at(offset, "a token or a quoted string"));
        }
        Text::parse(token).map_err(|error| ParseError::Value { offset, error })
    }

    fn quoted_text(&mut self) -> Result<Text<'a>, ParseError> {
        let offset = self.cursor.offset();
        let quoted = self.cursor.quoted_string()?;
        let inside = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
        let text = utf8(inside).and_then(|inside| Text::new(unquote(inside)));
        text.map_err(|error| ParseError::Value { offset, error })
    }

    fn keyword(&mut self) -> Result<Keyword<'a>, ParseError> {
        let offset = self.cursor.offset();
        match self.cursor.take_while(is_keyword_octet) {
            [] => Err(self.unexpected("a keyword")),
            keyword => Keyword::parse(keyword).map_err(|error| ParseError::Value { offset, error }),
        }
    }

    /// Digits; a version beyond all that will ever be is as unknown as the last.
    fn version(&mut self) -> Option<u32> {
        let digits = self.cursor.take_while(|octet| octet.is_ascii_digit());
        Some(u32::try_from(tag_list::decimal(digits)?).unwrap_or(u32::MAX))
    }

    fn expect(&mut self, octet: u8, expected: &'static str) -> Result<(), ParseError> {
        if self.cursor.take(octet) { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    fn unexpected(&self, expected: &'static str) -> ParseError {
        self.unexpected_at(self.cursor.offset(), expected)
    }

    fn unexpected_at(&self, offset: usize, expected: &'static str) -> ParseError {
        let rest = self.value.get(offset..).unwrap_or_default();
        let found = tag_list::quote(rest.get(..16).unwrap_or(rest));
        ParseError::Unexpected { found, offset, expected }
    }
}

/// Without the backslashes of pairs and the line ends of folds.
fn unquote(inside: &str) -> Cow<'_, str> {
    if !inside.contains(['\\', '\r']) {
        return Cow::Borrowed(inside);
    }
    let mut text = String::with_capacity(inside.len());
    let mut characters = inside.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.extend(characters.next()),
            '\r' | '\n' => {}
            _ => text.push(character),
        }
    }
    Cow::Owned(text)
}
