//! A request or a response, for people.

use std::fmt::Write;

use anyhow::Result;
use serde::Deserialize;

use crate::{
    inspect::{
        paint::{self, Paint},
        row::size,
    },
    printable,
};

/// A request or a response.
#[derive(Deserialize)]
pub(super) struct Side {
    start_line: String,
    headers: Vec<Header>,
    trailers: Vec<Header>,
    size: u64,
    pub(super) kept: u64,
    truncated: bool,
    body: Body,
}

#[derive(Deserialize)]
struct Header {
    name: String,
    value: String,
}

#[derive(Deserialize)]
struct Body {
    kind: String,
    media_type: Option<String>,
    decode_error: Option<String>,
    text: Option<String>,
    text_truncated: bool,
    #[serde(default)]
    decoded_truncated: bool,
    error: Option<Mistake>,
    #[serde(default)]
    fields: Vec<Field>,
}

/// What is wrong with a body's text.
#[derive(Deserialize)]
struct Mistake {
    message: String,
    line: u64,
    column: u64,
}

/// A field of a form.
#[derive(Deserialize)]
struct Field {
    name: String,
    value: Option<String>,
    file_name: Option<String>,
    size: u64,
}

impl Side {
    /// First line and headers, as HTTP/1.1 writes them.
    pub(super) fn head(&self) -> String {
        let mut head = format!("{}\r\n", self.start_line);
        for Header { name, value } in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head.push_str("\r\n");
        head
    }
}

/// Prints it, with a blank line at its end.
pub(super) fn print(side: &Side, paint: Paint) -> Result<()> {
    paint::line(paint.bold(&printable::line(&side.start_line)))?;
    headers(&side.headers, paint)?;
    let body = &side.body;
    if body.fields.is_empty() {
        if let Some(text) = &body.text {
            paint::line("")?;
            paint::line(printable::lines(text).trim_end_matches('\n'))?;
        }
    } else {
        paint::line("")?;
        fields(&body.fields, paint)?;
    }
    for remark in remarks(side) {
        paint::line(paint.dim(&printable::line(&remark)))?;
    }
    if !side.trailers.is_empty() {
        paint::line("")?;
        headers(&side.trailers, paint)?;
    }
    paint::line("")
}

fn headers(headers: &[Header], paint: Paint) -> Result<()> {
    for Header { name, value } in headers {
        let name = paint.dim(&format!("{}:", printable::line(name)));
        paint::line(format_args!("{name} {}", printable::line(value)))?;
    }
    Ok(())
}

fn fields(fields: &[Field], paint: Paint) -> Result<()> {
    for Field { name, value, file_name, size: n_bytes } in fields {
        let what = match (value, file_name) {
            (_, Some(file)) => format!("({}, {})", printable::line(file), size(*n_bytes)),
            (Some(value), None) => printable::lines(value).into_owned(),
            (None, None) => format!("({})", size(*n_bytes)),
        };
        paint::line(format_args!("{} = {what}", paint.bold(&printable::line(name))))?;
    }
    Ok(())
}

/// What there is to know about a body beside its text.
fn remarks(side: &Side) -> Vec<String> {
    let body = &side.body;
    let mut remarks = Vec::new();
    if side.size > 0 && body.text.is_none() && body.fields.is_empty() {
        let media = body.media_type.as_deref().unwrap_or(&body.kind);
        remarks.push(format!("({media}, {}; --raw prints it)", size(side.size)));
    }
    if let Some(Mistake { message, line, column }) = &body.error {
        let kind = &body.kind;
        remarks.push(format!("(this {kind} has a mistake at {line}:{column}: {message})"));
    }
    if let Some(error) = &body.decode_error {
        remarks.push(format!("(it cannot be decoded: {error})"));
    }
    if side.truncated {
        remarks.push(format!("({} of {} were kept)", size(side.kept), size(side.size)));
    } else if body.text_truncated || body.decoded_truncated {
        remarks.push("(there is more)".to_owned());
    }
    remarks
}
