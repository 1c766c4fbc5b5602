//! Runs the rules of a phase.
