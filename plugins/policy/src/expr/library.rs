//! The functions that the engine does not bring along, and those that it has otherwise.
//!
//! Each is registered as `@name`, a global function that takes its receiver first; the checker
//! writes these names into expressions, so that nobody can call one that is not allowed.

mod args;
mod collections;
mod digest;
mod encoding;
mod join;
mod net;
mod query;
mod text;

use std::sync::{Arc, LazyLock};

use cel::{Env, ExecutionError, common::types::DYN_TYPE, extensions};

use self::args::define;
use super::limits;

/// The engine with everything that expressions may use, and more: what may be called is for the
/// checker to decide.
pub(super) static ENGINE: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::default().with_stdlib();
    register(&mut env).expect("names that begin with @ are ours");
    Arc::new(env)
});

fn register(env: &mut Env) -> Result<(), cel::DeclarationError> {
    env.add_extension(extensions::strings)?;
    env.add_extension(extensions::lists)?;
    env.add_overload("@tick", "@tick", vec![], limits::tick)?;
    env.add_overload("@sized", "@sized", vec![DYN_TYPE], limits::sized)?;
    env.add_overload("@weighed", "@weighed", vec![DYN_TYPE], limits::weighed)?;
    env.add_overload("@sum", "@sum", vec![DYN_TYPE], limits::add_up)?;
    define!(env, "@secrets.get", |vault: &str, name: &str| -> Result<String, ExecutionError> {
        let message = format!(
            "there is no secret {name:?} in the vault {vault:?}: secrets are not kept here"
        );
        Err(ExecutionError::function_error("secrets.get", message))
    })?;
    collections::register(env)?;
    digest::register(env)?;
    encoding::register(env)?;
    join::register(env)?;
    net::register(env)?;
    query::register(env)?;
    text::register(env)
}
