//! Distinguished names.

use std::{borrow::Cow, fmt::Write as _};

use x509_parser::{
    der_parser::ber::Tag,
    x509::{AttributeTypeAndValue, X509Name},
};

use crate::{expr::Type, facts::fact::Fact};

/// A name, with its parts.
pub(super) fn name<'v>(ty: Type, name: &X509Name<'_>) -> Fact<'v> {
    let parts: Vec<(String, String)> = name
        .iter_attributes()
        .map(|part| (part.attr_type().to_id_string(), text(part).into_owned()))
        .collect();
    Fact::with_text(ty, written(name), move |field, _| {
        let oid = match field {
            "common_name" => "2.5.4.3",
            "country" => "2.5.4.6",
            "locality" => "2.5.4.7",
            "organization" => "2.5.4.10",
            "organizational_unit" => "2.5.4.11",
            "postal_code" => "2.5.4.17",
            "province" => "2.5.4.8",
            "street_address" => "2.5.4.9",
            _ => return Fact::Unknown,
        };
        let mut values = parts.iter().filter(|(id, _)| id == oid).map(|(_, value)| value.clone());
        match field {
            // Of several, the last counts, as in Go's programs.
            "common_name" => Fact::maybe(values.next_back()),
            _ => Fact::texts(values),
        }
    })
}

/// The name in the order of RFC 2253: the last part first.
fn written(name: &X509Name<'_>) -> String {
    let mut written = String::new();
    let groups: Vec<_> = name.iter_rdn().collect();
    for (n, group) in groups.into_iter().rev().enumerate() {
        if n > 0 {
            written.push(',');
        }
        for (n, part) in group.iter().enumerate() {
            if n > 0 {
                written.push('+');
            }
            let oid = part.attr_type().to_id_string();
            match key(&oid) {
                Some(key) => {
                    written.push_str(key);
                    written.push('=');
                    escape(&text(part), &mut written);
                }
                None => {
                    // Its encoding: a type that is not known has no other text.
                    let _ = write!(written, "{oid}=#");
                    for byte in encoded(part) {
                        let _ = write!(written, "{byte:02x}");
                    }
                }
            }
        }
    }
    written
}

/// Fact: RFC 2253, section 2.3, and the types that Go's programs add.
fn key(oid: &str) -> Option<&'static str> {
    Some(match oid {
        "2.5.4.3" => "CN",
        "2.5.4.5" => "SERIALNUMBER",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "STREET",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.17" => "POSTALCODE",
        "0.9.2342.19200300.100.1.25" => "DC",
        "0.9.2342.19200300.100.1.1" => "UID",
        _ => return None,
    })
}

/// Fact: RFC 2253, section 2.4.
fn escape(text: &str, written: &mut String) {
    let last = text.chars().count().saturating_sub(1);
    for (n, c) in text.chars().enumerate() {
        let at_an_end = (n == 0 && matches!(c, ' ' | '#')) || (n == last && c == ' ');
        if at_an_end || matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';') {
            written.push('\\');
        }
        written.push(c);
    }
}

/// The text of a part.
fn text<'a>(part: &'a AttributeTypeAndValue<'_>) -> Cow<'a, str> {
    let data = part.attr_value().data;
    match part.attr_value().tag() {
        Tag::BmpString => {
            let units = data.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        _ => String::from_utf8_lossy(data),
    }
}

/// A part's value as it was encoded, with a length of one byte: longer ones are cut.
fn encoded(part: &AttributeTypeAndValue<'_>) -> Vec<u8> {
    let value = part.attr_value();
    let data = &value.data[..value.data.len().min(127)];
    let tag = u8::try_from(value.tag().0).unwrap_or_default();
    let len = u8::try_from(data.len()).unwrap_or_default();
    [&[tag, len], data].concat()
}
