//! Peers that behave badly, each by a name that says how.
