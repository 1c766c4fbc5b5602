//! adit-edge
