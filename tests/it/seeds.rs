//! The seeds of the fuzz targets: every law holds for every seed, together they reach every result,
//! and each law refuses a wrong answer.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bonafide::authentication_results::{AuthenticationResults, ParseError};
use bonafide::dkim::{Cause, DkimResult, KeyRecord, Options, Signature, Verdict};
use bonafide::dmarc;
use bonafide::dns::{Answer, Name, Question, RecordData, RecordType, Resolver, Zone};
use bonafide::message::{AuthorDomain, Header};
use bonafide::tag_list::Tags;
use bonafide::{Domain, UnixTime, block_on};

use crate::support::project;

#[path = "../../fuzz/src/laws/mod.rs"]
#[allow(unreachable_pub, reason = "the laws are a library for the fuzz targets")]
pub(crate) mod laws;

#[cfg(feature = "arc")]
mod chains;
mod dns;
mod front_door;
mod identity;
#[cfg(feature = "arc")]
mod sealing;
mod sender;
mod signing;
mod transport;
mod verification;

type Law = fn(&[u8]);

const TARGETS: &[(&str, Law)] = &[
    #[cfg(feature = "arc")]
    ("arc_chain", laws::arc_chain::holds),
    #[cfg(feature = "arc")]
    ("arc_sets", laws::arc_sets::holds),
    ("authentication_results", laws::authentication_results::holds),
    ("author", laws::author::holds),
    ("body_chunks", laws::body_chunks::holds),
    ("canonicalization", laws::canonicalization::holds),
    ("dmarc_record", laws::dmarc_record::holds),
    ("domain", laws::domain::holds),
    ("front_door", laws::front_door::holds),
    ("header_block", laws::header_block::holds),
    ("key_record", laws::key_record::holds),
    ("mta_sts_matching", laws::mta_sts_matching::holds),
    ("mta_sts_policy", laws::mta_sts_policy::holds),
    ("mta_sts_record", laws::mta_sts_record::holds),
    ("private_key", laws::private_key::holds),
    #[cfg(feature = "arc")]
    ("seal", laws::seal::holds),
    ("sign", laws::sign::holds),
    ("results_written", laws::results_written::holds),
    ("signature", laws::signature::holds),
    ("spf_check", laws::spf_check::holds),
    ("spf_macros", laws::spf_macros::holds),
    ("spf_record", laws::spf_record::holds),
    ("tag_list", laws::tag_list::holds),
    ("tls_rpt_record", laws::tls_rpt_record::holds),
    ("verify", laws::verify::holds),
    #[cfg(feature = "wire")]
    ("wire", laws::wire::holds),
    ("zone", laws::zone::holds),
];

/// The seeds of a target: file name and octets.
fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = project("fuzz/seeds").join(target);
    let mut seeds: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect();
    seeds.sort();
    seeds
}

/// The names in a folder of `fuzz`, without what a name ends in.
fn names(folder: &str, end: &str) -> BTreeSet<String> {
    fs::read_dir(project(folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| name.strip_suffix(end).expect("nothing else lies there").to_owned())
        .collect()
}

#[test]
fn every_target_has_seeds() {
    let targets = names("fuzz/fuzz_targets", ".rs");
    assert_eq!(targets, names("fuzz/seeds", ""));
    let mut tested: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    // Compiled only with their features.
    tested.extend(["arc_chain", "arc_sets", "seal", "wire"].map(str::to_owned));
    assert_eq!(targets, tested);
    for target in targets {
        let seeds = seeds(&target);
        assert!(seeds.len() >= 10, "{target} has only {} seeds", seeds.len());
        for (name, octets) in seeds {
            assert!(octets.len() < 2048, "{target}/{name} is too long");
        }
    }
}

#[test]
fn every_law_holds_for_its_seeds() {
    let mut broken = Vec::new();
    for (target, law) in TARGETS {
        for (name, octets) in seeds(target) {
            if catch_unwind(|| law(&octets)).is_err() {
                broken.push(format!("{target}/{name}"));
            }
        }
    }
    assert!(broken.is_empty(), "the law is broken by {broken:?}");
}

/// The variants in a value's `Debug` text, as deep as they hold nothing but another:
/// `Key(Encoding(Der { .. }))` gives `Key`, `Key Encoding` and `Key Encoding Der`.
fn variants(value: &impl Debug) -> Vec<String> {
    let text = format!("{value:?}");
    let is_name = |part: &&str| part.chars().all(char::is_alphanumeric) && !part.is_empty();
    let path = text.split([' ', '{']).next().unwrap_or_default();
    let names: Vec<_> = path.split(['(', ')']).take_while(is_name).collect();
    (1..=names.len()).map(|depth| names[..depth].join(" ")).collect()
}

/// The variants of a public enum, from its source: a new one needs a seed. Where several rooms have
/// an enum of that name, the room stands before it: `spf::Cause`.
fn variants_of(name: &str) -> Vec<String> {
    let (room, name) = name.rsplit_once("::").unwrap_or(("", name));
    let starts = [format!("pub enum {name} {{\n"), format!("pub enum {name}<'a> {{\n")];
    let mut paths = vec![project("src").join(room)];
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            paths.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = fs::read_to_string(path).unwrap();
        let Some((_, text)) = starts.iter().find_map(|start| text.split_once(start)) else {
            continue;
        };
        let text = text.split("\n}\n").next().unwrap();
        let lines = text.lines().filter_map(|line| line.strip_prefix("    "));
        let variants = lines.filter(|line| line.starts_with(|first: char| first.is_uppercase()));
        return variants.map(|line| leading_word(line).to_owned()).collect();
    }
    panic!("there is no enum {name}");
}

