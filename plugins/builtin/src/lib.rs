//! adit-builtin
