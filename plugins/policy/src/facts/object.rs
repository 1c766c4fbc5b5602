//! Values with named fields, each computed when it is first read.

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, OnceLock},
};

use cel::{
    ExecutionError,
    common::{
        traits::{Adder, Comparer, Container, Indexer, Iterable, Sizer, Zeroer},
        types::{self, CelInt, CelMap, CelString},
        value::{Builtin, BuiltinRef, CowVal, Val},
    },
};

use super::{
    fact::{Boxed, Fact, zero},
    keys::{Keys, equal, key, no_such_key},
};
use crate::expr::{Field, Type};

/// A value with named fields. If it has a text, it is a string for all that strings can do.
#[derive(Clone)]
pub(super) struct Object<'v>(Arc<Inner<'v>>);

struct Inner<'v> {
    fields: &'static [Field],
    text: Option<CelString<'v>>,
    read: Box<Read<'v>>,
    /// What was read, by field. `None`: it has no value.
    cells: Box<[OnceLock<Option<Boxed<'v>>>]>,
    /// The fields that have a value.
    keys: OnceLock<Box<[CelString<'static>]>>,
}

type Read<'v> = dyn Fn(&'static str, Type) -> Fact<'v> + Send + Sync + 'v;

impl<'v> Object<'v> {
    /// Fields without a text.
    pub(super) fn new(
        ty: Type,
        read: impl Fn(&'static str, Type) -> Fact<'v> + Send + Sync + 'v,
    ) -> Self {
        Self::build(ty, None, Box::new(read))
    }

    /// A text with fields.
    pub(super) fn with_text(
        ty: Type,
        text: impl Into<Cow<'v, str>>,
        read: impl Fn(&'static str, Type) -> Fact<'v> + Send + Sync + 'v,
    ) -> Self {
        Self::build(ty, Some(CelString::from(text.into())), Box::new(read))
    }

    fn build(ty: Type, text: Option<CelString<'v>>, read: Box<Read<'v>>) -> Self {
        let fields = match ty {
            Type::Object(fields) | Type::Text(fields) => fields,
            _ => &[],
        };
        let cells = fields.iter().map(|_| OnceLock::new()).collect();
        Self(Arc::new(Inner { fields, text, read, cells, keys: OnceLock::new() }))
    }

    fn at(&self, name: &str) -> Option<&Boxed<'v>> {
        let Inner { fields, read, cells, .. } = &*self.0;
        let n = fields.iter().position(|field| field.name == name)?;
        let Field { name, ty } = fields[n];
        let known = cells[n].get_or_init(|| match read(name, ty) {
            Fact::Known(value) => Some(value),
            Fact::Unknown => zero(ty),
            Fact::Absent => None,
        });
        known.as_ref()
    }

    fn keys(&self) -> &[CelString<'static>] {
        self.0.keys.get_or_init(|| {
            let names = self.0.fields.iter().map(|field| field.name);
            names.filter(|name| self.at(name).is_some()).map(CelString::from).collect()
        })
    }
}

impl fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.fields.iter().map(|field| field.name);
        f.debug_set().entries(names).finish()
    }
}

impl<'v> Val for Object<'v> {
    fn get_type(&self) -> &types::Type {
        if self.0.text.is_some() { CelString::cel_type() } else { CelMap::cel_type() }
    }

    fn cel_type() -> &'static types::Type {
        CelMap::cel_type()
    }

    fn as_adder<'b, 'w>(&'b self) -> Option<&'b (dyn Adder + 'w)>
    where
        Self: 'w,
    {
        self.0.text.as_ref().map(|text| text as &(dyn Adder + 'w))
    }

    fn as_comparer(&self) -> Option<&dyn Comparer> {
        self.0.text.as_ref().map(|text| text as &dyn Comparer)
    }

    fn as_container(&self) -> Option<&dyn Container> {
        Some(self)
    }

    fn as_indexer<'b, 'w>(&'b self) -> Option<&'b (dyn Indexer + 'w)>
    where
        Self: 'w,
    {
        Some(self)
    }

    fn into_indexer<'w>(self: Box<Self>) -> Option<Box<dyn Indexer + 'w>>
    where
        Self: 'w,
    {
        Some(self)
    }

    fn as_iterable<'b, 'w>(&'b self) -> Option<&'b (dyn Iterable + 'w)>
    where
        Self: 'w,
    {
        self.0.text.is_none().then_some(self as &(dyn Iterable + 'w))
    }

    fn as_sizer(&self) -> Option<&dyn Sizer> {
        Some(self)
    }

    fn as_zeroer(&self) -> Option<&dyn Zeroer> {
        self.0.text.as_ref().map(|text| text as &dyn Zeroer)
    }

    fn equals(&self, other: &dyn Val) -> bool {
        match &self.0.text {
            Some(text) => text.equals(other),
            None => equal(self, other),
        }
    }

    fn clone_as_boxed<'w>(&self) -> Box<dyn Val + 'w>
    where
        Self: 'w,
    {
        Box::new(self.clone())
    }

    fn as_builtin<'b, 'w>(&'b self) -> BuiltinRef<'b, 'w>
    where
        Self: 'w,
    {
        self.0.text.as_ref().map_or(BuiltinRef::Other, BuiltinRef::String)
    }

    fn into_builtin<'w>(self: Box<Self>) -> Option<Builtin<'w>>
    where
        Self: 'w,
    {
        self.0.text.clone().map(Builtin::String)
    }
}

impl Container for Object<'_> {
    fn contains(&self, value: &dyn Val) -> Result<bool, ExecutionError> {
        Ok(self.at(key(value)?).is_some())
    }
}

impl<'v> Indexer for Object<'v> {
    fn get<'b, 'w>(&'b self, index: &dyn Val) -> Result<CowVal<'b, 'w>, ExecutionError>
    where
        Self: 'w,
    {
        let name = key(index)?;
        let value = self.at(name).ok_or_else(|| no_such_key(name))?;
        Ok(CowVal::Borrowed(value.as_ref()))
    }

    fn steal<'w>(self: Box<Self>, index: &dyn Val) -> Result<Box<dyn Val + 'w>, ExecutionError>
    where
        Self: 'w,
    {
        self.get(index).map(CowVal::into_owned)
    }
}

impl Iterable for Object<'_> {
    fn iter<'b, 'w>(&'b self) -> Box<dyn cel::common::traits::Iterator<'b, 'w> + 'b>
    where
        Self: 'w,
    {
        Box::new(Keys::of(self.keys()))
    }
}

impl Sizer for Object<'_> {
    fn size(&self) -> CelInt {
        match &self.0.text {
            Some(text) => text.size(),
            None => super::fact::len(self.keys().len()),
        }
    }
}
