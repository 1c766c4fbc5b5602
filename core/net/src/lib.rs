//! adit-net
