//! Reads a document and finds everything that is wrong with it.
