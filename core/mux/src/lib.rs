//! adit-mux
