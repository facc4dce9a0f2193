//! One message through the front door, and through each evaluator alone.

use bonafide::dmarc::{self, DkimIdentifier, IdentifierResult, Identifiers, SpfIdentifier};
use bonafide::dns::{Answer, LookupError, Question, Resolver, Zone};
use bonafide::message::{AuthorDomain, Header};
use bonafide::{Authenticator, Envelope, Report, block_on, dkim, spf};

use super::{Body, InMemory, Kind, NOW, sign};

/// A signed message of 10 KB, with the DNS that it needs.
pub(crate) struct FrontDoor {
    authenticator: Authenticator,
    envelope: Envelope,
    message: Vec<u8>,
    dns: Dns,
}

/// The key as an answer in memory, all else from a zone.
struct Dns(InMemory, Zone);

impl Resolver for Dns {
    async fn lookup(&self, question: &Question) -> Result<Answer, LookupError> {
        if question.name.labels().any(|label| label == b"_domainkey") {
            return self.0.lookup(question).await;
        }
        self.1.lookup(question).await
    }
}

const ZONE: &str = "\
    example.org TXT \"v=spf1 ip4:198.51.100.0/24 ip4:192.0.2.0/24 -all\"\n\
    mail.example.org TXT \"v=spf1 a -all\"\n\
    mail.example.org A 192.0.2.17\n\
    _dmarc.example.org TXT \"v=DMARC1; p=reject; rua=mailto:dmarc@example.org\"";

impl FrontDoor {
    pub(crate) fn new() -> Self {
        let signed = sign(Kind::Rsa2048, &Body::Prose.generate(10 << 10));
        let front_door = Self {
            authenticator: Authenticator::new("mx.example.net").unwrap(),
            envelope: Envelope::new([192, 0, 2, 17].into(), "mail.example.org", "bob@example.org"),
            message: signed.message,
            dns: Dns(signed.key, ZONE.parse().unwrap()),
        };
        let report = front_door.report();
        assert!(report.dmarc.spf_aligned && report.dmarc.dkim_aligned, "{}", report.dmarc);
        assert_eq!(front_door.evaluators(), report.dmarc);
        front_door
    }

    pub(crate) fn report(&self) -> Report {
        let Self { authenticator, envelope, message, dns } = self;
        block_on(authenticator.authenticate(dns, envelope, message, NOW))
    }

    /// The same by hand.
    pub(crate) fn evaluators(&self) -> dmarc::Verdict {
        let Self { envelope, message, dns, .. } = self;
        let query = spf::Query::new(envelope.ip.unwrap(), &envelope.helo, &envelope.mail_from);
        let spf = block_on(spf::check_host(&query, &spf::Options::default(), dns, NOW));
        let dkim = block_on(dkim::verify(message, &dkim::Options::default(), dns, NOW));
        let author = AuthorDomain::of(&Header::parse(message));
        let identifiers = Identifiers {
            spf: spf
                .mail_from
                .domain
                .clone()
                .map(|domain| SpfIdentifier { domain, result: IdentifierResult::Pass }),
            dkim: dkim.iter().filter_map(DkimIdentifier::of).collect(),
        };
        let candidates = dmarc::Candidates {
            spf: spf.mail_from.domain.clone(),
            dkim: dkim.iter().filter_map(|verdict| verdict.domain.clone()).collect(),
        };
        let options = dmarc::Options::default();
        block_on(dmarc::lookups(author, &candidates, &options, dns)).evaluate(&identifiers)
    }
}
