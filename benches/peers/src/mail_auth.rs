//! mail-auth on the inputs of the benchmarks.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail_auth::crypto::{Ed25519Key, RsaKey, Sha256};
use mail_auth::dkim::{Canonicalization, DkimSigner, DomainKey};
use mail_auth::dmarc::DmarcRecord;
use mail_auth::dmarc::verify::DmarcParameters;
use mail_auth::dns::TxtRecordParser as _;
use mail_auth::hickory_resolver::config::{ResolverConfig, ResolverOpts};
use mail_auth::hickory_resolver::proto::op::ResponseCode;
use mail_auth::spf::SpfRecord;
use mail_auth::spf::verify::SpfParameters;
use mail_auth::{
    AuthenticatedMessage, DkimOutput, DkimResult, DmarcResult, DnsCache, DnsError, Error,
    MessageAuthenticator, Mx, Negative, Parameters, RecordSet, ResolverCache, SpfOutput, SpfResult,
    TxtRecord,
};
use rustls_pki_types::PrivatePkcs8KeyDer;

use crate::records::{CLIENT, DMARC, HELO, MAIL_FROM, MESSAGE, SIGNER, WALK, borrowed, nested};
use crate::support::{ED25519_SEED, Kind, RSA_KEY, SIGNED, Signed};

type Answer<T> = Result<RecordSet<T>, Negative>;

struct Map<K, V>(HashMap<K, V>);

impl<K: Hash + Eq, V: Clone> ResolverCache<K, V> for Map<K, V> {
    fn get<Q>(&self, name: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.get(name).cloned()
    }

    fn remove<Q>(&self, _: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }

    fn insert(&self, _: K, _: V, _: Instant) {}
}

/// Records that are parsed already.
struct Caches {
    txt: Map<Box<str>, TxtRecord>,
}

impl DnsCache for Caches {
    type Txt = Map<Box<str>, TxtRecord>;
    type Mx = Map<Box<str>, Answer<Mx>>;
    type Ipv4 = Map<Box<str>, Answer<Ipv4Addr>>;
    type Ipv6 = Map<Box<str>, Answer<Ipv6Addr>>;
    type Ptr = Map<IpAddr, Answer<Box<str>>>;

    fn txt(&self) -> Option<&Self::Txt> {
        Some(&self.txt)
    }

    fn mx(&self) -> Option<&Self::Mx> {
        None
    }

    fn ipv4(&self) -> Option<&Self::Ipv4> {
        None
    }

    fn ipv6(&self) -> Option<&Self::Ipv6> {
        None
    }

    fn ptr(&self) -> Option<&Self::Ptr> {
        None
    }
}

/// What a verifier lives in.
pub(crate) struct Verifier {
    authenticator: MessageAuthenticator,
    caches: Caches,
}