fn leading_word(line: &str) -> &str {
    line.split(|octet: char| !octet.is_alphanumeric()).next().unwrap_or_default()
}

#[track_caller]
fn assert_reached(found: &BTreeSet<String>, expected: &[&str]) {
    let missing: Vec<_> = expected.iter().filter(|name| !found.contains(**name)).collect();
    assert!(missing.is_empty(), "no seed reaches {missing:?}");
}

/// That every variant of an enum is reached, inside of others or not, `except` those that cannot be.
#[track_caller]
fn assert_all_reached(found: &BTreeSet<String>, name: &str, inside: &str, except: &[&str]) {
    let variants = variants_of(name);
    assert!(variants.len() >= 3 && except.iter().all(|name| variants.iter().any(|v| v == name)));
    let expected = variants.iter().filter(|variant| !except.contains(&variant.as_str()));
    let expected: Vec<_> = expected.map(|variant| format!("{inside} {variant}")).collect();
    let expected: Vec<_> = expected.iter().map(|path| path.trim_start()).collect();
    assert_reached(found, &expected);
}

/// What the seeds of a target reach.
fn reached(target: &str, mut outcomes: impl FnMut(&[u8]) -> Vec<String>) -> BTreeSet<String> {
    seeds(target).iter().flat_map(|(_, octets)| outcomes(octets)).collect()
}

#[test]
fn tag_list_seeds_reach_every_error() {
    let found = reached("tag_list", |list| {
        let outcome = |tag| match tag {
            Ok(bonafide::tag_list::Tag { is_duplicate, .. }) => match is_duplicate {
                true => vec!["duplicate".to_owned()],
                false => vec!["tag".to_owned()],
            },
            Err(error) => variants(&error),
        };
        Tags::new(list).flat_map(outcome).collect()
    });
    assert_reached(&found, &["duplicate", "tag"]);
    assert_all_reached(&found, "TagListError", "", &[]);
}

#[test]
fn header_block_seeds_reach_every_shape() {
    let found = reached("header_block", |message| {
        let header = Header::parse(message);
        let block = header.as_bytes();
        let any = |shape: fn(&[u8]) -> bool| header.fields().any(|field| shape(field.as_bytes()));
        let contains = |part: &[u8]| block.windows(part.len()).any(|octets| octets == part);
        let shapes = [
            ("bare line end", contains(b"1\n") || contains(b"1\r\r")),
            ("blank before the colon", contains(b" :") || contains(b"\t:")),
            ("body", !header.body().is_empty()),
            ("folded", contains(b"\r\n ") && contains(b"\r\n\t")),
            ("no body", header.body().is_empty() && message.ends_with(b"\r\n\r\n")),
            ("no colon", any(|field| !field.contains(&b':'))),
            ("no empty line", block.len() == message.len() && !block.is_empty()),
            ("no field", header.fields().len() == 0 && !message.is_empty()),
            ("no final line end", !block.is_empty() && !block.ends_with(b"\r\n")),
            ("no name", any(|field| field.starts_with(b":"))),
            ("nothing", message.is_empty()),
            ("white space first", message.starts_with(b" ")),
        ];
        let shapes = shapes.into_iter().filter(|(_, is_so)| *is_so);
        shapes.map(|(shape, _)| shape.to_owned()).collect()
    });
    let expected = [
        "bare line end",
        "blank before the colon",
        "body",
        "folded",
        "no body",
        "no colon",
        "no empty line",
        "no field",
        "no final line end",
        "no name",
        "nothing",
        "white space first",
    ];
    assert_reached(&found, &expected);
}

