//! Against an edge that a test drives by hand.
