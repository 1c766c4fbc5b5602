//! What several types of actions have in their results.

use cel::Value;

use crate::value;

/// `error` of an action that had none.
pub(super) fn no_error() -> Value {
    value::map([("code", value::text("")), ("message", value::text(""))])
}

/// `error` of an action that broke or refused.
pub(super) fn error(code: u32, message: &str) -> Value {
    let code = adit_chain::ErrorCode(code).to_string();
    value::map([("code", value::text(&code)), ("message", value::text(message))])
}
