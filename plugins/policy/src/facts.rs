//! What expressions know: the names, their types, and their values.
