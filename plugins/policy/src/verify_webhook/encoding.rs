//! How signatures and keys are written.

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// Padding may be missing: some providers strip it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How bytes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Base64,
    /// Either case.
    Hex,
}

impl Encoding {
    /// The bytes; `None` if the text is not written so.
    pub(super) fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Base64 => BASE64.decode(text).ok(),
            Self::Hex => hex(text),
        }
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let byte = |[high, low]: &[u8; 2]| u8::try_from(digit(*high)? * 16 + digit(*low)?).ok();
    pairs.iter().map(byte).collect()
}

/// Bytes in hex, small letters.
pub(super) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        for digit in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(digit.into(), 16));
        }
        text
    })
}

/// Bytes in base64, with padding.
pub(super) fn to_base64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_and_base64_are_read_as_senders_write_them() {
        assert_eq!(Encoding::Hex.decode("00fFa0"), Some(vec![0, 0xff, 0xa0]));
        assert_eq!(Encoding::Hex.decode("0"), None);
        assert_eq!(Encoding::Hex.decode("0g"), None);
        assert_eq!(Encoding::Hex.decode("é"), None);
        assert_eq!(Encoding::Base64.decode("aGk="), Some(b"hi".to_vec()));
        assert_eq!(Encoding::Base64.decode("aGk"), Some(b"hi".to_vec()));
        assert_eq!(Encoding::Base64.decode("aGk*"), None);
        assert_eq!((to_hex(&[0, 0xfa]), to_base64(b"hi")), ("00fa".into(), "aGk=".into()));
    }
}
