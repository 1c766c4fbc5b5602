//! What goes wrong, as the object that clients read.

use std::{borrow::Cow, fmt};

use adit_chain::Body;
use http::{HeaderValue, Method, Response, StatusCode, header::ALLOW};
use serde::Serialize;
use serde_json::{Map, Value};

use super::answer;
use crate::control::ControlError;

/// No endpoint, or no such one.
const NOT_FOUND: u16 = 100;
/// A definition that cannot be followed.
const INVALID: u16 = 102;
/// The edge said no.
const REFUSED: u16 = 103;
/// There is no session to bind on.
const NOT_READY: u16 = 104;
/// No such captured exchange.
const NO_EXCHANGE: u16 = 106;

/// What goes wrong with a request. Serialised as clients read it.
#[derive(Debug, Serialize)]
pub(super) struct ApiError {
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<u16>,
    #[serde(serialize_with = "as_number")]
    status_code: StatusCode,
    msg: Cow<'static, str>,
    details: Map<String, Value>,
    #[serde(skip)]
    allow: Option<String>,
}

fn as_number<S: serde::Serializer>(status: &StatusCode, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u16(status.as_u16())
}

impl ApiError {
    fn new(status: StatusCode, msg: impl Into<Cow<'static, str>>) -> Self {
        Self {
            error_code: None,
            status_code: status,
            msg: msg.into(),
            details: Map::new(),
            allow: None,
        }
    }

    fn code(mut self, code: u16) -> Self {
        self.error_code = Some(code);
        self
    }

    fn detail(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.details.insert(key.to_owned(), value.into());
        self
    }

    /// Unknown path.
    pub(super) fn no_route(path: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found").detail("path", path)
    }

    /// Known path, other method.
    pub(super) fn method(method: &Method, allowed: String) -> Self {
        let error = Self::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
            .detail("method", method.as_str())
            .detail("allowed", allowed.as_str());
        Self { allow: Some(allowed), ..error }
    }

    /// A body that is not said to be JSON.
    pub(super) fn content_type(found: &str) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported content type")
            .detail("content-type", found)
            .detail("available", vec!["application/json"])
    }

    /// A body that is no JSON or not of the right shape, or a parameter of the wrong type.
    pub(super) fn malformed(err: impl fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "deserialisation failed").detail("err", err.to_string())
    }

    /// More octets than a request may have.
    pub(super) fn too_large(what: &str, limit: usize) -> Self {
        let status = match what {
            "target" => StatusCode::URI_TOO_LONG,
            _ => StatusCode::PAYLOAD_TOO_LARGE,
        };
        let err = format!("the {what} is longer than {limit} bytes");
        Self::new(status, "request too large").detail("err", err)
    }

    /// The body did not arrive in time.
    pub(super) fn timeout() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "request timed out")
            .detail("err", "the body did not arrive in time")
    }

    /// A definition that cannot be followed.
    pub(super) fn invalid(err: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid tunnel configuration")
            .code(INVALID)
            .detail("err", err.into())
    }

    /// No endpoint of that name.
    pub(super) fn no_endpoint(name: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "tunnel not found").code(NOT_FOUND).detail("name", name)
    }

    /// No exchange of that id.
    pub(super) fn no_exchange(id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "request not found").code(NO_EXCHANGE).detail("id", id)
    }

    /// It cannot be done as things stand.
    pub(super) fn conflict(msg: &'static str, err: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, msg).detail("err", err.into())
    }

    /// An exchange is not sent again.
    pub(super) fn cannot_replay(status: StatusCode, err: String) -> Self {
        Self::new(status, "cannot replay").detail("err", err)
    }

    /// Too many of one kind at a time.
    pub(super) fn busy(err: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable").detail("err", err.into())
    }

    /// Our own fault.
    pub(super) fn internal(err: &dyn fmt::Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            .detail("err", err.to_string())
    }

    /// What a record says.
    pub(super) fn message(&self) -> &str {
        &self.msg
    }

    /// The cause in a record: the text if there is one, else all the details.
    pub(super) fn cause(&self) -> String {
        match self.details.get("err") {
            Some(Value::String(err)) => err.clone(),
            _ => Value::Object(self.details.clone()).to_string(),
        }
    }

    /// The answer.
    pub(super) fn into_response(self) -> Response<Body> {
        let status = self.status_code;
        let text = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = answer::bytes(status, "application/json", text);
        if let Some(allow) = self.allow.and_then(|allow| HeaderValue::try_from(allow).ok()) {
            response.headers_mut().insert(ALLOW, allow);
        }
        response
    }
}

impl From<ControlError> for ApiError {
    fn from(error: ControlError) -> Self {
        let not_ready =
            |status| Self::new(status, "ngrok is not yet ready to start tunnels").code(NOT_READY);
        match error {
            ControlError::NotFound { name } => Self::no_endpoint(&name),
            ControlError::Invalid { err } => Self::invalid(err),
            ControlError::BindRefused { err } => {
                Self::new(StatusCode::BAD_GATEWAY, "failed to start tunnel")
                    .code(REFUSED)
                    .detail("err", err)
            }
            ControlError::NoSession => {
                not_ready(StatusCode::SERVICE_UNAVAILABLE).detail("err", error.to_string())
            }
            ControlError::SessionLost => {
                not_ready(StatusCode::BAD_GATEWAY).detail("err", error.to_string())
            }
            ControlError::Config { err } => {
                Self::new(StatusCode::BAD_REQUEST, "invalid configuration")
                    .code(INVALID)
                    .detail("err", err)
            }
        }
    }
}
