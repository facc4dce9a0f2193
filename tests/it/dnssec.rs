//! DNSSEC through `adapter::hickory`: validated here, or by a server that is trusted.

use std::sync::Arc;

use bonafide::adapter::hickory::{Dnssec, Hickory};
use bonafide::dmarc::DmarcResult;
use bonafide::dns::{Answer, LookupError, Name, Question, RecordType, Resolver};
use bonafide::{Authenticator, Envelope, UnixTime};
use hickory_resolver::proto::dnssec::TrustAnchors;
use hickory_resolver::proto::rr;

use crate::support::dns_server::{DnsServer, Manners};
use crate::support::signed_dns::{SignedDns, Sort};

const RECORDS: &str =
    "b.ZONE TXT text\nalias.ZONE CNAME b.ZONE\n_dmarc.ZONE TXT v=DMARC1; p=reject";

fn world() -> SignedDns {
    let zone = |name: &str| RECORDS.replace("ZONE", name);
    let [signed, plain, forged, stripped] = ["signed.", "plain.", "forged.", "stripped."].map(zone);
    SignedDns::new(&[
        ("signed.", Sort::Signed, &format!("{signed}\nout.signed. CNAME b.plain.")),
        ("plain.", Sort::Unsigned, &format!("{plain}\nin.plain. CNAME b.signed.")),
        ("forged.", Sort::Forged, &forged),
        ("stripped.", Sort::Stripped, &stripped),
    ])
}

/// A resolver that validates, and the server that it asks.
fn validating(broken: Option<rr::RecordType>) -> (Hickory, DnsServer) {
    let world = world();
    let dnssec = Dnssec::Validate(Arc::new(world.anchors()));
    let server = world.serve(broken);
    (Hickory::for_server_with(server.address(), dnssec).unwrap(), server)
}

fn question(name: &str, record_type: RecordType) -> Question {
    Question::new(Name::parse(name.as_bytes()).unwrap(), record_type)
}

fn txt(name: &str) -> Question {
    question(name, RecordType::Txt)
}

/// RFC 4035 section 4.3: secure.
#[tokio::test]
async fn answers_of_a_signed_zone_are_authentic() {
    let (resolver, _server) = validating(None);
    // The second time they come from the cache.
    for name in ["b.signed", "alias.signed", "b.signed", "alias.signed"] {
        let answer = resolver.lookup(&txt(name)).await.unwrap();
        assert!(answer.authentic && answer.texts().count() == 1, "{name}: {answer:?}");
    }
    assert_eq!(resolver.lookup(&txt("missing.signed")).await, Ok(Answer::nx_domain()));
    let nothing = resolver.lookup(&question("b.signed", RecordType::Mx)).await;
    assert_eq!(nothing, Ok(Answer::no_data()));
}

/// RFC 4035 section 4.3: insecure, which the parent proves.
#[tokio::test]
async fn answers_of_an_unsigned_zone_are_answers() {
    let (resolver, _server) = validating(None);
    for name in ["b.plain", "alias.plain", "out.signed", "in.plain"] {
        let answer = resolver.lookup(&txt(name)).await.unwrap();
        assert!(!answer.authentic && answer.texts().count() == 1, "{name}: {answer:?}");
    }
    assert_eq!(resolver.lookup(&txt("missing.plain")).await, Ok(Answer::nx_domain()));
    let nothing = resolver.lookup(&question("b.plain", RecordType::Mx)).await;
    assert_eq!(nothing, Ok(Answer::no_data()));
}

/// RFC 4035 section 4.3: bogus, whatever the answer says.
#[tokio::test]
async fn a_forged_zone_is_bogus() {
    let (resolver, _server) = validating(None);
    for zone in ["forged", "stripped"] {
        for name in ["b", "alias", "missing"] {
            let found = resolver.lookup(&txt(&format!("{name}.{zone}"))).await;
            assert_eq!(found, Err(LookupError::Bogus), "{name}.{zone}");
        }
        let nothing = resolver.lookup(&question(&format!("b.{zone}"), RecordType::Mx)).await;
        assert_eq!(nothing, Err(LookupError::Bogus), "{zone}");
    }
}

/// Whoever keeps keys from the validator must not get an answer through by it.
#[tokio::test]
async fn a_signed_answer_without_its_keys_is_no_answer() {
    for broken in [rr::RecordType::DNSKEY, rr::RecordType::DS] {
        let (resolver, _server) = validating(Some(broken));
        let found = resolver.lookup(&txt("b.signed")).await;
        assert_eq!(found, Err(LookupError::Bogus), "without {broken}");
    }
}

