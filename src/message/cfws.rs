//! Comments, folding white space and quoted strings, RFC 5322 section 3.2.

/// A place in the octets of a field.
pub(crate) struct Cursor<'a> {
    text: &'a [u8],
    next: usize,
}

/// Why octets are no comment, white space or quoted string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CfwsError {
    /// A control character, or a CR or LF that is not part of a fold.
    Octet { found: u8, offset: usize },
    /// A comment or a quoted string that never ends.
    Unclosed { opening: u8, offset: usize },
}

impl<'a> Cursor<'a> {
    /// Begins at an offset of a text.
    pub(crate) fn new(text: &'a [u8], next: usize) -> Self {
        Self { text, next }
    }

    pub(crate) fn offset(&self) -> usize {
        self.next
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.get(self.next).copied()
    }

    pub(crate) fn advance(&mut self) {
        self.next = self.next.saturating_add(1);
    }

    /// Takes an octet if it is the next.
    pub(crate) fn take(&mut self, octet: u8) -> bool {
        let is_next = self.peek() == Some(octet);
        if is_next {
            self.advance();
        }
        is_next
    }

    /// Takes octets as long as they are of a kind.
    pub(crate) fn take_while(&mut self, is_of_kind: impl Fn(u8) -> bool) -> &'a [u8] {
        let start = self.next;
        while self.peek().is_some_and(&is_of_kind) {
            self.advance();
        }
        self.since(start)
    }

    /// The octets from an offset up to here.
    pub(crate) fn since(&self, start: usize) -> &'a [u8] {
        self.text.get(start..self.next).unwrap_or_default()
    }

    /// Skips white space, folds and comments, nested to any depth. A depth is counted, nothing calls
    /// itself.
    pub(crate) fn skip_cfws(&mut self) -> Result<(), CfwsError> {
        let mut depth = 0_usize;
        let mut opening = self.next;
        loop {
            match self.peek() {
                Some(b' ' | b'\t') => self.advance(),
                Some(b'\r' | b'\n') => self.fold()?,
                Some(b'(') => {
                    if depth == 0 {
                        opening = self.next;
                    }
                    depth = depth.saturating_add(1);
                    self.advance();
                }
                None if depth > 0 => {
                    return Err(CfwsError::Unclosed { opening: b'(', offset: opening });
                }
                None => return Ok(()),
                Some(_) if depth == 0 => return Ok(()),
                Some(b')') => {
                    depth = depth.saturating_sub(1);
                    self.advance();
                }
                Some(b'\\') => self.quoted_pair()?,
                Some(_) => self.content()?,
            }
        }
    }

    /// Takes a quoted string with its quotes.
    pub(crate) fn quoted_string(&mut self) -> Result<&'a [u8], CfwsError> {
        let offset = self.next;
        self.advance();
        loop {
            match self.peek() {
                None => return Err(CfwsError::Unclosed { opening: b'"', offset }),
                Some(b'"') => {
                    self.advance();
                    return Ok(self.since(offset));
                }
                Some(b'\\') => self.quoted_pair()?,
                Some(b'\r' | b'\n') => self.fold()?,
                Some(_) => self.content()?,
            }
        }
    }

    fn quoted_pair(&mut self) -> Result<(), CfwsError> {
        self.advance();
        match self.peek() {
            // What encloses it is not closed, and says so.
            None => Ok(()),
            Some(_) => self.content(),
        }
    }

    /// An octet inside a comment or a quoted string.
    fn content(&mut self) -> Result<(), CfwsError> {
        match self.peek() {
            Some(octet) if octet.is_ascii_control() && octet != b'\t' => Err(self.stray()),
            _ => {
                self.advance();
                Ok(())
            }
        }
    }

    fn fold(&mut self) -> Result<(), CfwsError> {
        match self.text.get(self.next..).unwrap_or_default() {
            [b'\r', b'\n', b' ' | b'\t', ..] => {
                self.next = self.next.saturating_add(3);
                Ok(())
            }
            _ => Err(self.stray()),
        }
    }

    /// That the next octet stands nowhere.
    pub(crate) fn stray(&self) -> CfwsError {
        CfwsError::Octet { found: self.peek().unwrap_or_default(), offset: self.next }
    }
}
