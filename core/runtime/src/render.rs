//! How a refusal looks to a visitor.
