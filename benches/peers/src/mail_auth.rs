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
use mail_auth::dns::TxtRecordParser as _;
use mail_auth::hickory_resolver::config::{ResolverConfig, ResolverOpts};
use mail_auth::{
    AuthenticatedMessage, DkimResult, DnsCache, MessageAuthenticator, Mx, Negative, Parameters,
    RecordSet, ResolverCache, TxtRecord,
};
use rustls_pki_types::PrivatePkcs8KeyDer;

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

pub(crate) struct Verifier<'s> {
    authenticator: MessageAuthenticator,
    caches: Caches,
    message: &'s [u8],
}

impl<'s> Verifier<'s> {
    pub(crate) fn new(signed: &'s Signed) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _guard = runtime.enter();
        let text = signed.key.0.texts().next().unwrap().as_bytes().to_vec();
        let name = "2026._domainkey.example.org.".into();
        let key = TxtRecord::from(DomainKey::parse(&text));
        let authenticator =
            MessageAuthenticator::new(ResolverConfig::default(), ResolverOpts::default()).unwrap();
        let caches = Caches { txt: Map([(name, key)].into()) };
        Self { authenticator, caches, message: &signed.message }
    }

    pub(crate) fn verify(&mut self) {
        let message = AuthenticatedMessage::parse(self.message).unwrap();
        let parameters = Parameters::new(&message).with_cache(&self.caches);
        let future = pin!(self.authenticator.verify_dkim(parameters));
        let Poll::Ready(outputs) = future.poll(&mut Context::from_waker(Waker::noop())) else {
            unreachable!("the answer is in memory");
        };
        assert!(outputs.iter().all(|output| output.result() == &DkimResult::Pass));
    }
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
