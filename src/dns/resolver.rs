//! The trait that a caller implements, and its erased form.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use super::{Answer, LookupError, Question};

/// What a lookup gives.
pub(crate) type Reply = Result<Answer, LookupError>;

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Answers questions about the DNS: the one trait that a mail server implements to use this crate.
///
/// An implementation follows CNAMEs, keeps only records of the type asked for, and tells NXDOMAIN
/// from NODATA. Caching across messages and time limits are its affair. Dropping the future
/// cancels the lookup. The future is `Send`, so that callers may spawn whatever awaits it; a plain
/// `async fn` satisfies that as long as it holds nothing that is not `Send` across an await.
///
/// Implemented for `&R` and `Arc<R>` too; [`AnyResolver`] erases the type.
pub trait Resolver: Send + Sync {
    /// Looks up the records of one type at one name.
    ///
    /// # Errors
    ///
    /// Only when nobody could say: a name or a record that does not exist is an [`Answer`].
    fn lookup(
        &self,
        question: &Question,
    ) -> impl Future<Output = Result<Answer, LookupError>> + Send;
}

impl<R: Resolver + ?Sized> Resolver for &R {
    fn lookup(&self, question: &Question) -> impl Future<Output = Reply> + Send {
        (**self).lookup(question)
    }
}

impl<R: Resolver + ?Sized> Resolver for Arc<R> {
    fn lookup(&self, question: &Question) -> impl Future<Output = Reply> + Send {
        (**self).lookup(question)
    }
}

trait ErasedResolver: Send + Sync {
    fn lookup_boxed<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Reply>;
}

impl<R: Resolver> ErasedResolver for R {
    fn lookup_boxed<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Reply> {
        Box::pin(self.lookup(question))
    }
}

/// Any resolver behind one type, for callers that choose it at run time.
///
/// ```
/// use bonafide::dns::{AnyResolver, Zone};
///
/// let resolver = AnyResolver::new(Zone::default());
/// let shared = resolver.clone();
/// # drop(shared);
/// ```
#[derive(Clone)]
pub struct AnyResolver(Arc<dyn ErasedResolver>);

impl AnyResolver {
    /// Erases the type of a resolver.
    pub fn new(resolver: impl Resolver + 'static) -> Self {
        Self(Arc::new(resolver))
    }
}

impl Resolver for AnyResolver {
    async fn lookup(&self, question: &Question) -> Reply {
        self.0.lookup_boxed(question).await
    }
}

impl fmt::Debug for AnyResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyResolver")
    }
}
