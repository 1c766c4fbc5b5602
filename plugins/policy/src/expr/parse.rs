//! From text to tree.

use std::thread;

use cel::{Env, IdedExpr, common::ast::SourceInfo};

use super::{ExprError, limits::MAX_SOURCE_LEN};

/// Reason: the parser recurses about twenty times for each level of an expression, and once for
/// each link of a chain. This is room for all that fits into a source; what is not used is not
/// taken from the system.
const STACK_SIZE: usize = 64 * 1024 * 1024;

/// Parses an expression, without macros, and hands its tree on; what is refused there may be deep.
/// Both run on a stack of their own.
pub(super) fn parse<T: Send>(
    source: &str,
    then: impl FnOnce(IdedExpr, &SourceInfo) -> Result<T, ExprError> + Send,
) -> Result<T, ExprError> {
    if source.len() > MAX_SOURCE_LEN {
        return Err(ExprError::compile(format!(
            "the expression has more than {MAX_SOURCE_LEN} bytes"
        )));
    }
    if source.trim().is_empty() {
        return Err(ExprError::compile("the expression is empty"));
    }
    let compile = || {
        let parsed = Env::default().parser().parse_with_source_info(source);
        let (ast, positions) = parsed.map_err(ExprError::syntax)?;
        then(ast, &positions)
    };
    thread::scope(|scope| {
        let compiling = thread::Builder::new()
            .name("expression".into())
            .stack_size(STACK_SIZE)
            .spawn_scoped(scope, compile);
        match compiling.map(thread::ScopedJoinHandle::join) {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(ExprError::compile("the expression cannot be parsed")),
            Err(error) => {
                Err(ExprError::compile(format!("the expression cannot be parsed: {error}")))
            }
        }
    })
}
