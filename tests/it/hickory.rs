//! `adapter::hickory` against a server on the loopback interface.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bonafide::adapter::hickory::Hickory;
use bonafide::dns::{Answer, LookupError, Name, Question, RecordData, RecordType, Resolver, Text};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;

use crate::support::dns_server::{
    DnsServer, Manners, OfZone, Query, Transport, encode_string, record,
};

const ZONE: &str = r#"
q.example          300 TXT "v=DK" "" "IM1\000\255"
q.example           60 TXT "other"
q.example              A 192.0.2.1
q.example              AAAA 2001:db8::1
q.example              MX 10 mx.q.example
null.example           MX 0 .
1.2.0.192.in-addr.arpa PTR q.example
_25._tcp.q.example     TLSA 3 1 1 00ff
a\032b.\047%:\255.example TXT "odd"
servfail.example   !SERVFAIL
refused.example    !REFUSED
silent.example     !TIMEOUT
"#;

fn name(dotted: &str) -> Name {
    Name::parse(dotted.as_bytes()).unwrap()
}

fn txt(dotted: &str) -> Question {
    Question::new(name(dotted), RecordType::Txt)
}

fn text(string: &str) -> RecordData {
    RecordData::Txt(Text::new([string]))
}

/// A resolver that gives up soon.
fn impatient(server: SocketAddr) -> Hickory {
    resolver(server, Duration::from_millis(200))
}

/// A resolver that gives up after a while, and does not ask again.
pub(crate) fn resolver(server: SocketAddr, timeout: Duration) -> Hickory {
    let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
    connections.iter_mut().for_each(|connection| connection.port = server.port());
    let server = NameServerConfig::new(server.ip(), true, connections);
    let config = ResolverConfig::from_parts(None, vec![], vec![server]);
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    builder.options_mut().timeout = timeout;
    builder.options_mut().attempts = 0;
    Hickory::from(builder.build().unwrap())
}

#[tokio::test]
async fn each_outcome_arrives_as_itself() {
    let server = DnsServer::start(ZONE, Manners::default());
    let resolver = Hickory::for_server(server.address()).unwrap();
    assert_eq!(resolver.lookup(&txt("missing.example")).await, Ok(Answer::nx_domain()));
    assert_eq!(resolver.lookup(&txt("mx.q.example")).await, Ok(Answer::nx_domain()));
    // An empty non-terminal and a name with other records.
    for nothing in ["_tcp.q.example", "null.example"] {
        assert_eq!(resolver.lookup(&txt(nothing)).await, Ok(Answer::no_data()));
    }
    assert_eq!(resolver.lookup(&txt("servfail.example")).await, Err(LookupError::ServFail));
    assert_eq!(resolver.lookup(&txt("refused.example")).await, Err(LookupError::Refused));
    assert_eq!(
        impatient(server.address()).lookup(&txt("silent.example")).await,
        Err(LookupError::Timeout)
    );
}

#[tokio::test]
async fn another_response_code_is_another_error() {
    let manners = Manners { not_implemented: true, ..Manners::default() };
    let server = DnsServer::start(ZONE, manners);
    let resolver = Hickory::for_server(server.address()).unwrap();
    let found = resolver.lookup(&txt("q.example")).await;
    assert!(matches!(found, Err(LookupError::Other(_))), "{found:?}");
}

/// Nobody could say: whatever the operating system reports, it is an error and no answer.
#[tokio::test]
async fn a_port_where_nobody_listens_is_an_error() {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let nobody = socket.local_addr().unwrap();
    drop(socket);
    let found = impatient(nobody).lookup(&txt("q.example")).await;
    assert!(matches!(found, Err(LookupError::Timeout | LookupError::Other(_))), "{found:?}");
}

/// RFC 1035 section 3.3.14: strings of any octets, which stay apart.
#[tokio::test]
async fn text_arrives_octet_by_octet() {
    let server = DnsServer::start(ZONE, Manners::default());
    let resolver = Hickory::for_server(server.address()).unwrap();
    let answer = resolver.lookup(&txt("q.example")).await.unwrap();
    let strings = Text::new([&b"v=DK"[..], b"", b"IM1\0\xff"]);
    assert_eq!(*answer.records, [RecordData::Txt(strings), text("other")]);
    assert_eq!(answer.ttl, 60);
    assert!(!answer.authentic);
}

