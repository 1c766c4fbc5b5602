//! Bodies as a whole.

use proptest::prelude::*;

use super::*;

fn view(content_type: &str, body: impl Into<bytes::Bytes>) -> View {
    look(&Headers::collect([("content-type", content_type.as_bytes())]), &Body::whole(body))
}

#[test]
fn json_is_set_in_lines_or_has_a_place_where_it_is_wrong() {
    let good = view("application/json", "{\"a\":[1]}");
    let text = good.text.unwrap();
    assert_eq!((&*text.text, text.is_pretty), ("{\n  \"a\": [\n    1\n  ]\n}", true));
    assert_eq!(good.error, None);
    let bad = view("application/json", "{\"a\":\n}");
    let text = bad.text.unwrap();
    assert_eq!((&*text.text, text.is_pretty), ("{\"a\":\n}", false));
    let error = bad.error.unwrap();
    assert_eq!((error.line, error.column, error.offset), (2, 1, 6));
}

#[test]
fn what_was_cut_has_no_mistakes() {
    let headers = Headers::collect([("content-type", &b"application/json"[..])]);
    let view = look(&headers, &Body { bytes: "{\"a\":".into(), total: 99 });
    assert_eq!(view.error, None);
    let text = view.text.unwrap();
    assert_eq!((&*text.text, text.is_cut, text.is_pretty), ("{\"a\":", true, false));
}

#[test]
fn forms_have_fields_and_text() {
    let view = view("application/x-www-form-urlencoded", "a=1&b=2");
    assert_eq!(view.fields.len(), 2);
    assert_eq!(view.text.unwrap().text, "a=1&b=2");
}

#[test]
fn images_and_octets_have_no_text() {
    let png = view("image/png", "GIF89a...");
    assert_eq!((png.kind, png.image, png.text), (ContentKind::Image, Some("image/gif"), None));
    let octets = view("application/octet-stream", &b"\0\x01"[..]);
    assert_eq!((octets.kind, octets.image, octets.text), (ContentKind::Binary, None, None));
}

#[test]
fn hostile_content_is_text_and_no_more() {
    let html = "<script>alert(1)</script>";
    for content_type in ["text/html", "image/png", "image/svg+xml", "text/plain", "nonsense"] {
        let view = view(content_type, html);
        assert_eq!(view.image, None, "{content_type}");
        assert!(view.text.unwrap().text.contains("alert(1)"), "{content_type}");
    }
}

#[test]
fn long_text_is_cut() {
    let text = view("text/plain", vec![b'a'; MAX_TEXT + 1]).text.unwrap();
    assert_eq!((text.text.len(), text.is_cut), (MAX_TEXT, true));
}

#[test]
fn grpc_bodies_are_split() {
    let view = view("application/grpc", &b"\0\0\0\0\x02hi\0\0\0\0\0"[..]);
    let lengths: Vec<_> = view.messages.iter().map(|message| message.len).collect();
    assert_eq!(lengths, [2, 0]);
}

const TYPES: &str = "(application/(json|xml|grpc|x-www-form-urlencoded)|text/(html|plain; charset=.*)\
                     |multipart/form-data; boundary=[a-z]*|image/png|.*)";

proptest! {
    #[test]
    fn no_body_panics(
        content_type in TYPES, encoding in "|gzip|br|zstd|deflate", bytes: Vec<u8>, more: bool,
    ) {
        let pairs = [("content-type", content_type.as_bytes()), ("content-encoding", encoding.as_bytes())];
        let headers = Headers::collect(pairs);
        let total = bytes.len() as u64 + u64::from(more);
        let body = Body { bytes: bytes.into(), total };
        let _ = look(&headers, &body);
        let _ = text_of(&headers, &body);
    }
}
