//! What the answer to a name may be, and how it becomes a value.

use std::{borrow::Cow, net::IpAddr, time::SystemTime};

use cel::{
    Value,
    common::{
        types::{CelBool, CelBytes, CelInt, CelList, CelNull, CelString, CelTimestamp},
        value::Val,
    },
};
use chrono::{DateTime, FixedOffset, Utc};

use super::{multi::Multi, object::Object};
use crate::expr::Type;

pub(super) type Boxed<'v> = Box<dyn Val + 'v>;

/// The answer to a name.
pub(super) enum Fact<'v> {
    Known(Boxed<'v>),
    /// It has no value right now, and reads as its type's zero.
    Unknown,
    /// It is not there, and reading it is an error.
    Absent,
}

impl<'v> Fact<'v> {
    pub(super) fn bool(is: bool) -> Self {
        Self::Known(Box::new(CelBool::from(is)))
    }

    pub(super) fn bytes(bytes: Vec<u8>) -> Self {
        Self::Known(Box::new(CelBytes::from(bytes)))
    }

    pub(super) fn int(number: impl TryInto<i64>) -> Self {
        Self::Known(Box::new(CelInt::from(number.try_into().unwrap_or(i64::MAX))))
    }

    pub(super) fn text(text: impl Into<Cow<'v, str>>) -> Self {
        Self::Known(Box::new(CelString::from(text.into())))
    }

    /// A text that may not be there.
    pub(super) fn maybe(text: Option<impl Into<Cow<'v, str>>>) -> Self {
        text.map_or(Self::Unknown, Self::text)
    }

    /// An address in its usual form: those of IPv4 that came as IPv6 are those of IPv4.
    pub(super) fn ip(ip: IpAddr) -> Cow<'static, str> {
        ip.to_canonical().to_string().into()
    }

    pub(super) fn time(at: SystemTime) -> Self {
        Self::timestamp(DateTime::<Utc>::from(at).fixed_offset())
    }

    pub(super) fn timestamp(at: DateTime<FixedOffset>) -> Self {
        Self::Known(Box::new(CelTimestamp::from(at)))
    }

    pub(super) fn list(items: Vec<Boxed<'v>>) -> Self {
        Self::Known(Box::new(CelList::from(items)))
    }

    pub(super) fn texts(texts: impl IntoIterator<Item = impl Into<Cow<'v, str>>>) -> Self {
        let texts = texts.into_iter();
        Self::list(texts.map(|text| Box::new(CelString::from(text.into())) as Boxed<'v>).collect())
    }

    pub(super) fn object(
        ty: Type,
        read: impl Fn(&'static str, Type) -> Self + Send + Sync + 'v,
    ) -> Self {
        Self::Known(Box::new(Object::new(ty, read)))
    }

    /// A text with fields.
    pub(super) fn with_text(
        ty: Type,
        text: impl Into<Cow<'v, str>>,
        read: impl Fn(&'static str, Type) -> Self + Send + Sync + 'v,
    ) -> Self {
        Self::Known(Box::new(Object::with_text(ty, text, read)))
    }

    pub(super) fn value(value: &Value) -> Self {
        Self::Known(val(value))
    }
}

/// A value that is kept, as one that is evaluated.
pub(super) fn val<'v>(value: &Value) -> Boxed<'v> {
    // Only functions cannot be values, and none are kept.
    Boxed::<'static>::try_from(value.clone()).unwrap_or_else(|_| Box::new(CelNull))
}

/// What a name of that type reads as while it has no value. `None`: it cannot be read.
pub(super) fn zero<'v>(ty: Type) -> Option<Boxed<'v>> {
    Some(match ty {
        Type::Bool => Box::new(CelBool::from(false)),
        Type::Bytes => Box::new(CelBytes::from(Vec::new())),
        Type::Double => Box::new(cel::common::types::CelDouble::from(0.0)),
        Type::Int => Box::new(CelInt::from(0)),
        Type::String => Box::new(CelString::from("")),
        Type::List(_) => Box::new(CelList::from(Vec::new())),
        Type::Map(_) => Box::new(cel::common::types::CelMap::default()),
        Type::Multi(_) => Box::new(Multi::default()),
        Type::Object(_) => Box::new(Object::new(ty, |_, _| Fact::Unknown)),
        Type::Text(_) => Box::new(Object::with_text(ty, "", |_, _| Fact::Unknown)),
        Type::Any | Type::Null => Box::new(CelNull),
        Type::Duration | Type::Timestamp => return None,
    })
}

pub(super) fn len(n: usize) -> CelInt {
    CelInt::from(i64::try_from(n).unwrap_or(i64::MAX))
}
