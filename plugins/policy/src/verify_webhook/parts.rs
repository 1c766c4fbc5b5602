//! Where values stand in a webhook, and what of it is signed.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::{Incoming, Rejected, encoding::Encoding, form};

/// Where one value stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// All of a header.
    Header(&'static str),
    /// A field of a header like `t=1,v1=ab,v1=cd`.
    Pair { header: &'static str, key: &'static str },
    /// A field of the body: of a JSON body by its path, of a form by its name.
    Body { pointer: &'static str, name: &'static str },
}

impl Place {
    /// What it is called, for people.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Header(name) | Self::Pair { header: name, .. } | Self::Body { name, .. } => name,
        }
    }

    /// The value that stands there.
    pub(super) fn find(self, incoming: &Incoming<'_>) -> Result<String, Rejected> {
        match self {
            Self::Header(name) => incoming.header(name).map(str::to_owned),
            Self::Pair { header, key } => {
                let mut values = pairs(incoming.header(header)?, key);
                let value = values.next().ok_or(Rejected::Malformed(header))?;
                // Which one is signed could not be told.
                if values.next().is_some() { Err(Rejected::Malformed(header)) } else { Ok(value) }
            }
            Self::Body { pointer, name } => in_body(incoming, pointer, name),
        }
    }
}

/// The values of a key in `k=v,k=v`, with spaces or without.
pub(super) fn pairs<'a>(text: &'a str, key: &'a str) -> impl Iterator<Item = String> + use<'a> {
    let pairs = text.split(',').filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(move |(name, _)| *name == key).map(|(_, value)| value.to_owned())
}

fn in_body(incoming: &Incoming<'_>, pointer: &str, name: &'static str) -> Result<String, Rejected> {
    if incoming.content_type() == form::TYPE {
        let fields = form::fields(incoming.body)?;
        let mut values = fields.into_iter().filter(|(key, _)| key == name);
        return values.next().map(|(_, value)| value).ok_or(Rejected::Missing(name));
    }
    let body: Json =
        serde_json::from_slice(incoming.body).map_err(|_| Rejected::Malformed("the body"))?;
    match body.pointer(pointer) {
        Some(Json::String(text)) => Ok(text.clone()),
        Some(Json::Number(number)) => Ok(number.to_string()),
        Some(_) => Err(Rejected::Malformed(name)),
        None => Err(Rejected::Missing(name)),
    }
}

/// Where signatures stand. Some providers send several, of old and new keys: one that matches is
/// enough.
#[derive(Clone, Copy, Debug)]
pub(super) enum Signatures {
    /// The whole of a value, behind a prefix.
    Whole { place: Place, prefix: &'static str },
    /// All fields of that key in `k=v,k=v`.
    Pairs { header: &'static str, key: &'static str },
    /// All entries with that version in `v1,ab v1,cd`.
    Versions { header: &'static str, version: &'static str },
    /// All in `ab,cd` in any of these headers.
    Lists(&'static [&'static str]),
    /// Of several headers: `x-signature-1`, `x-signature-2` and so on.
    Numbered(&'static str),
}

/// Headers of one name that are tried.
///
/// Fact: the provider that numbers them has at most 100 keys for an account.
const MAX_NUMBERED: usize = 100;
/// Signatures of one webhook that are tried.
///
/// Reason: providers send one for each of their keys; a stranger may send as many as fit.
const MAX_SIGNATURES: usize = 100;

impl Signatures {
    /// The signatures, decoded. There is at least one.
    pub(super) fn find(
        self,
        incoming: &Incoming<'_>,
        encoding: Encoding,
    ) -> Result<Vec<Vec<u8>>, Rejected> {
        let (name, written): (_, Vec<String>) = match self {
            Self::Whole { place, prefix } => {
                let value = place.find(incoming)?;
                let value = value.strip_prefix(prefix).map(|value| value.trim().to_owned());
                (place.name(), value.into_iter().collect())
            }
            Self::Pairs { header, key } => (header, pairs(incoming.header(header)?, key).collect()),
            Self::Versions { header, version } => {
                let entries = incoming.header(header)?.split_whitespace();
                let entries = entries.filter_map(|entry| entry.split_once(','));
                let ours = entries.filter(|(of, _)| *of == version);
                (header, ours.map(|(_, value)| value.to_owned()).collect())
            }
            Self::Lists(headers) => {
                let first = headers.first().copied().unwrap_or_default();
                let there = headers.iter().filter(|name| incoming.headers.contains_key(**name));
                let lists =
                    there.map(|name| incoming.header(name)).collect::<Result<Vec<_>, _>>()?;
                if lists.is_empty() {
                    return Err(Rejected::Missing(first));
                }
                let entries = lists.into_iter().flat_map(|list| list.split(','));
                (first, entries.map(|entry| entry.trim().to_owned()).collect())
            }
            Self::Numbered(prefix) => {
                let headers = (1..=MAX_NUMBERED).map_while(|n| {
                    incoming.headers.get(format!("{prefix}{n}"))?.to_str().ok().map(str::to_owned)
                });
                let headers: Vec<_> = headers.collect();
                if headers.is_empty() {
                    return Err(Rejected::Missing(prefix));
                }
                (prefix, headers)
            }
        };
        let decoded = written.iter().filter_map(|value| encoding.decode(value));
        let decoded: Vec<_> =
            decoded.filter(|value| !value.is_empty()).take(MAX_SIGNATURES).collect();
        if decoded.is_empty() { Err(Rejected::Malformed(name)) } else { Ok(decoded) }
    }
}

/// A part of what is signed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// The body, byte for byte.
    Body,
    /// The value that stands somewhere.
    At(Place),
    /// What this function makes of the webhook.
    Made(fn(&Incoming<'_>) -> Result<String, Rejected>),
    /// When it was sent, as it was written.
    Stamp,
    Text(&'static str),
}

impl Part {
    pub(super) fn bytes<'a>(
        self,
        incoming: &Incoming<'a>,
        stamp: &'a str,
    ) -> Result<Cow<'a, [u8]>, Rejected> {
        Ok(match self {
            Self::Body => incoming.body.into(),
            Self::At(place) => place.find(incoming)?.into_bytes().into(),
            Self::Made(make) => make(incoming)?.into_bytes().into(),
            Self::Stamp => stamp.as_bytes().into(),
            Self::Text(text) => text.as_bytes().into(),
        })
    }
}
