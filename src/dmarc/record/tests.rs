use super::*;

fn problems(text: &str) -> Vec<String> {
    Record::problems(text.as_bytes()).iter().map(ToString::to_string).collect()
}

/// RFC 9989 sections 4.7 and 4.8: v= is first, its value exact, only its name in any case.
#[test]
fn the_version_makes_the_record() {
    for text in ["v=DMARC1", "v=DMARC1;", "V=DMARC1", "v \t= DMARC1 \t; p=none ; ", "v=DMARC1;;p"] {
        assert!(Record::parse(text.as_bytes()).is_ok(), "{text:?}");
    }
    for text in [
        "",
        "v=DMARC",
        "v=DMARC10; p=none",
        "v=dmarc1; p=none",
        "p=none; v=DMARC1",
        " v=DMARC1",
        "v=DMARC1 p=none",
        "v=DMARC1\0; p=none",
        "vv=DMARC1",
        "v",
        ";v=DMARC1",
        "v=spf1 -all",
    ] {
        assert!(Record::parse(text.as_bytes()).is_err(), "{text:?}");
        assert_eq!(problems(text), [""; 0]);
    }
}

#[test]
fn tags_have_their_values() {
    let text = b"v=DMARC1;T=y;p=Reject; sp=QUARANTINE;np=none;adkim=S;aspf=s;psd=Y;t=Y;fo=d:1:s;\
        rua=mailto:a@x,mailto:b@x!1k;ruf=https://y";
    let record = Record::parse(text).unwrap();
    assert_eq!(record.policy, PolicyRequest::Policy(Policy::Reject));
    assert_eq!(record.subdomain_policy, PolicyRequest::Policy(Policy::Quarantine));
    assert_eq!(record.non_existent_policy, PolicyRequest::Policy(Policy::None));
    assert_eq!(record.dkim_alignment, AlignmentMode::Strict);
    assert_eq!(record.spf_alignment, AlignmentMode::Strict);
    assert_eq!((record.psd, record.testing), (Psd::Yes, true));
    let printed = "v=DMARC1; p=reject; sp=quarantine; np=none; adkim=s; aspf=s; psd=y; t=y; \
        rua=mailto:a@x,mailto:b@x; ruf=https://y; fo=1:d:s";
    assert_eq!(record.to_string(), printed);
    assert_eq!(Record::parse(printed.as_bytes()), Ok(record));
}

/// RFC 9989 section 4.8: what is malformed has its default; the first of two tags counts.
#[test]
fn what_is_wrong_has_its_default() {
    let text = "v=DMARC1; x; p=nun; p=reject; adkim=x; t=yes; psd=; fo=0:1; rua=a; ruf=mailto:a@x; \
        pct=5; zz=1";
    let record = Record::parse(text.as_bytes()).unwrap();
    assert_eq!(record.to_string(), "v=DMARC1; p=?; ruf=mailto:a@x");
    assert_eq!(Record::parse(record.to_string().as_bytes()), Ok(record));
    assert_eq!(
        problems(text),
        [
            "found no '=' behind the tag name at offset 10",
            "found p=nun at offset 15, expected none, quarantine or reject",
            "tag p= stands a second time at offset 20",
            "found adkim=x at offset 36, expected r or s",
            "found t=yes at offset 41, expected y or n",
            "found psd= at offset 50, expected y, n or u",
            "found fo=0:1 at offset 55, expected 0 or 1, d and s with colons between them",
            "found \"a\" in rua= at offset 64, expected URIs such as mailto:user@example.com",
            "tag pct= at offset 83 was retired by RFC 9989",
            "tag zz= at offset 90 is unknown",
        ]
    );
    assert_eq!(problems("v=DMARC1; sp=none"), ["there is no p="]);
}

/// RFC 9989 section 4.7: fo= counts beside ruf= only.
#[test]
fn failure_options_need_a_destination() {
    let options =
        |text: &str| Record::parse(text.as_bytes()).unwrap().failure_options().to_string();
    assert_eq!(options("v=DMARC1; fo=1:d"), "0");
    assert_eq!(options("v=DMARC1; fo=s:1; ruf=mailto:a@x"), "1:s");
    assert_eq!(options("v=DMARC1; fo=d; ruf=mailto:a@x"), "d");
    for bad in ["", "2", "d:d", "0:1", "0:", "0 d"] {
        assert_eq!(options(&format!("v=DMARC1; fo={bad}; ruf=mailto:a@x")), "0", "{bad}");
    }
}

/// RFC 9989 section 4.10.1: which tag a policy is taken from, and what a bad one does to the record.
#[test]
fn policies_come_from_their_tags() {
    let policies = |text: &str| {
        let record = Record::parse(text.as_bytes()).unwrap();
        let show = |(policy, tag): (Policy, PolicyTag)| format!("{tag}={policy}");
        record.is_valid().then(|| {
            [
                record.policy_of_domain(),
                record.policy_of_subdomain(true),
                record.policy_of_subdomain(false),
            ]
            .map(show)
            .join(" ")
        })
    };
    let all = |policies: &str| Some(policies.to_owned());
    assert_eq!(policies("v=DMARC1; p=reject"), all("p=reject p=reject p=reject"));
    assert_eq!(policies("v=DMARC1; p=reject; sp=none"), all("p=reject sp=none sp=none"));
    assert_eq!(policies("v=DMARC1; p=none; np=reject"), all("p=none p=none np=reject"));
    assert_eq!(
        policies("v=DMARC1; p=none; sp=quarantine; np=reject"),
        all("p=none sp=quarantine np=reject")
    );
    for broken in ["sp=reject", "p=x", "p=reject; sp=x", "p=reject; np=x", ""] {
        assert_eq!(policies(&format!("v=DMARC1; {broken}")), None);
        assert_eq!(policies(&format!("v=DMARC1; {broken}; rua=x")), None);
        let reported = format!("v=DMARC1; {broken}; rua=x,mailto:a@x");
        assert_eq!(policies(&reported), all("p=none p=none p=none"));
    }
}

/// A usual record costs no allocation.
#[test]
fn reading_allocates_nothing() {
    let text =
        b"v=DMARC1; p=reject; sp=quarantine; adkim=s; rua=mailto:d@example.com,mailto:e@x; fo=1";
    let count = allocation_counter::measure(|| {
        let record = Record::parse(std::hint::black_box(text)).unwrap();
        std::hint::black_box(record.rua.iter().count());
    });
    assert_eq!(count.count_total, 0);
}

/// The short way gives the same as the long one.
#[test]
fn plain_records_read_the_same() {
    let parts = [
        "v=DMARC1",
        "V\t= DMARC1 ",
        "p=reject",
        " p =\tnone",
        "sp",
        "=",
        "fo=1",
        "ruf=x",
        "ruf=x:y",
    ];
    for a in parts {
        for b in parts {
            for c in parts {
                for text in
                    [format!("{a};{b};{c}"), format!("v=DMARC1;{a};{b};{c};"), format!("{a};;{b} ")]
                {
                    let long = Record::read(text.as_bytes(), &mut Problems(None));
                    assert_eq!(Record::parse(text.as_bytes()), long, "{text:?}");
                }
            }
        }
    }
}
