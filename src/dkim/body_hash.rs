//! The hashes of one body that all its signatures need, in one pass.

use crate::canonicalization::{BodyCanonicalizer, Canonicalization};
use crate::crypto::Sha256;

/// Hashes a body once for each canonicalization that is asked for, whatever the number of
/// signatures; where an l= ends, the hash so far is taken from a copy of the context.
#[derive(Debug, Default)]
pub(crate) struct BodyHasher {
    /// One for each canonicalization that is asked for, at most two.
    streams: Vec<Stream>,
}

/// Which hash is wanted: a canonicalization, and the l= that ends it, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BodyHashRequest {
    pub(crate) canonicalization: Canonicalization,
    pub(crate) length: Option<u64>,
}

/// The hash of as much of a canonical body as was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BodyHash {
    /// `None` when the body is shorter than the l= that was asked for.
    pub(crate) hash: Option<[u8; 32]>,
    /// Octets of the whole canonical body.
    pub(crate) body_length: u64,
}

#[derive(Debug)]
struct Stream {
    canonicalization: Canonicalization,
    canonicalizer: BodyCanonicalizer,
    digest: Digest,
}

#[derive(Debug)]
struct Digest {
    context: Sha256,
    written: u64,
    /// The l= that are asked for, ascending and each once, and their hashes once reached.
    cuts: Vec<(u64, Option<[u8; 32]>)>,
    /// How many of `cuts` are reached.
    reached: usize,
    /// Whether anybody wants the hash of the whole body.
    whole: bool,
}

impl BodyHasher {
    pub(crate) fn new(requests: impl IntoIterator<Item = BodyHashRequest>) -> Self {
        let mut hasher = Self::default();
        hasher.request(requests);
        hasher
    }

    /// Asks for further hashes of a body of which nothing has come yet.
    pub(crate) fn request(&mut self, requests: impl IntoIterator<Item = BodyHashRequest>) {
        for BodyHashRequest { canonicalization, length } in requests {
            let is_own = |stream: &&mut Stream| stream.canonicalization == canonicalization;
            match self.streams.iter_mut().find(is_own) {
                Some(stream) => stream.digest.request(length),
                None => {
                    // Mostly there is one.
                    self.streams.reserve_exact(1);
                    self.streams.push(Stream::new(canonicalization, length));
                }
            }
        }
        for stream in &mut self.streams {
            stream.digest.reach_cuts();
        }
    }

    /// The next octets of the body as received, in any split.
    pub(crate) fn write(&mut self, chunk: &[u8]) {
        for Stream { canonicalizer, digest, .. } in &mut self.streams {
            canonicalizer.write(chunk, &mut |canonical| digest.write(canonical));
        }
    }

    /// The end of the body.
    pub(crate) fn finish(mut self) -> BodyHashes {
        let mut finished = self.streams.iter_mut().map(Stream::finish);
        BodyHashes { streams: [finished.next(), finished.next()] }
    }
}

impl Stream {
    fn new(canonicalization: Canonicalization, length: Option<u64>) -> Self {
        let context = Sha256::new();
        let mut digest = Digest { context, written: 0, cuts: Vec::new(), reached: 0, whole: false };
        digest.request(length);
        let canonicalizer = BodyCanonicalizer::new(canonicalization);
        Self { canonicalization, canonicalizer, digest }
    }

    fn finish(&mut self) -> Finished {
        let Self { canonicalization, canonicalizer, digest } = self;
        canonicalizer.end(&mut |canonical| digest.write(canonical));
        Finished {
            canonicalization: *canonicalization,
            whole: digest.whole.then(|| digest.context.clone().finish()),
            cuts: std::mem::take(&mut digest.cuts),
            body_length: digest.written,
        }
    }
}

impl Digest {
    fn request(&mut self, length: Option<u64>) {
        match length {
            None => self.whole = true,
            Some(length) => {
                let place = self.cuts.partition_point(|(cut, _)| *cut < length);
                if self.cuts.get(place).is_none_or(|(cut, _)| *cut != length) {
                    self.cuts.insert(place, (length, None));
                }
            }
        }
    }

