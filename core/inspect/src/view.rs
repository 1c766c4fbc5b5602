//! What a body says: its encodings undone, its kind known, its text made readable.
//!
//! Everything here is fed by strangers. Nothing panics, nothing grows past a named limit, and what
//! is not as it says to be is shown as it is.

mod content;
mod fields;
pub mod grpc;
pub(crate) mod inflate;
mod json;
mod media;
pub mod raw;
pub(crate) mod splitting;
mod text;
pub(crate) mod websocket;
mod xml;

#[cfg(test)]
pub(crate) use self::content::now;
pub use self::{
    content::{Decoded, MAX_DECODED, decode},
    fields::{Field, urlencoded},
    media::{ContentKind, media_type, raster_image},
    text::SyntaxError,
};
use crate::model::{Body, Headers};

/// Bytes of text that are shown of one body.
///
/// Reason: ten thousand lines; whoever wants more saves the body.
pub const MAX_TEXT: usize = 1024 * 1024;

/// What a body says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// What kind of content it is.
    pub kind: ContentKind,
    /// What its head says that it is: `text/html`.
    pub media_type: Option<String>,
    /// Without its encodings.
    pub decoded: Decoded,
    /// What it reads, unless it is an image or other octets.
    pub text: Option<Text>,
    /// Why it is not what it says to be: JSON, XML, a multipart body.
    pub error: Option<SyntaxError>,
    /// Fields of a form or a multipart body.
    pub fields: Vec<Field>,
    /// Type of the raster image that it is.
    pub image: Option<&'static str>,
    /// Messages of gRPC.
    pub messages: Vec<grpc::GrpcMessage>,
}

/// The text of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The text, at most [`MAX_TEXT`].
    pub text: String,
    /// Whether there is more.
    pub is_cut: bool,
    /// Whether it was set in lines.
    pub is_pretty: bool,
}

/// Looks at a body.
pub fn look(headers: &Headers, body: &Body) -> View {
    let decoded = decode(headers, body, MAX_DECODED);
    let kind = media::kind(headers, &decoded.bytes);
    let (media_type, image) = (media_type(headers), raster_image(&decoded.bytes));
    let image = image.filter(|_| kind == ContentKind::Image);
    let mut view = View {
        kind,
        media_type,
        decoded,
        text: None,
        error: None,
        fields: Vec::new(),
        image,
        messages: Vec::new(),
    };
    view.read(headers);
    view
}

/// What a body reads when its encodings are undone; `None` if it is no text. For searching.
pub(crate) fn text_of(headers: &Headers, body: &Body) -> Option<String> {
    let decoded = decode(headers, body, MAX_TEXT);
    match media::kind(headers, &decoded.bytes) {
        ContentKind::Binary | ContentKind::Empty | ContentKind::Image => None,
        ContentKind::Grpc | ContentKind::Multipart => {
            Some(String::from_utf8_lossy(&decoded.bytes).into_owned())
        }
        _ => Some(text::text(headers, &decoded.bytes)),
    }
}

impl View {
    fn read(&mut self, headers: &Headers) {
        let bytes = &self.decoded.bytes;
        match self.kind {
            ContentKind::Binary | ContentKind::Empty | ContentKind::Image => return,
            ContentKind::Grpc => {
                self.messages = grpc::split(bytes);
                return;
            }
            ContentKind::Multipart => {
                let boundary = media::parameter(headers, "boundary").unwrap_or_default();
                let (fields, error) = fields::multipart(&boundary, bytes);
                self.fields = fields;
                self.error = error.filter(|_| !self.decoded.is_cut).map(|message| SyntaxError {
                    message,
                    line: 1,
                    column: 1,
                    offset: 0,
                });
                return;
            }
            ContentKind::Form => self.fields = urlencoded(bytes),
            ContentKind::Html | ContentKind::Json | ContentKind::Text | ContentKind::Xml => {}
        }
        let mut text = text::text(headers, bytes);
        let pretty = match self.kind {
            ContentKind::Json => Some(json::pretty(&text, MAX_TEXT)),
            ContentKind::Xml => Some(xml::pretty(&text, MAX_TEXT)),
            _ => None,
        };
        let mut is_pretty = false;
        match pretty {
            Some(Ok(lines)) => (text, is_pretty) = (lines, true),
            // The mistake is ours if we cut it.
            Some(Err(_)) if self.decoded.is_cut => {}
            Some(Err(error)) => self.error = Some(error),
            None => {}
        }
        let is_cut = text::cut(&mut text, MAX_TEXT) || self.decoded.is_cut;
        self.text = Some(Text { text, is_cut, is_pretty });
    }
}

#[cfg(test)]
#[path = "view/tests.rs"]
mod tests;
