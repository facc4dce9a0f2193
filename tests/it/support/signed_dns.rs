//! The DNS as a validator sees it, on 127.0.0.1: a signed root, and zones below it of every sort.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use hickory_resolver::proto::dnssec::crypto::Ed25519SigningKey;
use hickory_resolver::proto::dnssec::rdata::sig::SigInput;
use hickory_resolver::proto::dnssec::rdata::{DNSKEY, DNSSECRData, DS, NSEC, RRSIG};
use hickory_resolver::proto::dnssec::{
    DigestType, DnssecSigner, PublicKeyBuf, SigningKey as _, TBS, TrustAnchors,
};
use hickory_resolver::proto::op::{Message, OpCode, Query, ResponseCode};
use hickory_resolver::proto::rr::rdata::{CNAME, NS, SOA, TXT};
use hickory_resolver::proto::rr::{DNSClass, Name, RData, Record, RecordType};

use super::dns_server::{DnsServer, Manners, OfZone};

/// What is wrong with a zone, if anything.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    Signed,
    /// Its parent says that it has no key.
    Unsigned,
    /// Its parent has a key for it, and its signatures are another's.
    Forged,
    /// Its parent has a key for it, and it has no signatures.
    Stripped,
}

struct Zone {
    apex: Name,
    sort: Sort,
    signer: DnssecSigner,
    /// By name and type, in the order of RFC 4034 section 6.1.
    records: BTreeMap<Name, BTreeMap<RecordType, Vec<RData>>>,
}

/// A root with these zones directly below it: each with the lines of its records, `NAME TXT TEXT` or
/// `NAME CNAME TARGET`.
pub(crate) struct SignedDns(Vec<Zone>);

impl SignedDns {
    pub(crate) fn new(zones: &[(&str, Sort, &str)]) -> Self {
        let mut root = Zone::new(Name::root(), Sort::Signed);
        let mut children = Vec::new();
        for (apex, sort, lines) in zones {
            let mut zone = Zone::new(name(apex), *sort);
            root.add(&zone.apex, RData::NS(NS(name("ns.example."))));
            if *sort != Sort::Unsigned {
                let ds = DS::from_key(&zone.key(), &zone.apex, DigestType::SHA256).unwrap();
                root.add(&zone.apex, RData::DNSSEC(DNSSECRData::DS(ds)));
            }
            for line in lines.lines() {
                let (owner, rest) = line.trim().split_once(' ').unwrap();
                zone.add(
                    &name(owner),
                    match rest.split_once(' ').unwrap() {
                        ("TXT", text) => RData::TXT(TXT::new(vec![text.to_owned()])),
                        ("CNAME", target) => RData::CNAME(CNAME(name(target))),
                        (other, _) => panic!("no {other} here"),
                    },
                );
            }
            children.push(zone);
        }
        children.push(root);
        Self(children)
    }

    pub(crate) fn anchors(&self) -> TrustAnchors {
        let mut anchors = TrustAnchors::empty();
        anchors.insert(&self.0.last().unwrap().key());
        anchors
    }

    /// Serves it; a question of type `broken` gets SERVFAIL.
    pub(crate) fn serve(self, broken: Option<RecordType>) -> DnsServer {
        let hook = move |packet: &[u8], _, _: OfZone<'_>| {
            let query = Message::from_vec(packet).ok()?;
            let asked = query.queries.first()?.clone();
            let mut answer = Message::response(query.id, OpCode::Query);
            answer.add_query(asked.clone());
            answer.metadata.recursion_available = true;
            if Some(asked.query_type()) == broken {
                answer.metadata.response_code = ResponseCode::ServFail;
            } else {
                self.answer(&asked, &mut answer);
            }
            Some(answer.to_vec().unwrap())
        };
        DnsServer::start_with("", Manners::default(), Box::new(hook))
    }

    fn answer(&self, asked: &Query, answer: &mut Message) {
        let record_type = asked.query_type();
        let mut owner = asked.name().clone();
        loop {
            // DS is the parent's.
            let is_here = |zone: &&Zone| {
                zone.apex.zone_of(&owner) && (record_type != RecordType::DS || zone.apex != owner)
            };
            let zone = self.0.iter().find(is_here).or_else(|| self.0.last()).unwrap();
            let types = zone.records.get(&owner);
            let of_type = |record_type| types.and_then(|types| types.get(&record_type));
            if of_type(record_type).is_some() {
                answer.add_answers(zone.signed(&owner, record_type));
                return;
            }
            if let Some([RData::CNAME(target)]) = of_type(RecordType::CNAME).map(Vec::as_slice) {
                answer.add_answers(zone.signed(&owner, RecordType::CNAME));
                owner = target.0.clone();
                continue;
            }
            answer.add_authorities(zone.signed(&zone.apex, RecordType::SOA));
            answer.add_authorities(zone.covering(&owner));
            let exists = zone.records.keys().any(|name| owner.zone_of(name));
            if !exists {
                answer.metadata.response_code = ResponseCode::NXDomain;
                // The names here are one label below their zone, and so is the wildcard.
                let wildcard = zone.apex.prepend_label("*").unwrap();
                answer.add_authorities(zone.covering(&wildcard));
            }
            return;
        }
    }
}