#[tokio::test]
async fn every_record_type_arrives() {
    let server = DnsServer::start(ZONE, Manners::default());
    let resolver = Hickory::for_server(server.address()).unwrap();
    let mx = |preference, exchange| RecordData::Mx { preference, exchange };
    let tlsa = RecordData::Tlsa { usage: 3, selector: 1, matching: 1, data: [0, 255].into() };
    for (owner, data) in [
        ("q.example", RecordData::A([192, 0, 2, 1].into())),
        ("q.example", RecordData::Aaaa("2001:db8::1".parse().unwrap())),
        ("q.example", mx(10, name("mx.q.example"))),
        ("null.example", mx(0, Name::ROOT)),
        ("1.2.0.192.in-addr.arpa", RecordData::Ptr(name("q.example"))),
        ("_25._tcp.q.example", tlsa),
    ] {
        let question = Question::new(name(owner), data.record_type());
        assert_eq!(resolver.lookup(&question).await, Ok(Answer::found([data], 300)));
    }
}

/// RFC 7208 section 7: macros build names of any octets, and they reach the server unchanged.
#[tokio::test]
async fn a_name_of_odd_octets_reaches_the_server() {
    let server = DnsServer::start(ZONE, Manners::default());
    let resolver = Hickory::for_server(server.address()).unwrap();
    let odd = Name::from_labels([&b"a b"[..], b"/%:\xff", b"example"]).unwrap();
    let question = Question::new(odd, RecordType::Txt);
    assert_eq!(resolver.lookup(&question).await, Ok(Answer::found([text("odd")], 300)));
    assert_eq!(server.asked(), [(Transport::Udp, question)]);
}

/// RFC 1034 section 3.6.2: the answer is the target's; the CNAMEs are not among the records.
#[tokio::test]
async fn aliases_lead_to_the_records() {
    let alias = |owner, target| (name(owner), name(target));
    let manners = Manners {
        aliases: vec![
            alias("alias.example", "second.example"),
            alias("second.example", "q.example"),
            alias("dangling.example", "missing.example"),
            alias("empty.example", "null.example"),
        ],
        ..Manners::default()
    };
    let server = DnsServer::start(ZONE, manners);
    let resolver = Hickory::for_server(server.address()).unwrap();
    let answer = resolver.lookup(&txt("alias.example")).await.unwrap();
    assert_eq!(answer.records.len(), 2);
    assert_eq!(answer.texts().count(), 2);
    assert_eq!(answer.ttl, 30, "the ttl of the CNAMEs counts");
    assert_eq!(resolver.lookup(&txt("dangling.example")).await, Ok(Answer::nx_domain()));
    assert_eq!(resolver.lookup(&txt("empty.example")).await, Ok(Answer::no_data()));
}

/// A chain that does not end has no answer; one that does has, however it comes.
#[tokio::test]
async fn aliases_that_lead_nowhere_are_a_failure() {
    let link = |n: usize| (name(&format!("a{n}.example")), name(&format!("a{}.example", n + 1)));
    let mut aliases: Vec<_> = (0..12).map(link).collect();
    aliases.push((name("a12.example"), name("q.example")));
    aliases.extend([
        (name("loop.example"), name("pool.example")),
        (name("pool.example"), name("loop.example")),
        (name("self.example"), name("self.example")),
        (name("dangling.example"), name("missing.example")),
        (name("empty.example"), name("null.example")),
    ]);
    for one_alias_at_a_time in [false, true] {
        let manners =
            Manners { aliases: aliases.clone(), one_alias_at_a_time, ..Manners::default() };
        let server = DnsServer::start(ZONE, manners);
        let resolver = Hickory::for_server(server.address()).unwrap();
        for endless in ["loop.example", "self.example"] {
            let found = resolver.lookup(&txt(endless)).await;
            assert_eq!(found, Err(LookupError::ServFail), "{endless}");
        }
        assert_eq!(resolver.lookup(&txt("dangling.example")).await, Ok(Answer::nx_domain()));
        assert_eq!(resolver.lookup(&txt("empty.example")).await, Ok(Answer::no_data()));
        assert_eq!(resolver.lookup(&txt("a8.example")).await.unwrap().records.len(), 2);
        // Within one response the chain is the server's affair.
        let long = resolver.lookup(&txt("a0.example")).await.map(|answer| answer.records.len());
        let expected = if one_alias_at_a_time { Err(LookupError::ServFail) } else { Ok(2) };
        assert_eq!(long, expected);
    }
}