impl Verifier {
    fn new<'n>(records: impl IntoIterator<Item = (&'n str, TxtRecord)>) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _guard = runtime.enter();
        let authenticator =
            MessageAuthenticator::new(ResolverConfig::default(), ResolverOpts::default()).unwrap();
        let records = records.into_iter().map(|(name, record)| (format!("{name}.").into(), record));
        Self { authenticator, caches: Caches { txt: Map(records.collect()) } }
    }

    /// With the key of a message.
    pub(crate) fn with_key(signed: &Signed) -> Self {
        let text = signed.key.0.texts().next().unwrap().as_bytes().to_vec();
        Self::new([("2026._domainkey.example.org", TxtRecord::from(DomainKey::parse(&text)))])
    }

    pub(crate) fn with_nested_includes() -> Self {
        let texts = nested();
        let read = |text: &str| TxtRecord::from(SpfRecord::parse(text.as_bytes()));
        Self::new(borrowed(&texts).map(|(name, text)| (name, read(text))))
    }

    pub(crate) fn with_policy() -> Self {
        let not_found =
            TxtRecord::Error(Error::Dns(DnsError::RecordNotFound(ResponseCode::NXDomain)));
        let found = TxtRecord::from(DmarcRecord::parse(DMARC.as_bytes()));
        Self::new(WALK.into_iter().zip([not_found.clone(), found, not_found]))
    }

    pub(crate) fn dkim(&self, message: &[u8]) {
        let message = AuthenticatedMessage::parse(message).unwrap();
        let parameters = Parameters::new(&message).with_cache(&self.caches);
        let outputs = ready(self.authenticator.verify_dkim(parameters));
        assert!(outputs.iter().all(|output| output.result() == &DkimResult::Pass));
    }

    pub(crate) fn spf(&self) {
        let session = SpfParameters::mail_from(CLIENT.into(), HELO, "mx.example.net", MAIL_FROM);
        let parameters = Parameters::new(session).with_cache(&self.caches);
        let output = ready(self.authenticator.check_host(parameters));
        assert_eq!(output.result(), SpfResult::Pass);
    }

    /// Evaluates the policy of the message that [`Signature`] is of.
    pub(crate) fn dmarc(&self, Signature { message, signature, spf }: &Signature) {
        let dkim = [DkimOutput::from(DkimResult::Pass).with_signature(signature)];
        let input = DmarcParameters::new(message, &dkim, "", spf);
        let parameters = Parameters::new(input).with_cache(&self.caches);
        let output = ready(self.authenticator.verify_dmarc(parameters));
        assert_eq!(output.dkim_result(), &DmarcResult::Pass);
    }
}

fn ready<T>(future: impl Future<Output = T>) -> T {
    let Poll::Ready(output) = pin!(future).poll(&mut Context::from_waker(Waker::noop())) else {
        unreachable!("the answer is in memory");
    };
    output
}

/// What DMARC starts from: a message, and a signature of it that passed.
pub(crate) struct Signature {
    message: AuthenticatedMessage<'static>,
    signature: mail_auth::dkim::Signature,
    spf: SpfOutput,
}

impl Signature {
    pub(crate) fn new() -> Self {
        let message = AuthenticatedMessage::parse(MESSAGE.as_bytes()).unwrap();
        let d = SIGNER.to_owned();
        let signature = mail_auth::dkim::Signature { d, ..mail_auth::dkim::Signature::default() };
        Self { message, signature, spf: SpfOutput::new(String::new()) }
    }
}

pub(crate) fn parse_spf(text: &str) -> mail_auth::Result<SpfRecord> {
    SpfRecord::parse(text.as_bytes())
}

pub(crate) fn parse_dmarc(text: &str) -> mail_auth::Result<DmarcRecord> {
    DmarcRecord::parse(text.as_bytes())
}

/// From a message to its signature field.
pub(crate) type Signer = Box<dyn Fn(&[u8]) -> String>;

pub(crate) fn signer(kind: Kind) -> Signer {
    use mail_auth::headers::HeaderWriter as _;

    let relaxed = Canonicalization::Relaxed;
    macro_rules! signer {
        ($key:expr) => {{
            let signer = DkimSigner::from_key($key)
                .domain("example.org")
                .selector("2026")
                .headers(SIGNED)
                .header_canonicalization(relaxed)
                .body_canonicalization(relaxed);
            Box::new(move |message: &[u8]| signer.sign(message).unwrap().to_header())
        }};
    }
    match kind {
        Kind::Ed25519 => {
            let seed = STANDARD.decode(ED25519_SEED).unwrap();
            let array = seed.as_slice().try_into().unwrap();
            let public = ed25519_dalek::SigningKey::from_bytes(array).verifying_key();
            signer!(Ed25519Key::from_seed_and_public_key(&seed, public.as_bytes()).unwrap())
        }
        Kind::Rsa2048 => {
            let lines: String = RSA_KEY.lines().filter(|line| !line.starts_with('-')).collect();
            let der = PrivatePkcs8KeyDer::from(STANDARD.decode(lines).unwrap());
            signer!(RsaKey::<Sha256>::from_key_der(der.into()).unwrap())
        }
    }
}
