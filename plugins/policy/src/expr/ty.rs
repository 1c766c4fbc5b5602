//! What is known of a value before anything happened: enough to find misspelt names.

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
    List(&'static Type),
    /// A map from strings to one type; which keys are there is not known.
    Map(&'static Type),
    /// A map from strings to lists of one type, in which an absent key is the empty list.
    Multi(&'static Type),
    Null,
    /// These fields and no others.
    Object(&'static [Field]),
    String,
    /// A string that has these fields too.
    Text(&'static [Field]),
    Timestamp,
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
