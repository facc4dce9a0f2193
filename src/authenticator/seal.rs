//! The seal of a message that was authenticated.

use super::Report;
use crate::arc::{Sealer, SealingError};
use crate::time::UnixTime;

impl Report {
    /// Seals the message that the report is about, as it leaves: what was found of it and of its chain is the
    /// report's. What comes of it is to be put in front of the message.
    ///
    /// Whatever changes the message must come before, signatures of DKIM among it. A message that is not
    /// in memory is sealed as it is sent: `sealer.start(&header, report.authentication_results(),
    /// &report.arc, now)` begins ([`Sealer::start`]).
    ///
    /// ```
    /// use bonafide::arc::{Sealer, SealingOptions};
    /// use bonafide::{Authenticator, Domain, Envelope, Selector, UnixTime, block_on};
    /// use bonafide::{dkim::SigningKey, dns::Zone};
    ///
    /// let key = SigningKey::from_pem(include_bytes!("../../test-vectors/keys/rsa2048.pem"))?;
    /// let (domain, selector) = (Domain::parse(b"lists.example")?, Selector::parse(b"2026a")?);
    /// let sealer = Sealer::new(domain, selector, key, SealingOptions::default())?;
    ///
    /// let now = UnixTime(1795478400);
    /// let envelope = Envelope::new("192.0.2.1".parse()?, b"mx.example.com", b"joe@example.com");
    /// let received = b"From: joe@example.com\r\nSubject: Dinner\r\n\r\nIs it ready?\r\n";
    /// let authenticator = Authenticator::new("lists.example")?;
    /// let zone = Zone::default();
    /// let report = block_on(authenticator.authenticate(&zone, &envelope, received, now));
    ///
    /// let leaving = b"From: joe@example.com\r\nSubject: [list] Dinner\r\n\r\nIs it ready?\r\n";
    /// let set = report.seal(&sealer, leaving, now)?;
    /// assert!(set.contains("ARC-Authentication-Results: i=1; lists.example;\r\n\tspf=none"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Sealer::seal`].
    pub fn seal(
        &self,
        sealer: &Sealer,
        message: &[u8],
        now: UnixTime,
    ) -> Result<String, SealingError> {
        sealer.seal(message, self.authentication_results(), &self.arc, now)
    }
}
