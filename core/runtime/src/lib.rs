//! adit-runtime
