//! `join`, which can make a long text of short ones.

use cel::{DeclarationError, Env, ExecutionError, common::types::CelString};

use super::args::{AnyVal, define};
use crate::expr::limits;

fn join(list: AnyVal<'_>, by: &str) -> Result<String, ExecutionError> {
    let fail = |message| ExecutionError::function_error("join", message);
    let mut items = list.as_iterable().ok_or_else(|| fail("not a list"))?.iter();
    let mut parts = Vec::new();
    while let Some(item) = items.next() {
        let item = item.downcast_ref::<CelString<'_>>();
        parts.push(item.ok_or_else(|| fail("not a list of strings"))?.inner());
    }
    let sizes = parts.iter().map(|part| part.len() + by.len());
    limits::count_size(sizes.fold(0, usize::saturating_add))?;
    Ok(parts.join(by))
}

pub(super) fn register(env: &mut Env) -> Result<(), DeclarationError> {
    define!(env, "@join", |list: AnyVal<'_>| -> Result<String, ExecutionError> { join(list, "") })?;
    define!(env, "@join", |list: AnyVal<'_>, by: &str| -> Result<String, ExecutionError> {
        join(list, by)
    })
}
