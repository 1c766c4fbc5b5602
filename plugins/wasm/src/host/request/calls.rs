//! The functions of a request that guests call.

use http::Version;
use wasmtime::component::Resource;

use super::{BodyWish, RequestView};
use crate::{
    bindings::adit::policy::{http::HostRequest, types::Field},
    host::{
        Request, State,
        error::{Answer, no_such},
        headers,
    },
};

impl State {
    fn request(&mut self) -> wasmtime::Result<&mut RequestView> {
        self.current.request.as_deref_mut().ok_or_else(|| no_such("request"))
    }
}

type Handle = Resource<Request>;

impl HostRequest for State {
    fn id(&mut self, _: Handle) -> wasmtime::Result<u64> {
        Ok(self.request()?.id)
    }

    fn method(&mut self, _: Handle) -> wasmtime::Result<String> {
        Ok(self.request()?.method.as_str().to_owned())
    }

    fn set_method(&mut self, _: Handle, value: String) -> wasmtime::Result<Answer<()>> {
        Ok(self.request()?.set_method(&value))
    }

    fn scheme(&mut self, _: Handle) -> wasmtime::Result<String> {
        Ok(self.request()?.protocol.as_str().to_owned())
    }

    fn authority(&mut self, _: Handle) -> wasmtime::Result<String> {
        Ok(self.request()?.authority())
    }

    fn set_authority(&mut self, _: Handle, value: String) -> wasmtime::Result<Answer<()>> {
        Ok(self.request()?.set_authority(value))
    }

    fn target(&mut self, _: Handle) -> wasmtime::Result<String> {
        Ok(self.request()?.target().to_owned())
    }

    fn set_target(&mut self, _: Handle, value: String) -> wasmtime::Result<Answer<()>> {
        Ok(self.request()?.set_target(value))
    }

    fn version(&mut self, _: Handle) -> wasmtime::Result<String> {
        let version = match self.request()?.version {
            Version::HTTP_10 => "1.0",
            Version::HTTP_2 => "2",
            Version::HTTP_3 => "3",
            _ => "1.1",
        };
        Ok(version.to_owned())
    }

    fn header(&mut self, _: Handle, name: String) -> wasmtime::Result<Option<Vec<u8>>> {
        Ok(headers::first(&self.request()?.headers, &name))
    }

    fn header_all(&mut self, _: Handle, name: String) -> wasmtime::Result<Vec<Vec<u8>>> {
        Ok(headers::values(&self.request()?.headers, &name))
    }

    fn headers(&mut self, _: Handle) -> wasmtime::Result<Vec<Field>> {
        Ok(headers::fields(&self.request()?.headers))
    }

    fn set_header(
        &mut self,
        _: Handle,
        name: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Answer<()>> {
        Ok(self.request()?.edit_headers(|journal, headers| journal.set(headers, &name, value)))
    }

    fn append_header(
        &mut self,
        _: Handle,
        name: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Answer<()>> {
        Ok(self.request()?.edit_headers(|journal, headers| journal.append(headers, &name, value)))
    }

    fn remove_header(&mut self, _: Handle, name: String) -> wasmtime::Result<Answer<()>> {
        Ok(self.request()?.edit_headers(|journal, headers| journal.remove(headers, &name)))
    }

    fn has_body(&mut self, _: Handle) -> wasmtime::Result<bool> {
        Ok(self.request()?.has_body)
    }

    fn content_length(&mut self, _: Handle) -> wasmtime::Result<Option<u64>> {
        Ok(self.request()?.content_length())
    }

    fn await_body(&mut self, _: Handle, limit: u32) -> wasmtime::Result<Answer<()>> {
        let hook = self.phase.hook;
        Ok(self.request()?.ask(hook, BodyWish::Await { limit }))
    }

    fn watch_body(&mut self, _: Handle) -> wasmtime::Result<Answer<()>> {
        let hook = self.phase.hook;
        Ok(self.request()?.ask(hook, BodyWish::Watch))
    }

    fn identity(&mut self, _: Handle) -> wasmtime::Result<Option<String>> {
        Ok(self.request()?.identity.as_ref().map(|identity| identity.subject.clone()))
    }

    fn set_identity(&mut self, _: Handle, subject: String) -> wasmtime::Result<Answer<()>> {
        let provider = self.policy.name().to_owned();
        Ok(self.request()?.set_identity(provider, subject))
    }

    fn attribute(&mut self, _: Handle, name: String) -> wasmtime::Result<Option<String>> {
        self.request()?;
        Ok(self.current.conn.as_ref().and_then(|conn| conn.conn().attribute(&name)))
    }

    fn var(&mut self, _: Handle, name: String) -> wasmtime::Result<Option<String>> {
        let own = self.request()?.var(&name);
        Ok(own.or_else(|| self.current.conn.as_ref().and_then(|conn| conn.var(&name))))
    }

    fn set_var(&mut self, _: Handle, name: String, value: String) -> wasmtime::Result<Answer<()>> {
        Ok(self.request()?.set_var(name, value))
    }

    fn keep(&mut self, _: Handle, state: Vec<u8>) -> wasmtime::Result<Answer<()>> {
        Ok(self.request()?.keep(state))
    }

    fn kept(&mut self, _: Handle) -> wasmtime::Result<Option<Vec<u8>>> {
        Ok(self.request()?.kept().map(<[u8]>::to_vec))
    }

    fn drop(&mut self, _: Handle) -> wasmtime::Result<()> {
        Ok(())
    }
}