impl Zone {
    fn new(apex: Name, sort: Sort) -> Self {
        let der = Ed25519SigningKey::generate_pkcs8().unwrap();
        let key = Ed25519SigningKey::from_pkcs8(&der).unwrap();
        let dnskey = DNSKEY::from_key(&key.to_public_key().unwrap());
        let valid = Duration::from_secs(3600);
        let signer = DnssecSigner::new(dnskey.clone(), Box::new(key), apex.clone(), valid);
        let mut zone = Self { apex, sort, signer, records: BTreeMap::new() };
        let soa = SOA::new(zone.apex.clone(), zone.apex.clone(), 1, 60, 60, 60, 60);
        let apex = zone.apex.clone();
        zone.add(&apex, RData::SOA(soa));
        zone.add(&apex, RData::NS(NS(name("ns.example."))));
        zone.add(&apex, RData::DNSSEC(DNSSECRData::DNSKEY(dnskey)));
        zone
    }

    fn key(&self) -> PublicKeyBuf {
        self.signer.key().to_public_key().unwrap()
    }

    fn add(&mut self, owner: &Name, data: RData) {
        let types = self.records.entry(owner.clone()).or_default();
        types.entry(data.record_type()).or_default().push(data);
    }

    /// The records of a name and a type, with their signature.
    fn signed(&self, owner: &Name, record_type: RecordType) -> Vec<Record> {
        let data = &self.records[owner][&record_type];
        let records = data.iter().map(|data| Record::from_rdata(owner.clone(), 60, data.clone()));
        self.sign(owner, record_type, records.collect())
    }

    fn sign(&self, owner: &Name, record_type: RecordType, mut records: Vec<Record>) -> Vec<Record> {
        if matches!(self.sort, Sort::Unsigned | Sort::Stripped) {
            return records;
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let now = u32::try_from(now).unwrap();
        let input = SigInput {
            type_covered: record_type,
            algorithm: self.signer.key().algorithm(),
            num_labels: owner.num_labels(),
            original_ttl: 60,
            sig_expiration: (now + 3600).into(),
            sig_inception: (now - 3600).into(),
            key_tag: self.signer.calculate_key_tag().unwrap(),
            signer_name: self.apex.clone(),
        };
        let signed = TBS::from_input(owner, DNSClass::IN, &input, records.iter()).unwrap();
        let mut signature = self.signer.sign(&signed).unwrap();
        if self.sort == Sort::Forged && record_type != RecordType::DNSKEY {
            signature[0] ^= 1;
        }
        let rrsig = RData::DNSSEC(DNSSECRData::RRSIG(RRSIG::from_sig(input, signature)));
        records.push(Record::from_rdata(owner.clone(), 60, rrsig));
        records
    }

    /// The NSEC record at a name or before it, RFC 4034 section 4.
    fn covering(&self, name: &Name) -> Vec<Record> {
        if matches!(self.sort, Sort::Unsigned | Sort::Stripped) {
            return Vec::new();
        }
        let (owner, types) = self.records.range(..=name.clone()).next_back().unwrap();
        let behind = self.records.keys().find(|behind| *behind > owner).unwrap_or(&self.apex);
        let nsec = NSEC::new_cover_self(behind.clone(), types.keys().copied());
        let nsec = RData::DNSSEC(DNSSECRData::NSEC(nsec));
        let records = vec![Record::from_rdata(owner.clone(), 60, nsec)];
        self.sign(owner, RecordType::NSEC, records)
    }
}

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}
