//! Gives a component what it imports, and no more than was granted.

use wasmtime::component::{HasSelf, Linker};

use super::{State, hot};
use crate::{bindings::adit::policy, grants::Grants};

/// Defines the interfaces that every policy has, and those of which something is granted.
pub(crate) fn add_to_linker(linker: &mut Linker<State>, grants: &Grants) -> wasmtime::Result<()> {
    macro_rules! add {
        ($($interface:ident),*) => {
            $(policy::$interface::add_to_linker::<_, HasSelf<State>>(linker, |state| state)?;)*
        };
    }
    linker.allow_shadowing(true);
    add!(types, connections, http, outcomes, agent, log, clock, random, metrics, crypto);
    hot::http(linker)?;
    if grants.allow("kv") {
        add!(kv);
    }
    if grants.allow("rate") {
        add!(rate);
        hot::rate(linker)?;
    }
    if grants.allow("secrets") {
        add!(secrets);
    }
    if grants.allow("outbound") {
        add!(outbound);
    }
    Ok(())
}
