//! From what stands in a file of cases to what is played.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use adit_chain::Conn;
use adit_policy_sdk::cases::{ConnectionStep, File, Lines, RequestStep, ResponseStep};
use adit_wasm::{ScriptedOutbound, lab::Piece};
use anyhow::{Context, Result, anyhow, bail};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use serde_json::{Map, Value, json};

use super::{raw, way};
use crate::policy::{
    given::Subject,
    request::{Answer, Content, PORT, Request},
};

/// What the plugin is granted. Without `grants` in the file: all that the component imports.
pub(super) fn grants(subject: &Subject, file: &File, written: &Value) -> Value {
    let mut grants = Map::new();
    let is_granted = |import: &str| {
        subject.contents.needs_grants().any(|needed| needed == import)
            && (file.grants.is_none() || !written[import].is_null())
    };
    for import in ["kv", "rate"] {
        if is_granted(import) {
            let names = Some(&written[import]).filter(|names| !names.is_null());
            grants.insert(import.to_owned(), names.cloned().unwrap_or_else(|| json!(["*"])));
        }
    }
    if is_granted("secrets") {
        let is_named =
            |name: &String| file.grants.as_ref().is_none_or(|names| names.secrets.contains(name));
        let secrets = file.secrets.iter().filter(|(name, _)| is_named(name));
        let mut secrets: Map<_, _> =
            secrets.map(|(name, value)| (name.clone(), json!(value))).collect();
        if secrets.is_empty() {
            // A component that asks for secrets loads only with one.
            secrets.insert("none-is-granted".to_owned(), json!(""));
        }
        grants.insert("secrets".to_owned(), secrets.into());
    }
    if is_granted("outbound") {
        let named = match &file.grants {
            Some(names) => names.outbound.clone(),
            None => file.outbound.keys().cloned().collect(),
        };
        let named = if named.is_empty() { vec!["none-is-granted".to_owned()] } else { named };
        grants.insert("outbound".to_owned(), json!(named));
    }
    if !written["reroute"].is_null() {
        grants.insert("reroute".to_owned(), written["reroute"].clone());
    } else if file.grants.is_none() {
        grants.insert("reroute".to_owned(), json!(rerouted(file)));
    }
    grants.into()
}

/// Endpoints that the cases expect exchanges to be handed to.
fn rerouted(file: &File) -> Vec<String> {
    let steps = file.cases.iter().flat_map(|case| &case.steps);
    steps.filter_map(|step| step.expect.reroute.clone()).collect()
}

/// Answers of other services.
pub(super) fn outbound(file: &File) -> Result<ScriptedOutbound> {
    let script = ScriptedOutbound::default();
    for (upstream, answers) in &file.outbound {
        for step in answers {
            let Answer { status, headers, body } =
                answer(step).with_context(|| format!("outbound: {upstream}"))?;
            let mut response = http::Response::new(Bytes::from(body.bytes().into_owned()));
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            script.answer(upstream.as_str(), response);
        }
    }
    Ok(script)
}

/// A step's request, and what the service answers.
pub(super) fn request(step: &RequestStep, response: &ResponseStep) -> Result<Request> {
    let mut headers = lines(&step.headers)?;
    let body =
        content((step.body.as_deref(), step.json.as_ref(), step.chunks.as_deref()), &mut headers);
    if !headers.contains_key(header::HOST) {
        headers.insert(header::HOST, HeaderValue::from_str(&step.authority)?);
    }
    Ok(Request {
        method: Method::from_bytes(step.method.as_bytes())
            .with_context(|| format!("{:?} is not a method", step.method))?,
        target: step.target.parse().with_context(|| format!("target {:?}", step.target))?,
        version: match step.version.as_str() {
            "1.0" => Version::HTTP_10,
            "1.1" => Version::HTTP_11,
            "2" => Version::HTTP_2,
            "3" => Version::HTTP_3,
            other => bail!("there is no version {other:?}; there are 1.0, 1.1, 2, 3"),
        },
        is_https: match step.scheme.as_str() {
            "https" => true,
            "http" => false,
            other => bail!("there is no scheme {other:?}; there are http, https"),
        },
        headers,
        body,
        from: address(&step.from)?,
        identity: step.identity.clone(),
        vars: step.vars.clone(),
        attributes: step.attributes.clone(),
        answer: answer(response)?,
    })
}

/// A step's connection, and what passes on it.
pub(super) fn connection(step: &ConnectionStep) -> Result<(Arc<Conn>, Vec<Piece>)> {
    let mut attributes: BTreeMap<_, _> = step.attributes.clone();
    if let Some(name) = &step.server_name {
        attributes.insert("tls.sni".to_owned(), name.clone());
    }
    let conn = raw(address(&step.from)?, &step.protocol, &attributes)?;
    let pieces = step.chunks.iter().map(|piece| {
        let (side, octets, is_last) = piece.octets().map_err(|why| anyhow!(why))?;
        Ok(Piece { way: way(side), bytes: octets.into(), is_last })
    });
    Ok((conn, pieces.collect::<Result<_>>()?))
}

fn answer(step: &ResponseStep) -> Result<Answer> {
    let mut headers = lines(&step.headers)?;
    let body =
        content((step.body.as_deref(), step.json.as_ref(), step.chunks.as_deref()), &mut headers);
    let status = StatusCode::from_u16(step.status)
        .with_context(|| format!("{} is no status", step.status))?;
    Ok(Answer { status, headers, body })
}

fn content(
    (text, json, pieces): (Option<&str>, Option<&Value>, Option<&[String]>),
    headers: &mut HeaderMap,
) -> Content {
    match (text, json, pieces) {
        (Some(text), ..) => Content::Whole(text.as_bytes().to_vec()),
        (None, Some(json), _) => {
            let json_type = HeaderValue::from_static("application/json");
            headers.append(header::CONTENT_TYPE, json_type);
            Content::Whole(json.to_string().into_bytes())
        }
        (None, None, Some(pieces)) => {
            Content::Pieces(pieces.iter().map(|piece| piece.as_bytes().to_vec()).collect())
        }
        (None, None, None) => Content::None,
    }
}

fn lines(lines: &Lines) -> Result<HeaderMap> {
    let mut map = HeaderMap::new();
    for (name, value) in lines.lines() {
        let at = || format!("header {name}: {value:?}");
        let (name, value): (HeaderName, _) =
            (name.parse().with_context(at)?, HeaderValue::from_str(&value).with_context(at)?);
        map.append(name, value);
    }
    Ok(map)
}

/// An address, with or without a port.
fn address(text: &str) -> Result<SocketAddr> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let ip: IpAddr = text.parse().with_context(|| format!("{text:?} is no address"))?;
    Ok(SocketAddr::new(ip, PORT))
}
