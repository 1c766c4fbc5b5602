//! adit-config
