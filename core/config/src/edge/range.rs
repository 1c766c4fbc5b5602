//! Which values of a limit can be kept.

use std::{ops::RangeInclusive, time::Duration};

use serde_json::{Value as Json, json};

use crate::{
    diagnostic::{Diagnostic, Diagnostics},
    node::Node,
    place::At,
    read::{Read, Reader},
    schema::Schemas,
    unit::ByteSize,
};

/// Notes a value that cannot be kept: nothing is replaced by another value in silence.
pub(super) fn check<T: PartialOrd + Shown>(
    written: &At<T>,
    range: &RangeInclusive<T>,
    problems: &mut Diagnostics,
) {
    if !range.contains(&written.value) {
        let (min, max) = (range.start().shown(), range.end().shown());
        let message = format!("{} is not from {min} to {max}", written.value.shown());
        problems.push(Diagnostic::new(written.place.clone(), message));
    }
}

/// A value as it is written in a file.
pub(super) trait Shown {
    fn shown(&self) -> String;
}

macro_rules! shown {
    ($($ty:ty: $format:literal;)*) => {
        $(impl Shown for $ty {
            fn shown(&self) -> String {
                format!($format, self)
            }
        })*
    };
}

shown! {
    ByteSize: "{}";
    Duration: "{:?}";
    u32: "{}";
    usize: "{}";
}

/// A limit that may be absent, which is written as `false`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtMost {
    /// So many.
    N(u32),
    /// Any number.
    Unlimited,
}

impl Read for AtMost {
    fn read(node: &Node, r: &mut Reader) -> Option<Self> {
        match r.text("a whole number, or false", node)? {
            "false" => Some(Self::Unlimited),
            _ => u32::read(node, r).map(Self::N),
        }
    }

    fn schema(s: &mut Schemas) -> Json {
        json!({ "anyOf": [u32::schema(s), { "enum": [false, "false"] }] })
    }
}
