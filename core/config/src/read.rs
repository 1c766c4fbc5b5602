//! From [`Node`]s to typed values. Every problem is noted and reading goes on.

use std::{path::PathBuf, sync::Arc, time::Duration};

use serde_json::{Value as Json, json};

use crate::{
    diagnostic::{Diagnostic, Diagnostics},
    nearest::nearest,
    node::{Key, Node, Plain, Pos, Value},
    place::{At, Place},
    schema::{self, Schemas},
    secret::Secret,
    unit::{ByteSize, parse_duration},
};

/// Collects what is wrong with one file while it is read.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) file: Arc<str>,
    pub(crate) problems: Diagnostics,
    /// Keys that are known, but not where reading is now, and what to say about them.
    pub(crate) elsewhere: Option<(&'static [&'static str], &'static str)>,
}

impl Reader {
    pub(crate) fn new(file: &str) -> Self {
        Self { file: Arc::from(file), problems: Diagnostics::default(), elsewhere: None }
    }

    pub(crate) fn place(&self, pos: Pos) -> Place {
        pos.in_file(&self.file)
    }

    pub(crate) fn error(&mut self, pos: Pos, message: impl Into<String>) {
        self.problems.push(Diagnostic::new(self.place(pos), message));
    }

    /// Notes that something else was expected, and gives up on this value only.
    pub(crate) fn expected<T>(&mut self, what: &str, node: &Node) -> Option<T> {
        self.error(node.pos, format!("expected {what}, found {}", node.noun()));
        None
    }

    pub(crate) fn map<'n>(&mut self, node: &'n Node) -> Option<&'n [(Key, Node)]> {
        match &node.value {
            Value::Map(entries) => Some(entries),
            _ => self.expected("a map", node),
        }
    }

    pub(crate) fn text<'n>(&mut self, what: &str, node: &'n Node) -> Option<&'n str> {
        match &node.value {
            Value::Scalar(s) if s.plain() != Plain::Null => Some(&s.text),
            _ => self.expected(what, node),
        }
    }

    /// Notes a key that the map does not have, with the known key that it resembles.
    pub(crate) fn unknown_key(&mut self, key: &Key, known: &[&str]) {
        if self.problems.is_full() {
            return self.error(key.pos, "");
        }
        let hint = match self.elsewhere {
            Some((keys, hint)) if keys.contains(&key.text.as_str()) => Some(hint.to_owned()),
            _ => {
                let here = nearest(&key.text, known.iter().copied());
                here.map(|k| format!("did you mean \"{k}\"?")).or_else(|| {
                    let (keys, hint) = self.elsewhere?;
                    let near = nearest(&key.text, keys.iter().copied())?;
                    Some(format!("did you mean \"{near}\"? {hint}"))
                })
            }
        };
        let place = self.place(key.pos);
        let mut d = Diagnostic::new(place, format!("unknown key {:?}", key.text));
        d.hint = hint;
        self.problems.push(d);
    }
}

/// A type that can be read from a file.
pub(crate) trait Read: Sized {
    /// `None` when something is wrong, which has then been noted.
    fn read(node: &Node, r: &mut Reader) -> Option<Self>;

    /// What `read` accepts, for editors. It may accept more, where a value needs more than a look
    /// at its shape, but never less.
    fn schema(s: &mut Schemas) -> Json;
}

impl<T: Read> Read for At<T> {
    fn read(node: &Node, r: &mut Reader) -> Option<Self> {
        let value = T::read(node, r)?;
        Some(Self::new(value, r.place(node.pos)))
    }

    fn schema(s: &mut Schemas) -> Json {
        T::schema(s)
    }
}

impl<T: Read> Read for Secret<T> {
    fn read(node: &Node, r: &mut Reader) -> Option<Self> {
        T::read(node, r).map(Self::new)
    }

    fn schema(s: &mut Schemas) -> Json {
        T::schema(s)
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(node: &Node, r: &mut Reader) -> Option<Self> {
        match &node.value {
            Value::List(items) => Some(items.iter().filter_map(|n| T::read(n, r)).collect()),
            _ => r.expected("a list", node),
        }
    }

    fn schema(s: &mut Schemas) -> Json {
        json!({ "type": "array", "items": T::schema(s) })
    }
}

/// Numbers and booleans are strings where a string is wanted: `metadata: 42`.
impl Read for String {
    fn read(node: &Node, r: &mut Reader) -> Option<Self> {
        r.text("a string", node).map(str::to_owned)
    }

    fn schema(_: &mut Schemas) -> Json {
        schema::text()
    }
}

impl Read for PathBuf {
    fn read(node: &Node, r: &mut Reader) -> Option<Self> {
        r.text("a path", node).map(Self::from)
    }

