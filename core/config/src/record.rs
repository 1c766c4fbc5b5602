//! Maps with known keys, and how a later one is laid over an earlier one.

use serde_json::{Value as Json, json};

use crate::{
    node::Node,
    place::At,
    read::{Read, Reader},
    schema::Schemas,
};

/// Later values win; maps are merged key by key, lists are replaced as a whole.
pub(crate) trait Merge {
    fn merge(&mut self, later: Self);
}

impl<T> Merge for At<T> {
    fn merge(&mut self, later: Self) {
        *self = later;
    }
}

impl<T: Merge> Merge for Option<T> {
    fn merge(&mut self, later: Self) {
        match (self, later) {
            (Some(earlier), Some(later)) => earlier.merge(later),
            (slot, Some(later)) => *slot = Some(later),
            (_, None) => {}
        }
    }
}

/// A map whose keys the user chooses, in the order of the file.
#[derive(Clone, Debug)]
pub struct Named<T>(pub Vec<(At<String>, T)>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Read> Read for Named<T> {
    fn read(node: &Node, r: &mut Reader) -> Option<Self> {
        let entries = r.map(node)?;
        let read = entries.iter().filter_map(|(key, value)| {
            let name = At::new(key.text.clone(), r.place(key.pos));
            T::read(value, r).map(|value| (name, value))
        });
        Some(Self(read.collect()))
    }

    fn schema(s: &mut Schemas) -> Json {
        json!({ "type": "object", "additionalProperties": T::schema(s) })
    }
}

impl<T: Merge> Merge for Named<T> {
    fn merge(&mut self, later: Self) {
        for (name, value) in later.0 {
            match self.0.iter_mut().find(|(n, _)| n.value == name.value) {
                Some((_, earlier)) => earlier.merge(value),
                None => self.0.push((name, value)),
            }
        }
    }
}

/// A map with known keys: every field is optional, is named as its key, and has its own docs.
macro_rules! record {
    ($(#[doc = $doc:literal])* pub struct $name:ident { $($(#[doc = $fdoc:literal])* $field:ident: $ty:ty,)* }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, Default)]
        pub struct $name { $($(#[doc = $fdoc])* pub $field: Option<$ty>,)* }

        impl $name {
            /// Every key that may be written.
            pub const KEYS: &'static [&'static str] = &[$(stringify!($field)),*];

            /// What may be written behind each key.
            pub(crate) fn properties(
                s: &mut $crate::schema::Schemas,
            ) -> $crate::schema::Properties {
                let mut properties = $crate::schema::Properties::new();
                $(properties.insert(
                    stringify!($field).to_owned(),
                    $crate::schema::property(
                        <$ty as $crate::read::Read>::schema(s),
                        concat!($($fdoc),*),
                    ),
                );)*
                properties
            }
        }

        impl $crate::read::Read for $name {
            fn read(node: &$crate::node::Node, r: &mut $crate::read::Reader) -> Option<Self> {
                let mut record = Self::default();
                for (key, value) in r.map(node)? {
                    match key.text.as_str() {
                        // A key with nothing after it counts as not written.
                        $(stringify!($field) => if !value.is_null() {
                            record.$field = $crate::read::Read::read(value, r);
                        },)*
                        _ => r.unknown_key(key, Self::KEYS),
                    }
                }
                Some(record)
            }

            fn schema(s: &mut $crate::schema::Schemas) -> serde_json::Value {
                s.define(stringify!($name), |s| {
                    $crate::schema::object(concat!($($doc),*), Self::properties(s))
                })
            }
        }

        impl $crate::record::Merge for $name {
            fn merge(&mut self, later: Self) {
                $($crate::record::Merge::merge(&mut self.$field, later.$field);)*
            }
        }
    };
}
pub(crate) use record;
