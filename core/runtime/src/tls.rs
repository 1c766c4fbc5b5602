//! TLS that ends on this side.
