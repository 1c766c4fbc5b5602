//! The policy as one handler of a chain.
