//! Rust functions as functions of expressions.

use cel::{
    ExecutionError, Value,
    common::{
        types::{CelBool, CelBytes, CelDouble, CelInt, CelString},
        value::{BuiltinRef, CowVal, Val},
    },
};

use crate::expr::{convert, limits};

/// A value as an argument.
pub(super) type AnyVal<'a> = &'a (dyn Val + 'a);

/// What an argument can be.
pub(super) trait Arg<'a>: Sized {
    /// The argument, if it is of this type.
    fn of(val: AnyVal<'a>) -> Option<Self>;
}

impl<'a> Arg<'a> for AnyVal<'a> {
    fn of(val: Self) -> Option<Self> {
        Some(val)
    }
}

impl<'a> Arg<'a> for &'a str {
    fn of(val: AnyVal<'a>) -> Option<Self> {
        val.downcast_ref::<CelString<'_>>().map(CelString::inner)
    }
}

impl<'a> Arg<'a> for &'a [u8] {
    fn of(val: AnyVal<'a>) -> Option<Self> {
        val.downcast_ref::<CelBytes<'_>>().map(CelBytes::inner)
    }
}

impl Arg<'_> for i64 {
    fn of(val: AnyVal<'_>) -> Option<Self> {
        val.downcast_ref::<CelInt>().map(|number| *number.inner())
    }
}

/// What a function can return. Its size is counted.
pub(super) trait Answer {
    /// The result for the engine.
    fn answer<'v>(self) -> Result<Box<dyn Val + 'v>, ExecutionError>;
}

macro_rules! answers {
    ($($rust:ty => $cel:ty),*) => {$(
        impl Answer for $rust {
            fn answer<'v>(self) -> Result<Box<dyn Val + 'v>, ExecutionError> {
                Ok(Box::new(<$cel>::from(self)))
            }
        }
    )*};
}

answers!(bool => CelBool, i64 => CelInt, f64 => CelDouble);

impl Answer for String {
    fn answer<'v>(self) -> Result<Box<dyn Val + 'v>, ExecutionError> {
        limits::count_size(self.len())?;
        Ok(Box::new(CelString::from(self)))
    }
}

impl Answer for Vec<u8> {
    fn answer<'v>(self) -> Result<Box<dyn Val + 'v>, ExecutionError> {
        limits::count_size(self.len())?;
        Ok(Box::new(CelBytes::from(self)))
    }
}

impl Answer for Value {
    fn answer<'v>(self) -> Result<Box<dyn Val + 'v>, ExecutionError> {
        let val = convert::to_val(self)?;
        limits::count_size(limits::size_of(val.as_ref()))?;
        Ok(val)
    }
}

impl<T: Answer> Answer for Result<T, ExecutionError> {
    fn answer<'v>(self) -> Result<Box<dyn Val + 'v>, ExecutionError> {
        self?.answer()
    }
}

/// The next argument of a call, looking through it counted; says which function wanted another.
pub(super) fn next<'a, T: Arg<'a>>(
    function: &str,
    args: &mut std::slice::Iter<'a, CowVal<'_, 'a>>,
) -> Result<T, ExecutionError> {
    let val = args.next().ok_or_else(ExecutionError::missing_argument_or_target)?;
    if let BuiltinRef::String(text) = val.as_builtin() {
        limits::count_work(text.inner().len())?;
    }
    T::of(val.as_ref()).ok_or_else(|| {
        ExecutionError::no_such_overload(
            function.trim_start_matches('@'),
            vec![val.get_type().name().to_owned()],
        )
    })
}

/// Adds a function to an environment: `define!(env, "@name", |s: &str, n: i64| -> i64 { … })`.
macro_rules! define {
    ($env:expr, $name:literal, || -> $out:ty $body:block) => {{
        fn call<'b, 'v>(
            _: Vec<cel::common::value::CowVal<'b, 'v>>,
        ) -> Result<cel::common::value::CowVal<'b, 'v>, cel::ExecutionError> {
            fn function() -> $out $body
            let out = $crate::expr::library::args::Answer::answer(function())?;
            Ok(cel::common::value::CowVal::Owned(out))
        }
        $env.add_overload($name, $name, Vec::new(), call)
    }};
    ($env:expr, $name:literal, |$($arg:ident: $ty:ty),+| -> $out:ty $body:block) => {{
        fn call<'b, 'v>(
            args: Vec<cel::common::value::CowVal<'b, 'v>>,
        ) -> Result<cel::common::value::CowVal<'b, 'v>, cel::ExecutionError> {
            fn function($($arg: $ty),+) -> $out $body
            let mut args = args.iter();
            $(let $arg = $crate::expr::library::args::next($name, &mut args)?;)+
            let out = $crate::expr::library::args::Answer::answer(function($($arg),+))?;
            Ok(cel::common::value::CowVal::Owned(out))
        }
        let types = vec![$({
            let _ = stringify!($arg);
            cel::common::types::DYN_TYPE
        }),+];
        $env.add_overload($name, concat!($name, $(" ", stringify!($arg)),+), types, call)
    }};
}
pub(super) use define;
