//! The application that visitors log in to, and what the provider is asked for.

use serde_json::Value as Json;
use url::Url;

use super::own;
use crate::{
    action::BuildCx, expr::Template, fields::Fields, login::place::CALLBACK, problem::code,
};

/// Scopes, and characters of each.
///
/// Reason: they make up an address, which servers refuse past a few KiB.
const MAX_SCOPES: usize = 64;
const MAX_SCOPE: usize = 256;

/// Further parameters for the provider; characters of a name and of a value.
///
/// Reason: as for scopes.
const MAX_PARAMS: usize = 32;
const MAX_PARAM: std::ops::RangeInclusive<usize> = 1..=128;
const MAX_PARAM_VALUE: usize = 1024;

/// Parameters that make a login what it is.
const OWN_PARAMS: [&str; 9] = [
    "client_id",
    "client_secret",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "redirect_uri",
    "response_mode",
    "response_type",
    "state",
];

/// The application, and as it is written.
pub(super) fn client(
    fields: &mut Fields<'_>,
    cx: &BuildCx<'_>,
) -> Option<(Template, Template, Vec<String>)> {
    let (id, secret) = ("client_id", "client_secret");
    match (fields.has(id), fields.has(secret)) {
        (true, false) => {
            fields.error(secret, own::NEEDED, "is needed because there is a client_id")
        }
        (false, true) => {
            fields.error(id, own::NEEDED, "is needed because there is a client_secret")
        }
        (false, false) => {
            let url = cx.chain.endpoint.url.trim_end_matches('/');
            // It is not known before the endpoint is online, unless the user chose it.
            let url = Url::parse(url).map_or("https://<endpoint>", |_| url);
            let message = format!(
                "there is no application to log in with: register one with the provider, with the \
                 redirect URL {url}{CALLBACK}, and give its client_id and client_secret here"
            );
            fields.error(id, own::NO_CLIENT, message);
        }
        (true, true) => {}
    }
    let marks = [fields.string(id), fields.string(secret)].into_iter().flatten().collect();
    let (id, secret) = (fields.template(id), fields.template(secret));
    let empty = |template: &Option<Template>| {
        template.as_ref().is_some_and(|template| template.literal() == Some(""))
    };
    for (name, template) in [("client_id", &id), ("client_secret", &secret)] {
        if empty(template) {
            fields.error(name, code::MISSING, "is empty");
        }
    }
    Some((id?, secret?, marks))
}

pub(super) fn scopes(fields: &mut Fields<'_>) -> Option<Vec<String>> {
    if !fields.has("scopes") {
        return Some(Vec::new());
    }
    let scopes = fields.strings("scopes", 0..=MAX_SCOPES)?;
    // Fact: RFC 6749, 3.3.
    let is_scope = |scope: &String| {
        (1..=MAX_SCOPE).contains(&scope.len())
            && scope.bytes().all(|byte| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~'))
    };
    if let Some(wrong) = scopes.iter().find(|scope| !is_scope(scope)) {
        let message = format!("{wrong:?} is not a scope: write each on its own, without spaces");
        fields.error("scopes", code::FIELD_VALUE, message);
        return None;
    }
    Some(scopes)
}

pub(super) fn params(fields: &mut Fields<'_>) -> Option<Vec<(String, String)>> {
    let name = "authz_url_params";
    let map = match fields.raw(name) {
        None => return Some(Vec::new()),
        Some(Json::Object(map)) => map,
        Some(_) => {
            fields.error(name, code::FIELD_TYPE, "must be an object of names and values");
            return None;
        }
    };
    if map.len() > MAX_PARAMS {
        fields.error(name, own::N_PARAMS, format!("must have at most {MAX_PARAMS} entries"));
        return None;
    }
    let mut params = Vec::new();
    let mut is_right = true;
    for (key, value) in map {
        let text = match value {
            Json::String(text) => text.clone(),
            Json::Number(number) => number.to_string(),
            Json::Bool(is) => is.to_string(),
            _ => {
                fields.error_in(&[name, key], code::FIELD_TYPE, "must be a text");
                is_right = false;
                continue;
            }
        };
        let wrong = if OWN_PARAMS.contains(&key.as_str()) || key == "scope" {
            Some((code::FIELD_VALUE, "is set by the login itself".to_owned()))
        } else if !MAX_PARAM.contains(&key.chars().count()) {
            Some((own::PARAM_NAME, format!("a name has 1 to {} characters", MAX_PARAM.end())))
        } else if text.chars().count() > MAX_PARAM_VALUE {
            Some((own::PARAM_VALUE, format!("must have at most {MAX_PARAM_VALUE} characters")))
        } else {
            None
        };
        match wrong {
            Some((code, message)) => {
                fields.error_in(&[name, key], code, message);
                is_right = false;
            }
            None => params.push((key.clone(), text)),
        }
    }
    is_right.then_some(params)
}
