//! Organizational domains by a public suffix list, RFC 7489 section 3.2.

use std::fmt;

use publicsuffix::{List, Psl as _};

use super::walk::{Published, Step, Walk, ask, question};
use crate::dns::Resolver;
use crate::domain::Domain;

/// A public suffix list, which says below which names domains are registered.
///
/// The list is the caller's, read from where the system keeps it up to date, such as
/// `/usr/share/publicsuffix/public_suffix_list.dat`. One that is built in would grow old with the
/// program, and an old list takes different organizations for one. The private part of the list
/// counts too.
///
/// ```
/// use bonafide::{Domain, dmarc::PublicSuffixList};
///
/// let list = PublicSuffixList::parse(b"// comment\nexample\nco.example\n*.kobe.example\n")?;
/// let organizational = |domain: &str| {
///     list.organizational_domain(&Domain::parse(domain.as_bytes()).unwrap()).to_string()
/// };
/// assert_eq!(organizational("a.b.co.example"), "b.co.example");
/// assert_eq!(organizational("co.example"), "co.example");
/// assert_eq!(organizational("a.b.c.kobe.example"), "b.c.kobe.example");
/// assert_eq!(organizational("a.b.unlisted"), "b.unlisted");
/// # Ok::<(), bonafide::dmarc::PublicSuffixListError>(())
/// ```
pub struct PublicSuffixList(List);

/// A text is no public suffix list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("found no public suffix list: {found}")]
#[non_exhaustive]
pub struct PublicSuffixListError {
    /// What is wrong with it.
    pub found: String,
}

impl PublicSuffixList {
    /// Reads a list in the format of <https://publicsuffix.org/list/>. U-labels become A-labels.
    ///
    /// # Errors
    ///
    /// For a text that is not UTF-8, or holds no rule.
    pub fn parse(text: &[u8]) -> Result<Self, PublicSuffixListError> {
        let error = |found: String| PublicSuffixListError { found };
        let text = str::from_utf8(text).map_err(|invalid| error(invalid.to_string()))?;
        let mut rules = String::with_capacity(text.len());
        for line in text.lines() {
            // A rule ends at the first white space; a comment is no rule.
            let rule = line.split_whitespace().next().filter(|rule| !rule.starts_with("//"));
            if let Some(rule) = rule {
                push_rule(rule, &mut rules);
            }
        }
        // The reader keeps apart two parts of a list; to DMARC both are public.
        let marked = format!("// ===BEGIN ICANN DOMAINS===\n{rules}// ===END ICANN DOMAINS===\n");
        marked.parse().map(Self).map_err(|invalid: publicsuffix::Error| error(invalid.to_string()))
    }

    /// The public suffix and one label more; the domain itself if it has no more.
    pub fn organizational_domain(&self, domain: &Domain) -> Domain {
        match self.0.domain(domain.as_str().as_bytes()) {
            Some(found) => domain.suffix(found.as_bytes().split(|octet| *octet == b'.').count()),
            None => domain.clone(),
        }
    }

    /// RFC 7489 section 6.6.3: the author domain's own record, or else that of its organizational domain.
    pub(super) async fn walk<R: Resolver>(&self, author: &Domain, resolver: &R) -> Walk {
        let organizational = self.organizational_domain(author);
        let mut steps =
            vec![Step::new(author.clone(), ask(question(author).as_ref(), resolver).await)];
        let is_empty =
            |steps: &[Step]| matches!(steps, [Step { published: Published::None(_), .. }]);
        if is_empty(&steps) && organizational != *author {
            let published = ask(question(&organizational).as_ref(), resolver).await;
            steps.push(Step::new(organizational.clone(), published));
        }
        Walk { start: author.clone(), steps, organizational }
    }
}

/// Adds a rule with its names in A-label form; one that holds no domain is left out.
fn push_rule(rule: &str, rules: &mut String) {
    let (mark, name) = match rule.strip_prefix('!') {
        Some(name) => ("!", name),
        None => rule.strip_prefix("*.").map_or(("", rule), |name| ("*.", name)),
    };
    if let Ok(domain) = Domain::parse(name.as_bytes()) {
        rules.extend([mark, domain.as_str(), "\n"]);
    }
}

impl fmt::Debug for PublicSuffixList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicSuffixList")
    }
}
