//! Test vectors in stanzas: lines of `Key = value`, an empty line between cases, and a `#` line in
//! each that says the point of it.

use std::path::Path;

/// One case; a key that no test has consumed is an error.
pub(crate) struct Stanza {
    /// Where the case begins, for messages.
    pub(crate) place: String,
    pub(crate) point: String,
    pairs: Vec<(String, String)>,
}

impl Stanza {
    pub(crate) fn consume(&mut self, key: &str) -> String {
        self.optional(key).unwrap_or_else(|| panic!("{}: no {key}", self.place))
    }

    pub(crate) fn optional(&mut self, key: &str) -> Option<String> {
        let position = self.pairs.iter().position(|(name, _)| name == key)?;
        Some(self.pairs.remove(position).1)
    }

    /// All values of a key that may stand several times.
    pub(crate) fn all(&mut self, key: &str) -> Vec<String> {
        std::iter::from_fn(|| self.optional(key)).collect()
    }
}

/// Runs every case of a file and says which failed; a file without a case fails too.
pub(crate) fn run(path: &Path, mut check: impl FnMut(&mut Stanza) -> Result<(), String>) {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut failures = Vec::new();
    let mut count = 0;
    for mut stanza in parse(path, &text) {
        count += 1;
        if let Err(failure) = check(&mut stanza) {
            failures.push(format!("{} ({}): {failure}", stanza.place, stanza.point));
        } else if let Some((key, _)) = stanza.pairs.first() {
            failures.push(format!("{}: nothing consumed {key}", stanza.place));
        }
    }
    println!("{}: {} of {count} cases", path.display(), count - failures.len());
    assert!(count > 0 && failures.is_empty(), "{}", failures.join("\n"));
}

fn parse(path: &Path, text: &str) -> Vec<Stanza> {
    let mut stanzas: Vec<Stanza> = Vec::new();
    let mut open = false;
    for (number, line) in text.lines().enumerate() {
        let place = format!("{}:{}", path.display(), number + 1);
        if line.trim().is_empty() {
            open = false;
            continue;
        }
        if !open {
            stanzas.push(Stanza { place: place.clone(), point: String::new(), pairs: Vec::new() });
            open = true;
        }
        let stanza = stanzas.last_mut().unwrap();
        match (line.strip_prefix('#'), line.split_once('=')) {
            (Some(point), _) => stanza.point.push_str(point),
            (None, Some((key, value))) => {
                stanza.pairs.push((key.trim().to_owned(), value.trim().to_owned()));
            }
            (None, None) => panic!("{place}: expected Key = value, found {line}"),
        }
    }
    stanzas.retain(|stanza| !stanza.pairs.is_empty());
    stanzas
}
