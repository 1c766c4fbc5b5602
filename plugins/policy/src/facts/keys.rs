//! What values with keys have in common.

use std::{slice, sync::Arc};

use cel::{
    ExecutionError,
    common::{
        traits::{Indexer, Iterable, Iterator, Sizer},
        types::{CelString, Kind},
        value::Val,
    },
};

/// Goes through keys.
pub(super) struct Keys<'b, 'k>(slice::Iter<'b, CelString<'k>>);

impl<'b, 'k> Keys<'b, 'k> {
    pub(super) fn of(keys: &'b [CelString<'k>]) -> Self {
        Self(keys.iter())
    }
}

impl<'b, 'w, 'k: 'w> Iterator<'b, 'w> for Keys<'b, 'k> {
    fn next(&mut self) -> Option<&'b (dyn Val + 'w)> {
        std::iter::Iterator::next(&mut self.0).map(|key| key as &(dyn Val + 'w))
    }
}

/// The text of a key. All our keys are texts.
pub(super) fn key<'b>(index: &'b (dyn Val + '_)) -> Result<&'b str, ExecutionError> {
    let text = index.downcast_ref::<CelString<'_>>();
    text.map(CelString::inner).ok_or_else(|| ExecutionError::UnexpectedType {
        got: index.get_type().name().to_owned(),
        want: "string".to_owned(),
    })
}

pub(super) fn no_such_key(key: &str) -> ExecutionError {
    ExecutionError::NoSuchKey(Arc::new(key.to_owned()))
}

/// Whether two values have the same keys with equal values.
pub(super) fn equal<T: Indexer + Iterable + Sizer>(this: &T, other: &dyn Val) -> bool {
    let same_size = || Some(this.size() == other.as_sizer()?.size());
    if other.get_type().kind() != Kind::Map || same_size() != Some(true) {
        return false;
    }
    let Some(others) = other.as_indexer() else { return false };
    let mut keys = this.iter();
    while let Some(key) = keys.next() {
        let (Ok(ours), Ok(theirs)) = (this.get(key), others.get(key)) else { return false };
        if !ours.equals(theirs.as_ref()) {
            return false;
        }
    }
    true
}
