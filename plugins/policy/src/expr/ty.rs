//! What is known of a value before anything happened: enough to find misspelt names.

use std::fmt;

use crate::phase::Phase;

/// The type of a value, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// Anything; nothing below it is checked.
    Any,
    Bool,
    Bytes,
    Double,
    Duration,
    Int,
    /// A list of one type.
    List(&'static Self),
    /// A map from strings to one type; which keys are there is not known.
    Map(&'static Self),
    /// A map from strings to lists of one type, in which an absent key is the empty list.
    Multi(&'static Self),
    Null,
    /// These fields and no others.
    Object(&'static [Field]),
    String,
    /// A string that has these fields too.
    Text(&'static [Field]),
    Timestamp,
}

impl Type {
    /// Whether no value of it is a boolean.
    pub(crate) const fn is_surely_not_bool(self) -> bool {
        !matches!(self, Self::Any | Self::Bool)
    }

    /// Whether its values can be strings.
    pub(super) const fn is_text(self) -> bool {
        matches!(self, Self::Any | Self::String | Self::Text(_))
    }

    /// Whether `in` can look into it.
    pub(super) const fn has_members(self) -> bool {
        matches!(self, Self::Any | Self::List(_) | Self::Map(_) | Self::Multi(_) | Self::Object(_))
    }

    /// The same type, or [`Type::Any`] for one that is made of others.
    pub(super) const fn to_static(self) -> &'static Self {
        match self {
            Self::Bool => &Self::Bool,
            Self::Bytes => &Self::Bytes,
            Self::Double => &Self::Double,
            Self::Duration => &Self::Duration,
            Self::Int => &Self::Int,
            Self::Null => &Self::Null,
            Self::String => &Self::String,
            Self::Timestamp => &Self::Timestamp,
            Self::Any
            | Self::List(_)
            | Self::Map(_)
            | Self::Multi(_)
            | Self::Object(_)
            | Self::Text(_) => &Self::Any,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "a value",
            Self::Bool => "true or false",
            Self::Bytes => "bytes",
            Self::Double | Self::Int => "a number",
            Self::Duration => "a duration",
            Self::List(_) => "a list",
            Self::Map(_) | Self::Multi(_) => "a map",
            Self::Null => "null",
            Self::Object(_) => "an object",
            Self::String | Self::Text(_) => "a text",
            Self::Timestamp => "a timestamp",
        })
    }
}

/// A field of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) ty: Type,
}

impl Field {
    /// A field with its type.
    pub(crate) const fn new(name: &'static str, ty: Type) -> Self {
        Self { name, ty }
    }
}

/// A name that expressions start with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Root {
    pub(crate) name: &'static str,
    /// The phases that know it.
    pub(crate) phases: &'static [Phase],
    pub(crate) ty: Type,
}
