//! Records in the agent's log. Nothing else writes there: `println!` goes nowhere.
//!
//! Each record carries the policy's name, the endpoint and the exchange. A record may have 8 KiB, a
//! policy 100 of them each second; what is beyond that is dropped and counted. Arguments are not
//! evaluated when nobody listens at that level.
//!
//! ```
//! use adit_policy_sdk::prelude::*;
//!
//! # fn f(key: &str) {
//! log::info!("refused {key}");
//! log::debug!(key = key, cost = 1 + 1; "taken");
//! # }
//! ```

use crate::backend::log;
pub use crate::bindings::imports::adit::policy::log::Level;

/// Whether a record at that level would be written.
pub fn enabled(level: Level) -> bool {
    log::enabled(level)
}

/// Writes a record with extra pairs. The macros are shorter, and ask [`enabled`] first.
pub fn write(level: Level, message: &str, extra: &[(String, String)]) {
    log::write(level, message, extra);
}

#[doc(inline)]
pub use crate::{
    __log_debug as debug, __log_error as error, __log_info as info, __log_trace as trace,
    __log_warn as warn,
};

/// Writes a record at the level given, with pairs in front of the text.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_at {
    ($level:ident, $($key:ident = $value:expr),+ ; $($text:tt)+) => {
        if $crate::log::enabled($crate::log::Level::$level) {
            $crate::log::write(
                $crate::log::Level::$level,
                &::std::format!($($text)+),
                &[$((::std::string::String::from(::core::stringify!($key)),
                    ::std::string::ToString::to_string(&$value))),+],
            );
        }
    };
    ($level:ident, $($text:tt)+) => {
        if $crate::log::enabled($crate::log::Level::$level) {
            $crate::log::write($crate::log::Level::$level, &::std::format!($($text)+), &[]);
        }
    };
}

/// Writes a record of the finest level.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_trace { ($($record:tt)+) => { $crate::__log_at!(Trace, $($record)+) }; }

/// Writes a record for those who look for a mistake.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_debug { ($($record:tt)+) => { $crate::__log_at!(Debug, $($record)+) }; }

/// Writes a record that is of interest.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_info { ($($record:tt)+) => { $crate::__log_at!(Info, $($record)+) }; }

/// Writes a record about something odd.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_warn { ($($record:tt)+) => { $crate::__log_at!(Warn, $($record)+) }; }

/// Writes a record about something that failed.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_error { ($($record:tt)+) => { $crate::__log_at!(Error, $($record)+) }; }
