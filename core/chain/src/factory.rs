//! From a line in a file to a handler that runs.

use std::{collections::BTreeMap, fmt, sync::Arc};

use rustls::server::ResolvesServerCert;

use crate::{BoxHandler, Chain, Endpoint, Link, OnError};

/// Which side of the tunnel a chain runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Next to the private service.
    Agent,
    /// Where visitors arrive.
    Edge,
}

/// What a factory may know while it builds.
#[derive(Clone, Debug)]
pub struct BuildCx {
    /// The endpoint that the handler will serve.
    pub endpoint: Arc<Endpoint>,
    /// Where it will run.
    pub side: Side,
    /// Certificates of this side, for handlers that terminate TLS without their own.
    pub certificates: Option<Arc<dyn ResolvesServerCert>>,
    /// What happens when the handler breaks. The chain applies it to connections and requests; on
    /// the response side, where the chain has nothing left to pass on, a handler does it itself.
    pub on_error: OnError,
}

/// A handler could not be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BuildError {
    /// Where in the options, as keys from the outside in: `["allow", "2"]`. Empty: all of them.
    pub at: Vec<String>,
    /// What is wrong and what to do, without the place.
    pub message: String,
    /// Code that the vendor's clients know for this mistake, if there is one.
    pub code: Option<crate::ErrorCode>,
    /// Further mistakes in the same options, each with its own place; they have no further ones.
    pub more: Vec<Self>,
}

impl BuildError {
    /// A mistake in the options as a whole.
    pub fn new(message: impl Into<String>) -> Self {
        Self { at: Vec::new(), message: message.into(), code: None, more: Vec::new() }
    }

    /// Says where in the options the mistake stands.
    #[must_use]
    pub fn at<P: Into<String>>(mut self, path: impl IntoIterator<Item = P>) -> Self {
        self.at = path.into_iter().map(Into::into).collect();
        self
    }

    /// Adds the code.
    #[must_use]
    pub fn with_code(mut self, code: crate::ErrorCode) -> Self {
        self.code = Some(code);
        self
    }

    /// Adds further mistakes, so that all are told at once.
    #[must_use]
    pub fn and(mut self, more: impl IntoIterator<Item = Self>) -> Self {
        self.more.extend(more);
        self
    }

    /// This mistake and the further ones, in order.
    pub fn all(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.more)
    }
}

/// Makes handlers of one kind. `build` does everything that can fail (parse, compile, read files),
/// so that a running chain cannot fail for reasons of configuration.
pub trait Factory: Send + Sync + 'static {
    /// The name under which a file asks for it.
    fn kind(&self) -> &str;

    /// Builds a handler from its options (`null` when the file gives none).
    ///
    /// # Errors
    /// The options are wrong; the error says where and what to do.
    fn build(&self, options: &serde_json::Value, cx: &BuildCx) -> Result<BoxHandler, BuildError>;
}

/// One entry of a handler list, before it is built. Its place in the file stays with whoever read
/// the file.
#[derive(Clone, Debug)]
pub struct LinkSpec {
    /// Which factory.
    pub kind: String,
    /// Its options.
    pub options: serde_json::Value,
    /// What happens when the handler breaks.
    pub on_error: OnError,
}

/// The kinds of handlers that this program knows.
#[derive(Clone, Default)]
pub struct Registry(BTreeMap<String, Arc<dyn Factory>>);

impl Registry {
    /// Adds kinds. A kind that is added twice is replaced.
    #[must_use]
    pub fn with(mut self, factories: impl IntoIterator<Item = Arc<dyn Factory>>) -> Self {
        self.0.extend(factories.into_iter().map(|factory| (factory.kind().to_owned(), factory)));
        self
    }

    /// Whether there is a kind of this name.
    pub fn has(&self, kind: &str) -> bool {
        self.0.contains_key(kind)
    }

    /// The kinds, in alphabetical order.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Builds one link.
    ///
    /// # Errors
    /// The kind is unknown, or its factory refuses the options.
    pub fn link(&self, spec: &LinkSpec, cx: &BuildCx) -> Result<Link, BuildError> {
        let factory = self.0.get(spec.kind.as_str()).ok_or_else(|| {
            let known: Vec<_> = self.kinds().collect();
            BuildError::new(format!("no handler {:?}; there are {}", spec.kind, known.join(", ")))
        })?;
        let cx = BuildCx { on_error: spec.on_error, ..cx.clone() };
        let handler = factory.build(&spec.options, &cx)?;
        Ok(Link::boxed(spec.kind.as_str(), handler).on_error(spec.on_error))
    }

    /// Builds a chain; stops at the first link that cannot be built and tells which one it is.
    ///
    /// # Errors
    /// The index in `specs`, and what is wrong with it.
    pub fn chain(&self, specs: &[LinkSpec], cx: &BuildCx) -> Result<Chain, (usize, BuildError)> {
        let link = |(i, spec)| self.link(spec, cx).map_err(|error| (i, error));
        Ok(Chain::new(specs.iter().enumerate().map(link).collect::<Result<_, _>>()?))
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}