#[test]
fn signature_seeds_reach_every_error_and_every_tag() {
    let found = reached("signature", |value| match Signature::parse(value) {
        Ok(signature) => {
            let tags = [
                ("i=", signature.identity.is_some()),
                ("l=", signature.body_length.is_some()),
                ("t=", signature.timestamp.is_some()),
                ("x=", signature.expiration.is_some()),
                ("z=", signature.copied_fields.is_some()),
                ("none", signature.identity.is_none()),
            ];
            let tags = tags.into_iter().filter(|(_, is_there)| *is_there);
            let mut found: Vec<_> = tags.map(|(tag, _)| tag.to_owned()).collect();
            found.extend(variants(&signature.algorithm));
            found.push(format!("header {}", signature.header_canonicalization));
            found.push(format!("body {}", signature.body_canonicalization));
            found
        }
        Err(error) => variants(&error),
    });
    assert_all_reached(&found, "SignatureError", "", &[]);
    assert_all_reached(&found, "TagListError", "TagList", &[]);
    let tags = ["i=", "l=", "t=", "x=", "z=", "none", "Ed25519Sha256", "RsaSha256"];
    assert_reached(&found, &tags);
    let forms = ["header simple", "header relaxed", "body simple", "body relaxed"];
    assert_reached(&found, &forms);
}

#[test]
fn key_record_seeds_reach_every_error_and_every_tag() {
    let found = reached("key_record", |text| match KeyRecord::parse(text) {
        Ok(record) => {
            let tags = [
                ("h=", record.hashes.is_some()),
                ("n=", record.notes.is_some()),
                ("s=", record.services.is_some()),
                ("t=s", record.strict),
                ("t=y", record.testing),
                ("no hash", !record.allows_hash("sha256")),
                ("no mail", !record.is_for_email()),
                ("revoked", record.is_revoked()),
            ];
            let tags = tags.into_iter().filter(|(_, is_there)| *is_there);
            let mut found: Vec<_> = tags.map(|(tag, _)| tag.to_owned()).collect();
            found.extend(variants(&record.key_type));
            found
        }
        Err(error) => variants(&error),
    });
    let tags = ["h=", "n=", "s=", "t=s", "t=y", "no hash", "no mail", "revoked", "Ed25519", "Rsa"];
    assert_reached(&found, &tags);
    // How long a record may be, the verifier says.
    assert_all_reached(&found, "KeyRecordError", "", &["TooLong"]);
    assert_all_reached(&found, "TagListError", "TagList", &[]);
}

/// Fails unless a law refuses a wrong answer.
#[track_caller]
fn assert_refused(law: impl FnOnce()) {
    assert!(catch_unwind(AssertUnwindSafe(law)).is_err(), "the law holds for a wrong answer");
}

/// RFC 6376 section 3.4.5: what the laws compare with is itself right.
#[test]
fn the_naive_forms_are_those_of_the_rfc() {
    use laws::naive;
    assert_eq!(naive::relaxed_field(b"A: X\r\n"), b"a:X\r\n");
    assert_eq!(naive::relaxed_field(b"B : Y\t\r\n\tZ  \r\n"), b"b:Y Z\r\n");
    let body = b" C \r\nD \t E\r\n\r\n\r\n";
    assert_eq!(naive::relaxed_body(body), b" C\r\nD E\r\n");
    assert_eq!(naive::simple_body(body), b" C \r\nD \t E\r\n");
    assert_eq!((naive::simple_body(b""), naive::relaxed_body(b"")), (b"\r\n".to_vec(), vec![]));
    let (fields, body) = naive::message(b"A: 1\r\n 2\r\nB: 3\r\n\r\nC\r\n\r\n");
    assert_eq!(fields, [&b"A: 1\r\n 2\r\n"[..], b"B: 3\r\n"]);
    assert_eq!(body, b"C\r\n\r\n");
    let specs = naive::tag_specs(b"a = 1 ; 2=; b=\r\n x;\r\n ");
    assert_eq!(specs, [Some((&b"a"[..], &b"1"[..])), None, Some((b"b", b"x"))]);
}

