//! Base64, JSON and credentials.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use cel::{DeclarationError, Env, ExecutionError, Value};

use super::args::{AnyVal, define};
use crate::{expr::convert, value};

fn fail(function: &str, message: impl ToString) -> ExecutionError {
    ExecutionError::function_error(function, message)
}

pub(super) fn register(env: &mut Env) -> Result<(), DeclarationError> {
    define!(env, "@base64.encode", |bytes: &[u8]| -> String { BASE64_STANDARD.encode(bytes) })?;
    define!(env, "@base64.decode", |s: &str| -> Result<Vec<u8>, ExecutionError> {
        BASE64_STANDARD.decode(s).map_err(|_| fail("base64.decode", "not padded standard base64"))
    })?;
    define!(env, "@encodeBase64", |s: &str| -> String { BASE64_STANDARD.encode(s) })?;
    define!(env, "@decodeBase64", |s: &str| -> Result<String, ExecutionError> {
        let bytes = BASE64_STANDARD.decode(s);
        let bytes = bytes.map_err(|_| fail("decodeBase64", "not padded standard base64"))?;
        String::from_utf8(bytes).map_err(|_| fail("decodeBase64", "what is encoded is not UTF-8"))
    })?;
    define!(env, "@basic_auth.encode", |user: &str, pass: &str| -> String {
        format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{pass}")))
    })?;
    define!(env, "@json.encode", |val: AnyVal<'_>| -> Result<String, ExecutionError> {
        match convert::to_value(val)? {
            value @ (Value::List(_) | Value::Map(_)) => Ok(value::to_json(&value).to_string()),
            _ => Err(fail("json.encode", "neither a list nor a map")),
        }
    })?;
    define!(env, "@json.decode", |s: &str| -> Result<Value, ExecutionError> {
        match serde_json::from_str(s) {
            Ok(json @ (serde_json::Value::Array(_) | serde_json::Value::Object(_))) => {
                Ok(value::from_json(&json))
            }
            Ok(_) => Err(fail("json.decode", "neither a list nor a map")),
            Err(_) => Err(fail("json.decode", "not JSON")),
        }
    })?;
    define!(env, "@isJson", |s: &str| -> bool {
        serde_json::from_str::<serde::de::IgnoredAny>(s).is_ok()
    })
}
