//! adit-chain