#[test]
fn the_laws_of_parsers_refuse_wrong_answers() {
    let list = b"a=1; b=2";
    let tags: Vec<_> = Tags::new(list).map(Result::unwrap).collect();
    laws::tag_list::check_printed(&tags, list);
    assert_refused(|| laws::tag_list::check_printed(&tags, b"a=1; b=3"));
    assert_refused(|| laws::tag_list::check_printed(&tags, b"a=1"));
    let mut moved = tags[1].clone();
    moved.value_offset -= 1;
    assert_refused(|| laws::tag_list::check_tag(list, &moved));
    let mut wider = tags[0].clone();
    wider.span.end += 1;
    assert_refused(|| laws::tag_list::check_tag(list, &wider));
    let error = Tags::new(b"1=").next().unwrap().unwrap_err();
    laws::tag_list::check_error(b"1=", error);
    assert_refused(|| laws::tag_list::check_error(b"a=", error));

    let (message, field) = (b"A: 1\r\n\r\nbody", &b"A: 1\r\n"[..]);
    laws::header_block::check_whole(message, &[field], b"body");
    assert_refused(|| laws::header_block::check_whole(message, &[field], b"ody"));
    assert_refused(|| laws::header_block::check_whole(message, &[b"A: 1"], b"body"));

    let tags = "v=1; a=rsa-sha256; d=example.com; s=s; h=from; b=AAAA; \
                bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let signature = Signature::parse(tags.as_bytes()).unwrap();
    laws::signature::check_printed(&signature, &signature.to_string());
    let other = signature.to_string().replace("s=s", "s=other");
    assert_refused(|| laws::signature::check_printed(&signature, &other));
    // The same signature in another order is not what is printed.
    assert_refused(|| laws::signature::check_printed(&signature, tags));
    let mut wrong = signature.clone();
    wrong.domain = Domain::parse(b"localhost").unwrap();
    assert_refused(|| laws::signature::check_signature(&wrong));
    let mut wrong = signature.clone();
    (wrong.timestamp, wrong.expiration) = (Some(UnixTime(2)), Some(UnixTime(1)));
    assert_refused(|| laws::signature::check_signature(&wrong));
    assert_refused(|| laws::signature::check_tags(b"v=1; v=1"));
    assert_refused(|| laws::signature::check_result(DkimResult::Pass, false));
    assert_refused(|| laws::signature::check_result(DkimResult::PermError, true));

    let record = KeyRecord::parse(b"v=DKIM1; k=rsa; p=AAAA").unwrap();
    laws::key_record::check_printed(&record, &record.to_string());
    assert_refused(|| laws::key_record::check_printed(&record, "v=DKIM1; k=rsa; p=AAAB"));
    assert_refused(|| laws::key_record::check_tags(b"p=AAAA; v=DKIM1"));

    let text = b"v=DMARC1; p=none; x=y";
    let record = dmarc::Record::parse(text).unwrap();
    laws::dmarc_record::check_printed(&record, &record.to_string());
    assert_refused(|| laws::dmarc_record::check_printed(&record, "v=DMARC1; p=reject"));
    assert_refused(|| laws::dmarc_record::check_tags(&[Some((b"p", b"reject"))], &record));
    let problem = dmarc::Record::problems(text).pop().unwrap();
    laws::dmarc_record::check_problem(text, &problem);
    assert_refused(|| laws::dmarc_record::check_problem(b"v=DMARC1; p=none;  x=y", &problem));

    let header = Header::parse(b"From: a@x.example\r\n");
    let author = AuthorDomain::of(&header).unwrap();
    laws::author::check_author(&header, &author);
    let other = Header::parse(b"From: a@y.example\r\n");
    assert_refused(|| laws::author::check_author(&other, &author));
    let error = AuthorDomain::of(&Header::parse(b"From: a\0\r\n")).unwrap_err();
    assert_refused(|| laws::author::check_error(&header, &error));

    let results = AuthenticationResults::parse(b"a; b=c").unwrap();
    laws::authentication_results::check_written(&results, &results.to_field());
    let written = results.to_field();
    for wrong in [
        written.replace("a;", "b;"),
        written.replace("\r\n\t", "\n\t"),
        written.replace("b=c", "b=\r\nc"),
    ] {
        assert_refused(|| laws::authentication_results::check_written(&results, &wrong));
    }
    let error = AuthenticationResults::parse(b"a;\r").unwrap_err();
    assert_refused(|| laws::authentication_results::check_error(b"a; b", &error));

    for wrong in ["", "Example", "a..b", "-a", "a-", "a.b.", "a b", &"a".repeat(64)] {
        assert_refused(|| laws::domain::check_text(wrong));
    }
    assert_refused(|| laws::canonicalization::check(b"a\r\n", b"a \r\n"));
    assert_refused(|| laws::check_message(""));
    assert_refused(|| laws::check_message(&"a".repeat(1024)));
}