    fn write(&mut self, mut canonical: &[u8]) {
        while let Some((cut, _)) = self.cuts.get(self.reached)
            && let Ok(distance) = usize::try_from(cut.saturating_sub(self.written))
            && let Some((before, behind)) = canonical.split_at_checked(distance)
        {
            self.update(before);
            self.reach_cuts();
            canonical = behind;
        }
        self.update(canonical);
    }

    fn update(&mut self, octets: &[u8]) {
        // Behind the last l=, octets are only counted if nobody wants the hash of the whole.
        if self.whole || self.reached < self.cuts.len() {
            self.context.update(octets);
        }
        let octets = u64::try_from(octets.len()).unwrap_or(u64::MAX);
        self.written = self.written.saturating_add(octets);
    }

    fn reach_cuts(&mut self) {
        if let Some((cut, hash)) = self.cuts.get_mut(self.reached)
            && *cut == self.written
        {
            *hash = Some(self.context.clone().finish());
            self.reached = self.reached.saturating_add(1);
        }
    }
}

/// The hashes of one body, for whoever shares them: see
/// [`Verifier::finish_with_bodies`](super::Verifier::finish_with_bodies).
#[derive(Debug)]
pub struct BodyHashes {
    streams: [Option<Finished>; 2],
}

#[derive(Debug)]
struct Finished {
    canonicalization: Canonicalization,
    cuts: Vec<(u64, Option<[u8; 32]>)>,
    whole: Option<[u8; 32]>,
    body_length: u64,
}

impl BodyHashes {
    /// The answer to a request; one that was never made has no hash.
    pub(crate) fn get(&self, request: BodyHashRequest) -> BodyHash {
        let is_own = |stream: &&Finished| stream.canonicalization == request.canonicalization;
        let Some(stream) = self.streams.iter().flatten().find(is_own) else {
            return BodyHash { hash: None, body_length: 0 };
        };
        let hash = match request.length {
            None => stream.whole,
            Some(length) => {
                let cut = stream.cuts.binary_search_by_key(&length, |(cut, _)| *cut).ok();
                cut.and_then(|at| stream.cuts.get(at)?.1)
            }
        };
        BodyHash { hash, body_length: stream.body_length }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sha256;

    const SIMPLE: Canonicalization = Canonicalization::Simple;
    const RELAXED: Canonicalization = Canonicalization::Relaxed;

    fn request(canonicalization: Canonicalization, length: Option<u64>) -> BodyHashRequest {
        BodyHashRequest { canonicalization, length }
    }

    /// RFC 6376 section 3.7: l= counts octets of the canonical body, and every signature of a
    /// message gets the hash of its own part, whatever the split into chunks.
    #[test]
    fn each_length_has_its_own_hash_under_any_split() {
        let body = b"a  b \r\n\r\nc\r\n\r\n";
        let canonical = b"a b\r\n\r\nc\r\n";
        let simple = b"a  b \r\n\r\nc\r\n";
        let lengths = [5, 0, 3, 5, 10, 11];
        for split in 0..=body.len() {
            let relaxed = lengths.map(|length| request(RELAXED, Some(length)));
            let mut hasher = BodyHasher::new(
                relaxed.into_iter().chain([request(RELAXED, None), request(SIMPLE, None)]),
            );
            hasher.write(&body[..split]);
            hasher.write(&body[split..]);
            let hashes = hasher.finish();
            for length in lengths {
                let found = hashes.get(request(RELAXED, Some(length)));
                let expected = canonical.get(..length as usize).map(sha256);
                assert_eq!(found, BodyHash { hash: expected, body_length: 10 });
            }
            assert_eq!(hashes.get(request(RELAXED, None)).hash, Some(sha256(canonical)));
            assert_eq!(hashes.get(request(SIMPLE, None)).hash, Some(sha256(simple)));
            assert_eq!(hashes.get(request(SIMPLE, Some(1))).hash, None);
        }
    }

    #[test]
    fn l_zero_is_the_hash_of_nothing() {
        let hashes = BodyHasher::new([request(RELAXED, Some(0))]).finish();
        let empty = BodyHash { hash: Some(sha256(b"")), body_length: 0 };
        assert_eq!(hashes.get(request(RELAXED, Some(0))), empty);
    }
}
