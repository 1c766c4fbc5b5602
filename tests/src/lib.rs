//! adit-tests
