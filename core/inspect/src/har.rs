//! Exchanges as HTTP Archive 1.2, which browsers and other tools write and read.
//!
//! A body stands in an archive as it reads without its encodings. Where it had any, or is no text,
//! its octets stand beside it in fields of our own (`_adit`), so that what we wrote comes back as it
//! was; from others' archives it comes back without its encodings, and without the header that
//! names them.

mod export;
mod import;

pub use self::{
    export::pieces,
    import::{ImportError, Imported, import},
};

#[cfg(test)]
mod tests;