/// Nothing is below these anchors.
#[tokio::test]
async fn what_no_anchor_covers_is_bogus() {
    let server = world().serve(None);
    let dnssec = Dnssec::Validate(Arc::new(TrustAnchors::empty()));
    let resolver = Hickory::for_server_with(server.address(), dnssec).unwrap();
    for name in ["b.signed", "b.plain", "missing.plain"] {
        assert_eq!(resolver.lookup(&txt(name)).await, Err(LookupError::Bogus), "{name}");
    }
}

/// Without validation the same zones are answers, and none is authentic.
#[tokio::test]
async fn nobody_validates_unasked() {
    let server = world().serve(None);
    let resolver = Hickory::for_server(server.address()).unwrap();
    for name in ["b.signed", "b.plain", "b.forged", "b.stripped"] {
        let answer = resolver.lookup(&txt(name)).await.unwrap();
        assert!(!answer.authentic && answer.texts().count() == 1, "{name}");
    }
}

/// RFC 9989 section 4.10: what nobody could say is a temperror; a forged record decides nothing.
#[tokio::test]
async fn the_report_says_whether_the_record_was_authentic() {
    let (resolver, _server) = validating(None);
    for (zone, result, authentic) in [
        ("signed", DmarcResult::Fail, true),
        ("plain", DmarcResult::Fail, false),
        ("forged", DmarcResult::TempError, false),
        ("stripped", DmarcResult::TempError, false),
    ] {
        let envelope = Envelope::unknown();
        let message = format!("From: a@{zone}\r\n\r\n");
        let authenticator = Authenticator::new("mx.receiver.example").unwrap();
        let report = authenticator.authenticate(
            &resolver,
            &envelope,
            message.as_bytes(),
            UnixTime(1_795_478_400),
        );
        let dmarc = report.await.dmarc;
        assert_eq!((dmarc.result, dmarc.authentic), (result, authentic), "{dmarc}");
    }
}

/// A server that validates: it sets the AD bit where a client asks for it (RFC 6840 section 5.8), or, as
/// it must not, always.
pub(crate) fn trusted(always: bool, manners: Manners) -> DnsServer {
    let zone = "b.example TXT \"v=spf1 -all\"";
    let hook = move |packet: &[u8], _, of_zone: &dyn Fn() -> Option<Vec<u8>>| {
        let mut answer = of_zone()?;
        if always || packet[3] & 0x20 != 0 {
            answer[3] |= 0x20;
        }
        Some(answer)
    };
    DnsServer::start_with(zone, manners, Box::new(hook))
}

/// RFC 6840 section 5.7: a query with AD asks for AD.
#[tokio::test]
async fn a_trusted_server_is_asked_and_believed() {
    let lookup = async |dnssec, server: &DnsServer| {
        let resolver = Hickory::for_server_with(server.address(), dnssec).unwrap();
        let first = resolver.lookup(&txt("b.example")).await.unwrap();
        // The second time it comes from the cache.
        assert_eq!(resolver.lookup(&txt("b.example")).await.unwrap().authentic, first.authentic);
        first.authentic
    };
    let truncating = Manners { truncate: true, ..Manners::default() };
    for manners in [Manners::default(), truncating] {
        let server = trusted(false, manners);
        assert!(lookup(Dnssec::TrustServer, &server).await);
        assert!(!lookup(Dnssec::Unused, &server).await);
    }
    assert!(!lookup(Dnssec::Unused, &trusted(true, Manners::default())).await);
    let silent = DnsServer::start("b.example TXT \"text\"", Manners::default());
    assert!(!lookup(Dnssec::TrustServer, &silent).await);
}

/// RFC 4035 section 3.2.3: the bit is about one response, whole.
#[tokio::test]
async fn a_chain_of_aliases_is_authentic_only_in_one_response() {
    let name = |dotted: &str| Name::parse(dotted.as_bytes()).unwrap();
    for one_alias_at_a_time in [false, true] {
        let aliases = vec![(name("a.example"), name("b.example"))];
        let manners = Manners { aliases, one_alias_at_a_time, ..Manners::default() };
        let server = trusted(false, manners);
        let resolver = Hickory::for_server_with(server.address(), Dnssec::TrustServer).unwrap();
        for _ in 0..2 {
            let answer = resolver.lookup(&txt("a.example")).await.unwrap();
            assert_eq!(answer.texts().count(), 1);
            assert_eq!(answer.authentic, !one_alias_at_a_time);
        }
    }
}
