//! `bonafide keygen`: a private key in a file, and the DNS record to publish.

use std::fs::OpenOptions;
use std::io::Write as _;

use bonafide::dkim::{KeyType, PrivateKeyPem, SigningKey};
use zeroize::Zeroizing;

use crate::arguments::Keygen;
use crate::{Failure, print};

pub(crate) fn run(arguments: &Keygen) -> Result<(), Failure> {
    let pem = generate(arguments)?;
    let key = SigningKey::from_pem(pem.as_bytes())
        .map_err(|error| Failure::Io(format!("cannot make a key: {error}")))?;
    let mut options = OpenOptions::new();
    // A key that is in use must not be lost to another one.
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&arguments.file).and_then(|mut file| file.write_all(pem.as_bytes())).map_err(
        |error| Failure::Io(format!("cannot write {}: {error}", arguments.file.display())),
    )?;
    print(&(key.record().zone_line(&arguments.selector, &arguments.domain) + "\n"))
}

fn generate(arguments: &Keygen) -> Result<PrivateKeyPem, Failure> {
    let mut failed = None;
    let mut random = |octets: &mut [u8]| {
        if let Err(error) = getrandom::fill(octets) {
            failed = Some(error);
        }
    };
    let pem = match arguments.key_type {
        KeyType::Ed25519 => {
            let mut seed = Zeroizing::new([0; 32]);
            random(&mut *seed);
            Ok(PrivateKeyPem::ed25519(&seed))
        }
        _ => PrivateKeyPem::rsa(arguments.bits, random),
    };
    if let Some(error) = failed {
        return Err(Failure::Io(format!("the system gives no random octets: {error}")));
    }
    pem.map_err(|error| Failure::Io(format!("cannot make a key: {error}")))
}
