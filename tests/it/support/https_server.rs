//! A policy host on the loopback interface, with certificates made on the spot.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Writes what the server answers to a request, and does not stop before the client does if it likes.
pub(crate) type Respond = Arc<dyn Fn(&mut dyn Write) -> io::Result<()> + Send + Sync>;

/// Who the server claims to be.
#[derive(Clone, Debug)]
pub(crate) enum Identity {
    /// A certificate with this common name and no other name.
    CommonName(String),
    /// A certificate for the name that expired long ago.
    Expired(String),
    /// TLS without any certificate.
    Missing,
    /// A certificate for these names.
    Names(Vec<String>),
    /// No TLS at all.
    Plain,
    /// A certificate for the name from a root that nobody trusts.
    Untrusted(String),
}

/// A root of our own.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) root: Vec<u8>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap().der().to_vec();
        Self { issuer: Issuer::new(params, key), root }
    }

    fn config(&self, identity: &Identity) -> Option<Arc<ServerConfig>> {
        let mut params = CertificateParams::new(match identity {
            Identity::Names(names) => names.clone(),
            Identity::Expired(name) | Identity::Untrusted(name) => vec![name.clone()],
            _ => Vec::new(),
        })
        .unwrap();
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        match identity {
            Identity::Plain => return None,
            Identity::Missing => {
                return Some(Arc::new(builder.with_cert_resolver(Arc::new(Nobody))));
            }
            Identity::CommonName(name) => {
                params.distinguished_name.push(DnType::CommonName, name.clone());
            }
            Identity::Expired(_) => {
                params.not_before = date_time_ymd(2001, 1, 1);
                params.not_after = date_time_ymd(2002, 1, 1);
            }
            Identity::Names(_) | Identity::Untrusted(_) => {}
        }
        let key = KeyPair::generate().unwrap();
        let certificate = match identity {
            Identity::Untrusted(_) => params.signed_by(&key, &Self::new().issuer),
            _ => params.signed_by(&key, &self.issuer),
        };
        let certificate = CertificateDer::from(certificate.unwrap().der().to_vec());
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        Some(Arc::new(builder.with_single_cert(vec![certificate], key).unwrap()))
    }
}

#[derive(Debug)]
struct Nobody;

impl ResolvesServerCert for Nobody {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        None
    }
}

pub(crate) struct HttpsServer {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

impl HttpsServer {
    /// Answers every request alike. With a delay each octet of TLS waits for that long, from the first
    /// of the handshake on.
    pub(crate) fn start(
        authority: &Authority,
        identity: &Identity,
        delay: Duration,
        respond: Respond,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let config = authority.config(identity);
        let (connections, requests) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let server = Self {
            address,
            connections: Arc::clone(&connections),
            requests: Arc::clone(&requests),
        };
        thread::spawn(move || {
            for stream in listener.incoming() {
                connections.fetch_add(1, Ordering::Relaxed);
                let (config, requests) = (config.clone(), Arc::clone(&requests));
                let respond = Arc::clone(&respond);
                thread::spawn(move || {
                    let slow = Slow { stream: stream?, delay };
                    let Some(config) = config else {
                        // A client that speaks TLS sends no request that could be waited for.
                        return respond(&mut { slow });
                    };
                    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
                    let mut tls = StreamOwned::new(connection, slow);
                    answer(&mut tls, &requests, &respond)?;
                    tls.conn.send_close_notify();
                    tls.flush()
                });
            }
        });
        server
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

fn answer<S: Read + Write>(
    stream: &mut S,
    requests: &AtomicUsize,
    respond: &Respond,
) -> io::Result<()> {
    let (mut request, mut octet) = (Vec::new(), [0]);
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read(&mut octet)? == 0 {
            return Ok(());
        }
        request.push(octet[0]);
    }
    requests.fetch_add(1, Ordering::Relaxed);
    respond(stream)?;
    stream.flush()
}

struct Slow {
    stream: TcpStream,
    delay: Duration,
}

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }
}

impl Write for Slow {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if self.delay.is_zero() {
            return self.stream.write(octets);
        }
        thread::sleep(self.delay);
        self.stream.write(&octets[..octets.len().min(1)])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// A response as it stands.
pub(crate) fn fixed(response: impl Into<Vec<u8>>) -> Respond {
    let response = response.into();
    Arc::new(move |out| out.write_all(&response))
}

/// A response that goes on with the second part for as long as the client listens.
pub(crate) fn endless(first: &str, again: impl Into<Vec<u8>>, delay: Duration) -> Respond {
    let (first, again) = (first.to_owned(), again.into());
    Arc::new(move |out| {
        out.write_all(first.as_bytes())?;
        loop {
            out.write_all(&again)?;
            out.flush()?;
            thread::sleep(delay);
        }
    })
}
