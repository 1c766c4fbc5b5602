//! The exported calls of a policy: looked up once when it is loaded, and bound to each instance.

use wasmtime::{
    Store,
    component::{Instance, InstancePre},
};

use crate::{
    bindings::exports::adit::policy::{
        close_hook, connection_hook, finish_hook, request_body_hook, request_hook,
        response_body_hook, response_hook, setup, stream_hook,
    },
    hook::HookInterface,
    host::State,
};

/// Where each call is found. `None`: the policy does not export it.
#[derive(Clone)]
pub(crate) struct Indices {
    setup: setup::GuestIndices,
    connection: Option<connection_hook::GuestIndices>,
    close: Option<close_hook::GuestIndices>,
    stream: Option<stream_hook::GuestIndices>,
    request: Option<request_hook::GuestIndices>,
    request_body: Option<request_body_hook::GuestIndices>,
    response: Option<response_hook::GuestIndices>,
    response_body: Option<response_body_hook::GuestIndices>,
    finish: Option<finish_hook::GuestIndices>,
}

/// The calls of one instance.
pub(crate) struct Guests {
    pub(crate) setup: setup::Guest,
    pub(crate) connection: Option<connection_hook::Guest>,
    pub(crate) close: Option<close_hook::Guest>,
    pub(crate) stream: Option<stream_hook::Guest>,
    pub(crate) request: Option<request_hook::Guest>,
    pub(crate) request_body: Option<request_body_hook::Guest>,
    pub(crate) response: Option<response_hook::Guest>,
    pub(crate) response_body: Option<response_body_hook::Guest>,
    pub(crate) finish: Option<finish_hook::Guest>,
}

impl Indices {
    /// Finds the calls of the hooks that a component exports.
    ///
    /// # Errors
    /// An interface lacks one of its functions.
    pub(crate) fn find(
        pre: &InstancePre<State>,
        hooks: &[HookInterface],
    ) -> wasmtime::Result<Self> {
        macro_rules! find {
            ($hook:ident, $module:ident) => {
                hooks
                    .contains(&HookInterface::$hook)
                    .then(|| $module::GuestIndices::new(pre))
                    .transpose()?
            };
        }
        Ok(Self {
            setup: setup::GuestIndices::new(pre)?,
            connection: find!(Connection, connection_hook),
            close: find!(Close, close_hook),
            stream: find!(Stream, stream_hook),
            request: find!(Request, request_hook),
            request_body: find!(RequestBody, request_body_hook),
            response: find!(Response, response_hook),
            response_body: find!(ResponseBody, response_body_hook),
            finish: find!(Finish, finish_hook),
        })
    }

    /// Whether a hook is there.
    pub(crate) const fn has(&self, hook: HookInterface) -> bool {
        match hook {
            HookInterface::Connection => self.connection.is_some(),
            HookInterface::Close => self.close.is_some(),
            HookInterface::Stream => self.stream.is_some(),
            HookInterface::Request => self.request.is_some(),
            HookInterface::RequestBody => self.request_body.is_some(),
            HookInterface::Response => self.response.is_some(),
            HookInterface::ResponseBody => self.response_body.is_some(),
            HookInterface::Finish => self.finish.is_some(),
        }
    }

    /// Binds the calls to an instance.
    ///
    /// # Errors
    /// A function has another type than the contract says.
    pub(crate) fn bind(
        &self,
        store: &mut Store<State>,
        instance: &Instance,
    ) -> wasmtime::Result<Guests> {
        macro_rules! bind {
            ($field:ident) => {
                self.$field.as_ref().map(|found| found.load(&mut *store, instance)).transpose()?
            };
        }
        Ok(Guests {
            setup: self.setup.load(&mut *store, instance)?,
            connection: bind!(connection),
            close: bind!(close),
            stream: bind!(stream),
            request: bind!(request),
            request_body: bind!(request_body),
            response: bind!(response),
            response_body: bind!(response_body),
            finish: bind!(finish),
        })
    }
}
