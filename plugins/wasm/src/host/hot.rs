//! The functions that nearly every policy calls for each request, bound by hand: they look at the
//! guest's names where they lie, instead of at a copy.
//!
//! They do exactly what the generated bindings of the same functions do.

use wasmtime::{
    StoreContextMut,
    component::{Linker, Resource, WasmList, WasmStr},
};

use super::{
    Request, State,
    error::{Answer, no_such},
    headers,
};
use crate::bindings::adit::policy::rate::{Decision, Quota};

type Cx<'a> = StoreContextMut<'a, State>;
type Handle = Resource<Request>;

/// Puts them in the place of the generated ones.
pub(super) fn http(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut http = linker.instance("adit:policy/http@0.1.0")?;
    http.func_wrap("[method]request.header", |cx: Cx<'_>, (_, name): (Handle, WasmStr)| {
        let name = name.to_str(&cx)?;
        let request = cx.data().current.request.as_ref().ok_or_else(|| no_such("request"))?;
        Ok((headers::first(&request.headers, &name),))
    })?;
    http.func_wrap(
        "[method]request.set-header",
        |mut cx: Cx<'_>, (_, name, value): (Handle, WasmStr, WasmList<u8>)| {
            let line = headers::line(&name.to_str(&cx)?, value.as_le_slice(&cx).to_vec());
            let request = cx.data_mut().current.request.as_mut();
            let request = request.ok_or_else(|| no_such("request"))?;
            Ok((request.edit_headers(|journal, headers| {
                let (name, value) = line?;
                journal.insert(headers, name, value)
            }),))
        },
    )
}

/// As [`http`], for token buckets.
pub(super) fn rate(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut rate = linker.instance("adit:policy/rate@0.1.0")?;
    rate.func_wrap(
        "take",
        |cx: Cx<'_>, (bucket, key, limit, cost): (WasmStr, WasmStr, Quota, u32)| {
            let (bucket, key) = (bucket.to_str(&cx)?, key.to_str(&cx)?);
            let taken: Answer<Decision> = cx.data().take(&bucket, &key, limit, cost);
            Ok((taken,))
        },
    )
}
