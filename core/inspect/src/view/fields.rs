//! Fields of queries, forms and multipart bodies.

use std::convert::Infallible;

use bytes::Bytes;
use multer::Multipart;

use super::content::now;

/// Fields that are shown of one message.
///
/// Reason: no form has more, and no page shows more.
const MAX_FIELDS: usize = 1000;

/// Bytes of a value that are shown.
const MAX_VALUE: usize = 64 * 1024;

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its value, if it is text; the beginning of it if it is long.
    pub value: Option<String>,
    /// Name of the file that it is of.
    pub file_name: Option<String>,
    /// Its own media type.
    pub content_type: Option<String>,
    /// Length of its value.
    pub len: usize,
}

/// The fields of a query or a form.
pub fn urlencoded(text: &[u8]) -> Vec<Field> {
    let pairs = url::form_urlencoded::parse(text).take(MAX_FIELDS);
    let field = |(name, value): (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)| {
        let (name, mut value) = (name.into_owned(), value.into_owned());
        let len = value.len();
        super::text::cut(&mut value, MAX_VALUE);
        Field { name, value: Some(value), file_name: None, content_type: None, len }
    };
    pairs.map(field).collect()
}

/// The fields of a multipart body, and why there are no more, if it breaks off.
pub(super) fn multipart(boundary: &str, body: &Bytes) -> (Vec<Field>, Option<String>) {
    let stream = futures_util::stream::iter([Ok::<_, Infallible>(body.clone())]);
    let mut parts = Multipart::new(stream, boundary);
    let mut fields = Vec::new();
    while fields.len() < MAX_FIELDS {
        // All of it is there: nothing has to be waited for.
        let part = match now(parts.next_field()) {
            Some(Ok(Some(part))) => part,
            Some(Ok(None)) => return (fields, None),
            Some(Err(error)) => return (fields, Some(error.to_string())),
            None => return (fields, Some("the body breaks off".into())),
        };
        let name = part.name().unwrap_or_default().to_owned();
        let file_name = part.file_name().map(str::to_owned);
        let content_type = part.content_type().map(ToString::to_string);
        let value = match now(part.bytes()) {
            Some(Ok(value)) => value,
            Some(Err(error)) => return (fields, Some(error.to_string())),
            None => return (fields, Some("the body breaks off".into())),
        };
        let len = value.len();
        let text = std::str::from_utf8(&value).ok().filter(|text| !text.contains('\0'));
        let value = text.map(|text| {
            let mut text = text.to_owned();
            super::text::cut(&mut text, MAX_VALUE);
            text
        });
        fields.push(Field { name, value, file_name, content_type, len });
    }
    (fields, None)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(name: &str, value: &str) -> Field {
        let len = value.len();
        let value = Some(value.to_owned());
        Field { name: name.into(), value, file_name: None, content_type: None, len }
    }

    #[test]
    fn queries_and_forms_are_decoded() {
        let fields = urlencoded(b"a=1&b=%C3%A4+x&a=&flag&%ff=%zz");
        let expected = [
            plain("a", "1"),
            plain("b", "ä x"),
            plain("a", ""),
            plain("flag", ""),
            plain("\u{fffd}", "%zz"),
        ];
        assert_eq!(fields, expected);
        assert_eq!(urlencoded(b""), []);
        assert_eq!(urlencoded("a&".repeat(5000).as_bytes()).len(), MAX_FIELDS);
    }

    const BODY: &str = "--xy\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nhello\r\n\
        --xy\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\n\
        Content-Type: application/octet-stream\r\n\r\n\0\x01\r\n--xy--\r\n";

    #[test]
    fn parts_have_names_types_and_lengths() {
        let (fields, error) = multipart("xy", &Bytes::from_static(BODY.as_bytes()));
        let file = Field {
            name: "file".into(),
            value: None,
            file_name: Some("a.bin".into()),
            content_type: Some("application/octet-stream".into()),
            len: 2,
        };
        assert_eq!(fields, [plain("title", "hello"), file]);
        assert_eq!(error, None);
    }

    #[test]
    fn a_body_that_breaks_off_shows_what_there_is() {
        let (fields, error) = multipart("xy", &Bytes::from_static(&BODY.as_bytes()[..100]));
        assert_eq!(fields, [plain("title", "hello")]);
        assert!(error.is_some());
        assert!(multipart("other", &Bytes::from_static(BODY.as_bytes())).1.is_some());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, boundary: String) {
            let _ = urlencoded(&bytes);
            let _ = multipart(&boundary, &bytes.into());
        }

        #[test]
        fn no_cut_panics(end in 0..BODY.len()) {
            let _ = multipart("xy", &Bytes::from_static(&BODY.as_bytes()[..end]));
        }
    }
}
