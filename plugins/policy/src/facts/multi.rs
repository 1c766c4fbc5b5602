//! Maps from texts to lists, in which an absent key is the empty list: headers, query parameters,
//! cookies.

use std::{
    borrow::Cow,
    collections::{HashMap, hash_map::Entry},
    fmt,
    sync::{Arc, OnceLock},
};

use cel::{
    ExecutionError,
    common::{
        traits::{Container, Indexer, Iterable, Sizer},
        types::{self, CelInt, CelList, CelMap, CelString},
        value::{CowVal, Val},
    },
};
use http::HeaderMap;

use super::{
    fact::{Boxed, len},
    keys::{Keys, equal, key},
};

/// Such a map.
#[derive(Clone, Default)]
pub(super) struct Multi<'v>(Arc<Lists<'v>>);

#[derive(Default)]
struct Lists<'v> {
    entries: Entries<'v>,
    keys: OnceLock<Box<[CelString<'v>]>>,
}

/// How the names of pairs are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// As they are.
    Exact,
    /// In any case; they are in lower case.
    Folded,
}

/// Where the lists are.
enum Entries<'v> {
    /// Names are in lower case, and looked up in any.
    Headers(&'v HeaderMap),
    /// The keys are in the order of the first of each name.
    Pairs(HashMap<String, CelList<'v>>, Names),
}

impl Names {
    fn fold(self, name: &str) -> Cow<'_, str> {
        match self {
            Self::Exact => name.into(),
            Self::Folded => name.to_ascii_lowercase().into(),
        }
    }
}

impl Default for Entries<'_> {
    fn default() -> Self {
        Self::Pairs(HashMap::new(), Names::Exact)
    }
}

impl<'v> Multi<'v> {
    /// Headers.
    pub(super) fn headers(headers: &'v HeaderMap) -> Self {
        let entries = Entries::Headers(headers);
        Self(Arc::new(Lists { entries, keys: OnceLock::new() }))
    }

    /// Names with a value each; those of the same name become one list.
    pub(super) fn pairs(
        pairs: impl IntoIterator<Item = (String, Boxed<'v>)>,
        names: Names,
    ) -> Self {
        let mut lists: HashMap<String, Vec<Boxed<'v>>> = HashMap::new();
        let mut keys = Vec::new();
        for (name, value) in pairs {
            match lists.entry(name) {
                Entry::Occupied(mut values) => values.get_mut().push(value),
                Entry::Vacant(place) => {
                    keys.push(CelString::from(place.key().clone()));
                    place.insert(vec![value]);
                }
            }
        }
        let lists = lists.into_iter().map(|(name, values)| (name, CelList::from(values)));
        let entries = Entries::Pairs(lists.collect(), names);
        Self(Arc::new(Lists { entries, keys: OnceLock::from(keys.into_boxed_slice()) }))
    }

    fn has(&self, name: &str) -> bool {
        match &self.0.entries {
            Entries::Headers(headers) => headers.contains_key(name),
            Entries::Pairs(lists, names) => lists.contains_key(&*names.fold(name)),
        }
    }

    fn list<'b, 'w>(&'b self, name: &str) -> CowVal<'b, 'w>
    where
        'v: 'w,
    {
        match &self.0.entries {
            Entries::Headers(headers) => {
                let values = headers.get_all(name).into_iter();
                let texts = values.map(|value| String::from_utf8_lossy(value.as_bytes()));
                let texts = texts.map(|text| Box::new(CelString::from(text)) as Boxed<'v>);
                CowVal::owned(CelList::from(texts.collect::<Vec<_>>()))
            }
            Entries::Pairs(lists, names) => match lists.get(&*names.fold(name)) {
                Some(list) => CowVal::Borrowed(list),
                None => CowVal::owned(CelList::from(Vec::new())),
            },
        }
    }

    fn keys(&self) -> &[CelString<'v>] {
        let Lists { entries, keys } = &*self.0;
        keys.get_or_init(|| match entries {
            Entries::Headers(headers) => {
                let headers: &'v HeaderMap = headers;
                headers.keys().map(|name| CelString::from(name.as_str())).collect()
            }
            // Only the empty map was not given its keys.
            Entries::Pairs(..) => Box::default(),
        })
    }
}

impl fmt::Debug for Multi<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names only: values are what visitors sent, secrets among them.
        f.debug_set().entries(self.keys().iter().map(CelString::inner)).finish()
    }
}

impl<'v> Val for Multi<'v> {
    fn get_type(&self) -> &types::Type {
        <Self as Val>::cel_type()
    }

    fn cel_type() -> &'static types::Type {
        CelMap::cel_type()
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

    fn as_iterable<'b, 'w>(&'b self) -> Option<&'b (dyn Iterable + 'w)>
    where
        Self: 'w,
    {
        Some(self)
    }

    fn as_sizer(&self) -> Option<&dyn Sizer> {
        Some(self)
    }

    fn equals(&self, other: &dyn Val) -> bool {
        equal(self, other)
    }

    fn clone_as_boxed<'w>(&self) -> Box<dyn Val + 'w>
    where
        Self: 'w,
    {
        Box::new(self.clone())
    }
}

impl Container for Multi<'_> {
    fn contains(&self, value: &dyn Val) -> Result<bool, ExecutionError> {
        Ok(self.has(key(value)?))
    }
}

impl<'v> Indexer for Multi<'v> {
    fn get<'b, 'w>(&'b self, index: &dyn Val) -> Result<CowVal<'b, 'w>, ExecutionError>
    where
        Self: 'w,
    {
        Ok(self.list(key(index)?))
    }

    fn steal<'w>(self: Box<Self>, index: &dyn Val) -> Result<Box<dyn Val + 'w>, ExecutionError>
    where
        Self: 'w,
    {
        self.get(index).map(CowVal::into_owned)
    }
}

impl<'v> Iterable for Multi<'v> {
    fn iter<'b, 'w>(&'b self) -> Box<dyn cel::common::traits::Iterator<'b, 'w> + 'b>
    where
        Self: 'w,
    {
        Box::new(Keys::of(self.keys()))
    }
}

impl Sizer for Multi<'_> {
    fn size(&self) -> CelInt {
        len(self.keys().len())
    }
}
