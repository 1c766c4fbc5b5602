//! `adit inspect replay`.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    args::ReplayArgs,
    client::{Api, exchange},
    paint::{self, Paint},
    row::Row,
};
use crate::printable;

/// Longest body that is sent.
///
/// Reason: the agent takes no more, and base64 makes a third more of it.
const MAX_BODY: u64 = 20 * 1024 * 1024;

/// Fields that follow from the body.
const OF_THE_BODY: [&str; 2] = ["content-length", "transfer-encoding"];

#[derive(Deserialize, Serialize)]
struct Header {
    name: String,
    value: String,
}

#[derive(Deserialize)]
struct Original {
    request: Request,
}

#[derive(Deserialize)]
struct Request {
    headers: Vec<Header>,
}

#[derive(Deserialize)]
struct Made {
    id: String,
}

/// 0 when there was a response, whatever it says.
pub(super) async fn run(api: &Api, args: &ReplayArgs) -> Result<ExitCode> {
    let original = exchange(api, &args.id).await?;
    let changes = changes(api, args, &original).await?;
    let made: Made = api.post(&format!("{original}/replay"), &Value::Object(changes)).await?;
    let answer: Value = api.get(&exchange(api, &made.id).await?).await?;
    let row = Row::parse(&answer)?;
    if args.json {
        paint::line(printable::json(&answer))?;
    } else {
        let status = Paint::here().status(row.status, &printable::line(&row.outcome()));
        paint::line(format_args!("{}  {status}  {}", printable::line(&row.id), row.took()))?;
    }
    Ok(if row.status.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn changes(api: &Api, args: &ReplayArgs, original: &str) -> Result<Map<String, Value>> {
    let mut changes = Map::new();
    let mut change = |name: &str, value: Value| drop(changes.insert(name.to_owned(), value));
    if let Some(method) = &args.method {
        change("method", method.as_str().into());
    }
    if let Some(path) = &args.path {
        change("path", path.as_str().into());
    }
    if !args.header.is_empty() {
        let original: Original = api.get(original).await?;
        let headers = edited(original.request.headers, &args.header)?;
        change("headers", serde_json::to_value(headers)?);
    }
    let body = match (&args.body, &args.body_file) {
        (Some(text), _) => Some(text.as_bytes().to_vec()),
        (None, Some(path)) => Some(read(path)?),
        (None, None) => None,
    };
    if let Some(body) = body {
        change("body_base64", BASE64_STANDARD.encode(body).into());
    }
    Ok(changes)
}

/// The original's headers, with those that are set in their place.
fn edited(mut headers: Vec<Header>, lines: &[String]) -> Result<Vec<Header>> {
    headers.retain(|header| !OF_THE_BODY.iter().any(|name| header.name.eq_ignore_ascii_case(name)));
    let mut set = Vec::new();
    for line in lines {
        let Some((name, value)) = line.split_once(':') else {
            bail!("--header {line:?} is no header; write NAME:VALUE");
        };
        headers.retain(|header| !header.name.eq_ignore_ascii_case(name));
        if !value.trim().is_empty() {
            set.push(Header { name: name.to_owned(), value: value.trim().to_owned() });
        }
    }
    headers.extend(set);
    Ok(headers)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let at = || format!("cannot read {}", path.display());
    let source: Box<dyn Read> = match path.to_str() {
        Some("-") => Box::new(io::stdin()),
        _ => Box::new(File::open(path).with_context(at)?),
    };
    let mut body = Vec::new();
    source.take(MAX_BODY + 1).read_to_end(&mut body).with_context(at)?;
    if body.len() as u64 > MAX_BODY {
        bail!("{}: longer than {MAX_BODY} bytes, the most that can be replayed", path.display());
    }
    Ok(body)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_set_and_removed_by_name() {
        let header = |name: &str, value: &str| Header { name: name.into(), value: value.into() };
        let original = || {
            vec![
                header("Host", "a"),
                header("X-A", "1"),
                header("x-a", "2"),
                header("Content-Length", "3"),
            ]
        };
        let told = |lines: &[&str]| {
            let lines: Vec<_> = lines.iter().map(|line| (*line).to_owned()).collect();
            let edited = edited(original(), &lines).unwrap();
            edited.iter().map(|h| format!("{}={}", h.name, h.value)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(told(&["X-B: 3"]), "Host=a X-A=1 x-a=2 X-B=3");
        assert_eq!(told(&["x-a: 3"]), "Host=a x-a=3");
        assert_eq!(told(&["x-a:", "host:b:1"]), "host=b:1");
        assert_eq!(told(&["x-b: 1", "x-b: 2"]), "Host=a X-A=1 x-a=2 x-b=1 x-b=2");
        let refused = edited(original(), &["x".to_owned()]).err().unwrap();
        assert_eq!(refused.to_string(), "--header \"x\" is no header; write NAME:VALUE");
    }
}
