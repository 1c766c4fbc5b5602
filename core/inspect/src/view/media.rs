//! What kind of content a body is: what its head says, and where it says nothing, what it looks
//! like.

use crate::model::Headers;

/// A kind of content, as far as it is shown differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContentKind {
    /// Octets of another kind.
    Binary,
    /// There is none.
    Empty,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// Messages of gRPC.
    Grpc,
    /// HTML, shown as text.
    Html,
    /// A raster image that browsers show: PNG, JPEG, GIF or WebP.
    Image,
    /// JSON, of any type that ends so.
    Json,
    /// `multipart/…` with a boundary.
    Multipart,
    /// Text.
    Text,
    /// XML, of any type that ends so; SVG too.
    Xml,
}

/// The media type of a body: `text/html`, lower case, without parameters.
pub fn media_type(headers: &Headers) -> Option<String> {
    let value = headers.text("content-type")?;
    let essence = value.split(';').next().unwrap_or_default().trim();
    (!essence.is_empty()).then(|| essence.to_ascii_lowercase())
}

/// A parameter of the media type.
pub(super) fn parameter(headers: &Headers, name: &str) -> Option<String> {
    let value = headers.text("content-type")?;
    value.split(';').skip(1).find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        key.trim().eq_ignore_ascii_case(name).then(|| value.to_owned())
    })
}

/// The type of a raster image that browsers show and that cannot run anything, by its first bytes.
pub fn raster_image(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

/// The kind of a decoded body. The bytes have the last word: an image is only one if it looks like
/// one, and text is not text if it cannot be.
pub(super) fn kind(headers: &Headers, bytes: &[u8]) -> ContentKind {
    if bytes.is_empty() {
        return ContentKind::Empty;
    }
    let said = media_type(headers);
    match said.as_deref().map(|said| by_name(headers, said)) {
        Some(Some(ContentKind::Image)) | None => by_look(bytes),
        Some(Some(kind)) => kind,
        // Nothing that is known: `application/octet-stream` is often said of anything.
        Some(None) => by_look(bytes),
    }
}

fn by_name(headers: &Headers, said: &str) -> Option<ContentKind> {
    let (kind, subtype) = said.split_once('/')?;
    Some(match (kind, subtype) {
        (_, "json") => ContentKind::Json,
        (_, subtype) if subtype.ends_with("+json") => ContentKind::Json,
        ("application", "xhtml+xml") | ("text", "html") => ContentKind::Html,
        (_, "xml") => ContentKind::Xml,
        (_, subtype) if subtype.ends_with("+xml") => ContentKind::Xml,
        ("application", "x-www-form-urlencoded") => ContentKind::Form,
        ("application", "grpc" | "grpc-web") => ContentKind::Grpc,
        ("application", subtype)
            if subtype.starts_with("grpc+") || subtype.starts_with("grpc-web+") =>
        {
            ContentKind::Grpc
        }
        ("multipart", _) if parameter(headers, "boundary").is_some() => ContentKind::Multipart,
        ("image", _) => ContentKind::Image,
        ("text", _) => ContentKind::Text,
        ("application", "javascript" | "x-javascript" | "ecmascript" | "yaml" | "toml")
        | ("application", "x-ndjson" | "ndjson" | "jsonl" | "graphql" | "sql" | "x-yaml") => {
            ContentKind::Text
        }
        _ => return None,
    })
}

fn by_look(bytes: &[u8]) -> ContentKind {
    if raster_image(bytes).is_some() {
        return ContentKind::Image;
    }
    if !looks_like_text(bytes) {
        return ContentKind::Binary;
    }
    match bytes.trim_ascii_start() {
        [b'{' | b'[', ..] if super::json::check(bytes).is_ok() => ContentKind::Json,
        start if start.starts_with(b"<?xml") => ContentKind::Xml,
        _ => ContentKind::Text,
    }
}

/// Whether nothing in the beginning speaks against text in UTF-8.
fn looks_like_text(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(1024)];
    let is_control = |b: &u8| *b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b);
    let is_utf8 = match std::str::from_utf8(start) {
        Ok(_) => true,
        // Cut within a letter.
        Err(error) => error.error_len().is_none() && bytes.len() > start.len(),
    };
    is_utf8 && !start.iter().any(|b| is_control(b) || *b == 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(said: &str, bytes: &[u8]) -> ContentKind {
        kind(&Headers::collect([("content-type", said.as_bytes())]), bytes)
    }

    #[test]
    fn the_head_names_the_kind() {
        for (said, expected) in [
            ("application/json; charset=utf-8", ContentKind::Json),
            ("application/problem+json", ContentKind::Json),
            ("APPLICATION/VND.API+JSON", ContentKind::Json),
            ("text/xml", ContentKind::Xml),
            ("image/svg+xml", ContentKind::Xml),
            ("text/html", ContentKind::Html),
            ("application/xhtml+xml", ContentKind::Html),
            ("application/x-www-form-urlencoded", ContentKind::Form),
            ("multipart/form-data; boundary=\"a\"", ContentKind::Multipart),
            ("multipart/form-data", ContentKind::Text),
            ("application/grpc+proto", ContentKind::Grpc),
            ("text/csv", ContentKind::Text),
            ("application/javascript", ContentKind::Text),
            ("application/octet-stream", ContentKind::Text),
            ("nonsense", ContentKind::Text),
        ] {
            assert_eq!(kind_of(said, b"a"), expected, "{said}");
            assert_eq!(kind_of(said, b""), ContentKind::Empty, "{said}");
        }
    }

    #[test]
    fn the_bytes_have_the_last_word_on_images() {
        let png = b"\x89PNG\r\n\x1a\n....";
        assert_eq!(kind_of("image/png", png), ContentKind::Image);
        assert_eq!(kind_of("application/octet-stream", png), ContentKind::Image);
        assert_eq!(kind_of("image/png", b"<script>"), ContentKind::Text);
        assert_eq!(raster_image(png), Some("image/png"));
        assert_eq!(raster_image(b"\xff\xd8\xff\xe0"), Some("image/jpeg"));
        assert_eq!(raster_image(b"GIF89a"), Some("image/gif"));
        assert_eq!(raster_image(b"RIFF....WEBPVP8 "), Some("image/webp"));
        assert_eq!(raster_image(b"<svg onload=alert(1)>"), None);
    }

    #[test]
    fn without_a_name_the_look_decides() {
        let kind = |bytes| kind(&Headers::default(), bytes);
        assert_eq!(kind(b" {\"a\": 1}"), ContentKind::Json);
        assert_eq!(kind(b"{not json"), ContentKind::Text);
        assert_eq!(kind(b"<?xml version='1.0'?><a/>"), ContentKind::Xml);
        assert_eq!(kind("grüße".as_bytes()), ContentKind::Text);
        assert_eq!(kind(b"a\0b"), ContentKind::Binary);
        assert_eq!(kind(b"\xff\xfe"), ContentKind::Binary);
        let cut = ["ä".repeat(600).as_bytes(), b"\xc3"].concat();
        assert_eq!(kind(&[b"a", &cut[..]].concat()), ContentKind::Text);
    }

    #[test]
    fn parameters_are_found_in_any_case() {
        let headers = Headers::collect([("content-type", &b"text/plain; Charset=\"Latin1\""[..])]);
        assert_eq!(parameter(&headers, "charset").as_deref(), Some("Latin1"));
        assert_eq!(parameter(&headers, "boundary"), None);
    }
}
