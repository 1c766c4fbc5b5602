//! What is wrong with an expression, or went wrong with it.

use cel::{ExecutionError, ParseErrors, Value};

/// What is wrong with an expression, or went wrong with it. For logs: it can name keys and formats
/// that came with a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ExprError {
    pub(crate) kind: ExprErrorKind,
    pub(crate) message: String,
}

/// What a mistake of an expression counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExprErrorKind {
    /// It does not compile.
    Compile,
    /// Its evaluation failed.
    Expression,
    /// The evaluation of one inside a text failed.
    Interpolation,
    /// It took too many steps or made too large a value.
    Limit,
}

impl ExprErrorKind {
    /// The code that clients know for it.
    pub(crate) const fn code(self) -> u32 {
        match self {
            Self::Compile => 2200,
            Self::Expression => 2254,
            Self::Interpolation => 2238,
            Self::Limit => 2249,
        }
    }
}

impl ExprError {
    /// The code that clients know for it.
    pub(crate) const fn code(&self) -> u32 {
        self.kind.code()
    }

    /// It does not compile.
    pub(super) fn compile(message: impl Into<String>) -> Self {
        Self { kind: ExprErrorKind::Compile, message: message.into() }
    }

    /// It is no expression. The first mistake is told; those after it are often its consequences.
    pub(super) fn syntax(errors: ParseErrors) -> Self {
        let Some(error) = errors.errors.into_iter().next() else {
            return Self::compile("not an expression");
        };
        // The parser lists everything that it would have taken instead.
        let what = error.msg.split(" expecting ").next().unwrap_or_default();
        let what = what.trim_start_matches("Syntax error: ").replace("'<EOF>'", "the end");
        // The parser has no words for this, and shows its own structures instead.
        let what = if what.contains("Recursion limit") { "nests too deeply".into() } else { what };
        Self::compile(match error.pos {
            (..1, _) => what,
            (1, column) => format!("{what} (column {})", column + 1),
            (line, column) => format!("{what} (line {line}, column {})", column + 1),
        })
    }

    /// It costs too much.
    pub(super) fn limit(message: impl Into<String>) -> Self {
        Self { kind: ExprErrorKind::Limit, message: message.into() }
    }

    /// Its evaluation failed.
    pub(super) fn execution(error: ExecutionError) -> Self {
        Self { kind: ExprErrorKind::Expression, message: describe(&error) }
    }

    /// The same, of an expression inside a text.
    pub(super) fn in_text(self, source: &str) -> Self {
        let kind = match self.kind {
            ExprErrorKind::Expression => ExprErrorKind::Interpolation,
            kind => kind,
        };
        let source: String = source.trim().chars().take(MAX_SHOWN).collect();
        Self { kind, message: format!("${{{source}}}: {}", self.message) }
    }
}

/// Reason: enough to find the expression in a document.
const MAX_SHOWN: usize = 80;
/// Reason: what is in a message beyond its first line or so does not help.
const MAX_MESSAGE_LEN: usize = 200;

/// What went wrong; of values, only their types.
fn describe(error: &ExecutionError) -> String {
    let operator = |name: &str, values: &[&Value]| {
        let types: Vec<_> = values.iter().map(|value| value.type_of().to_string()).collect();
        format!("cannot {name} {}", types.join(" and "))
    };
    let text = match error {
        ExecutionError::NoSuchKey(key) => format!("there is no key {key:?}"),
        ExecutionError::IndexOutOfBounds(_) => "the list has no such element".to_owned(),
        ExecutionError::FunctionError { function, message } => format!("{function}(): {message}"),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "division by zero".to_owned()
        }
        ExecutionError::Overflow(..) => "the number is too large".to_owned(),
        ExecutionError::UnsupportedBinaryOperator(name, left, right) => {
            operator(name, &[left, right])
        }
        ExecutionError::ValuesNotComparable(left, right) => operator("compare", &[left, right]),
        ExecutionError::UnsupportedIndex(key, of) => operator("index", &[of, key]),
        ExecutionError::UnsupportedKeyType(value) => operator("use as a key", &[value]),
        ExecutionError::UnsupportedTargetType { target } => operator("use", &[target]),
        ExecutionError::NotSupportedAsMethod { method, target } => {
            operator(&format!("call {method}() on"), &[target])
        }
        ExecutionError::DuplicateKey(_) => "a map has the same key twice".to_owned(),
        // The others name types and names, no values.
        other => other.to_string(),
    };
    text.chars().take(MAX_MESSAGE_LEN).collect()
}
