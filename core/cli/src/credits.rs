//! `adit credits`: who made this, and the licences of what it is made of.

/// The whole text. A test writes it from the packages that the program is built from.
pub(crate) const TEXT: &str = include_str!("credits/credits.txt");