/// RFC 1035 section 7.3: what else stands in a response is no answer.
#[tokio::test]
async fn records_of_another_name_do_not_count() {
    let hook = |packet: &[u8], _, _: OfZone<'_>| {
        let query = Query::read(packet)?;
        let of = |owner: &Name, text: &[u8]| record(owner, 16, 60, &encode_string(text));
        let records = [of(&name("other.example"), b"theirs"), of(&query.name, b"ours")];
        Some(query.reply(0, &records, false))
    };
    let server = DnsServer::start_with("", Manners::default(), Box::new(hook));
    let resolver = Hickory::for_server(server.address()).unwrap();
    let answer = resolver.lookup(&txt("q.example")).await;
    assert_eq!(answer, Ok(Answer::found([text("ours")], 60)));
}

/// An answer that comes too late is a timeout; one packet that is lost is not.
#[tokio::test]
async fn late_and_lost_answers() {
    let count = AtomicUsize::new(0);
    let hook = move |_: &[u8], _, of_zone: OfZone<'_>| {
        // The first packet is lost.
        (count.fetch_add(1, Ordering::Relaxed) > 0).then(of_zone).flatten()
    };
    let server = DnsServer::start_with(ZONE, Manners::default(), Box::new(hook));
    let resolver = Hickory::for_server(server.address()).unwrap();
    assert_eq!(resolver.lookup(&txt("q.example")).await.unwrap().records.len(), 2);

    let hook = |_: &[u8], _, of_zone: OfZone<'_>| {
        std::thread::sleep(Duration::from_millis(600));
        of_zone()
    };
    let server = DnsServer::start_with(ZONE, Manners::default(), Box::new(hook));
    let found = impatient(server.address()).lookup(&txt("q.example")).await;
    assert_eq!(found, Err(LookupError::Timeout));
}

/// RFC 2181 section 9: a truncated answer is asked for again over TCP.
#[tokio::test]
async fn a_truncated_answer_comes_over_tcp() {
    let long = "x".repeat(3000);
    let zone = format!("long.example TXT \"{long}\"");
    let server = DnsServer::start(&zone, Manners::default());
    let resolver = Hickory::for_server(server.address()).unwrap();
    let answer = resolver.lookup(&txt("long.example")).await.unwrap();
    assert_eq!(answer.texts().next().unwrap().as_bytes(), long.as_bytes());
    let transports: Vec<_> = server.asked().iter().map(|(over, _)| *over).collect();
    assert_eq!(transports, [Transport::Udp, Transport::Tcp]);
}

#[tokio::test]
async fn a_packet_with_another_id_is_no_answer() {
    let manners = Manners { forged_ids_first: true, ..Manners::default() };
    let server = DnsServer::start(ZONE, manners);
    let resolver = Hickory::for_server(server.address()).unwrap();
    let answer = resolver.lookup(&txt("q.example")).await.unwrap();
    assert_eq!(answer.records.len(), 2);
}

/// RFC 6761 section 6, RFC 7686: some names are not the DNS's to answer.
#[tokio::test]
async fn names_of_special_use_never_reach_the_server() {
    let server = DnsServer::start(ZONE, Manners::default());
    let resolver = Hickory::for_server(server.address()).unwrap();
    for missing in ["a.invalid", "a.onion"] {
        assert_eq!(resolver.lookup(&txt(missing)).await, Ok(Answer::nx_domain()));
    }
    assert_eq!(resolver.lookup(&txt("a.localhost")).await, Ok(Answer::no_data()));
    assert_eq!(server.asked(), []);
}