    fn schema(_: &mut Schemas) -> Json {
        schema::text()
    }
}

/// The older spellings `yes`, `no`, `on`, `off` are understood, as the reference does.
impl Read for bool {
    fn read(node: &Node, r: &mut Reader) -> Option<Self> {
        let Value::Scalar(s) = &node.value else { return r.expected("true or false", node) };
        match s.text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "y" => Some(true),
            "false" | "no" | "off" | "n" => Some(false),
            _ => r.expected("true or false", node),
        }
    }

    fn schema(_: &mut Schemas) -> Json {
        schema::boolean()
    }
}

impl Read for f64 {
    fn read(node: &Node, r: &mut Reader) -> Option<Self> {
        let text = r.text("a number", node)?;
        let number = text.parse().ok().filter(|x: &Self| x.is_finite());
        if number.is_none() {
            r.error(node.pos, format!("{text:?} is not a number"));
        }
        number
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({ "type": ["number", "string"] })
    }
}

macro_rules! read_integer {
    ($($ty:ty),*) => {$(
        impl Read for $ty {
            fn read(node: &Node, r: &mut Reader) -> Option<Self> {
                let text = r.text("a whole number", node)?;
                match text.parse() {
                    Ok(n) => Some(n),
                    Err(_) => {
                        let (min, max) = (<$ty>::MIN, <$ty>::MAX);
                        let range = match text.parse::<i128>() {
                            Ok(_) => format!(" from {min} to {max}"),
                            Err(_) => String::new(),
                        };
                        r.error(node.pos, format!("{text:?} is not a whole number{range}"));
                        None
                    }
                }
            }

            fn schema(_: &mut Schemas) -> Json {
                schema::integer(Json::from(<$ty>::MIN), Json::from(<$ty>::MAX))
            }
        }
    )*};
}
read_integer!(i64, u16, u32, usize);

/// Reads scalars with the type's own parser, whose error becomes the message. The pattern is what it
/// accepts, at least; `Number` says which values without quotes and unit are among them.
macro_rules! read_scalar {
    ($($ty:ty: $parse:expr, $what:literal, $pattern:expr, $number:expr;)*) => {$(
        impl $crate::read::Read for $ty {
            fn read(node: &$crate::node::Node, r: &mut $crate::read::Reader) -> Option<Self> {
                let text = r.text($what, node)?;
                match $parse(text) {
                    Ok(value) => Some(value),
                    Err(error) => {
                        r.error(node.pos, error.to_string());
                        None
                    }
                }
            }

            fn schema(_: &mut $crate::schema::Schemas) -> serde_json::Value {
                $crate::schema::pattern($what, $pattern, $number)
            }
        }
    )*};
}
pub(crate) use read_scalar;

read_scalar! {
    Duration: parse_duration, "a duration",
        "^(0|(([0-9]+\\.?[0-9]*|\\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$", schema::Number::Zero;
    ByteSize: str::parse::<ByteSize>, "a size", "^[0-9]+\\s*([kKmMgG]([iI]?[bB])?|[bB])?$",
        schema::Number::Whole;
}

/// An enum that is written as one of a few words.
macro_rules! choice {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[doc = $vdoc:literal])* $word:literal => $variant:ident,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name { $($(#[doc = $vdoc])* $variant,)* }

        impl $name {
            /// Every word that may be written.
            pub const WORDS: &'static [&'static str] = &[$($word),*];

            /// The word that is written for it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::read::NotAChoice;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    _ => Err($crate::read::NotAChoice::new(text, Self::WORDS)),
                }
            }
        }

        impl $crate::read::Read for $name {
            fn read(node: &$crate::node::Node, r: &mut $crate::read::Reader) -> Option<Self> {
                let text = r.text(&format!("one of {}", Self::WORDS.join(", ")), node)?;
                match text.parse() {
                    Ok(value) => Some(value),
                    Err(error) => {
                        let error: $crate::read::NotAChoice = error;
                        r.error(node.pos, error.to_string());
                        None
                    }
                }
            }

            fn schema(_: &mut $crate::schema::Schemas) -> serde_json::Value {
                $crate::schema::words(&[$(($word, concat!($($vdoc),*))),*])
            }
        }
    };
}
pub(crate) use choice;

/// A word that is not among those that may be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not one of {}", words.join(", "))]
pub struct NotAChoice {
    text: String,
    words: &'static [&'static str],
}

impl NotAChoice {
    pub(crate) fn new(text: &str, words: &'static [&'static str]) -> Self {
        Self { text: text.to_owned(), words }
    }
}
