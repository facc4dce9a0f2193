//! Policies in memory.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use super::cached::CachedPolicy;
use super::discover::Store;
use super::policy::Mode;
use crate::domain::Domain;
use crate::time::UnixTime;

/// Octets that an entry takes beside its texts, rounded up.
const ENTRY_OCTETS: usize = 448;

/// What is kept of many domains, in memory, within a limit of octets.
///
/// It is a plain structure: one that several threads use stands behind a lock of theirs. Where room is
/// wanted, what has expired goes first, then failed fetches, policies of mode none, of mode testing and
/// of mode enforce, and among equals the one that would expire first. Nothing goes in favour of what
/// comes before it in that order: no policy of mode enforce that holds makes room for one of mode none.
pub struct Cache {
    limit: usize,
    used: usize,
    entries: HashMap<Domain, CachedPolicy>,
    /// What may go, for each worth, in the order of its end.
    order: [BTreeSet<(UnixTime, Domain)>; 4],
}

/// How much would be lost: a place in [`Cache::order`].
type Worth = usize;

impl Cache {
    /// An empty cache that takes up to so many octets; 64 MiB are enough for 100 000 domains with a
    /// few hosts each.
    pub fn new(octets: usize) -> Self {
        Self { limit: octets, used: 0, entries: HashMap::new(), order: Default::default() }
    }

    /// What is kept of a domain.
    pub fn get(&self, domain: &Domain) -> Option<&CachedPolicy> {
        self.entries.get(domain)
    }

    /// Does what [`Discovery::store`](super::Discovery::store) says.
    pub fn apply(&mut self, domain: &Domain, store: Store, now: UnixTime) {
        match store {
            Store::Keep => {}
            Store::Remove => self.remove(domain),
            Store::Replace(cached) => self.insert(domain, cached, now),
        }
    }

    /// How many domains something is kept of.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Every domain and what is kept of it, in no order: for those who refresh policies before they
    /// expire, or write them down.
    pub fn iter(&self) -> impl Iterator<Item = (&Domain, &CachedPolicy)> {
        self.entries.iter()
    }

    fn insert(&mut self, domain: &Domain, cached: CachedPolicy, now: UnixTime) {
        self.remove(domain);
        let (worth, end) = rank(&cached);
        let octets = octets(domain, &cached);
        // What is larger than all of the cache takes nothing with it.
        if octets > self.limit || !self.make_room(octets, worth, now) {
            return;
        }
        if let Some(order) = self.order.get_mut(worth) {
            order.insert((end, domain.clone()));
            self.entries.insert(domain.clone(), cached);
            self.used = self.used.saturating_add(octets);
        }
    }

    fn remove(&mut self, domain: &Domain) {
        if let Some((domain, cached)) = self.entries.remove_entry(domain) {
            let (worth, end) = rank(&cached);
            self.used = self.used.saturating_sub(octets(&domain, &cached));
            if let Some(order) = self.order.get_mut(worth) {
                order.remove(&(end, domain));
            }
        }
    }

    /// Drops entries until there is room; `false` when those that are left are worth more.
    fn make_room(&mut self, octets: usize, worth: Worth, now: UnixTime) -> bool {
        while self.used.saturating_add(octets) > self.limit {
            let mut firsts = self.order.iter().enumerate().filter_map(|(worth, order)| {
                order.first().map(|(end, domain)| (worth, *end, domain))
            });
            let expired = firsts.clone().find(|(_, end, _)| *end < now);
            let Some((_, _, domain)) =
                expired.or_else(|| firsts.next().filter(|(least, ..)| *least <= worth))
            else {
                return false;
            };
            let domain = domain.clone();
            self.remove(&domain);
        }
        true
    }
}

/// The worth of an entry, and when it ends.
fn rank(cached: &CachedPolicy) -> (Worth, UnixTime) {
    match (&cached.policy, &cached.failure) {
        (Some(policy), _) => {
            let worth = match policy.policy().mode {
                Mode::None => 1,
                Mode::Testing => 2,
                Mode::Enforce => 3,
            };
            (worth, policy.expires())
        }
        (None, failure) => (0, failure.as_ref().map_or(UnixTime(0), |failure| failure.retry_at())),
    }
}

/// The octets of an entry. The domain is there twice.
fn octets(domain: &Domain, cached: &CachedPolicy) -> usize {
    let policy = cached.policy.as_ref();
    let texts = [
        domain.as_str().len(),
        domain.as_str().len(),
        policy.map_or(0, |policy| policy.as_str().len()),
        policy.map_or(0, |policy| policy.id.len()),
        cached.failure.as_ref().map_or(0, |failure| failure.id.len()),
    ];
    texts.into_iter().fold(ENTRY_OCTETS, usize::saturating_add)
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("domains", &self.len()).finish_non_exhaustive()
    }
}
