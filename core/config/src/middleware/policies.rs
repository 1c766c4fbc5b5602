//! Sign-in and signatures: options that stand for a traffic policy each.
//!
//! What is written in an option is meant literally, so a `${` in it is kept from being an
//! expression. Who may enter is decided by rules behind the login: one notes that a list has the
//! visitor, and the last one turns away whom none has. So a rule that cannot be evaluated keeps
//! visitors out, and does not let them in.

use serde_json::{Map, Value as Json, json};

use crate::{
    diagnostic::Diagnostic,
    file::{OAuth, Oidc, VerifyWebhook},
    handler::HandlerSpec,
    place::{At, Place},
    secret::Secret,
};

/// Kind of the handlers.
pub const POLICY_KIND: &str = "traffic-policy";

/// Where the fields of the first action of the first rule stand.
const FIRST: &str = "on_http_request[0].actions[0].config";

/// Entries of one expression, and octets of them.
///
/// Reason: an expression has at most 8 KiB, and longer lists are more rules.
const MAX_ENTRIES: usize = 50;
const MAX_ENTRIES_LEN: usize = 4096;

type List = Option<At<Vec<At<String>>>>;

/// What a login option says.
struct Login<'a> {
    action: &'static str,
    /// Name of its results below `actions.ngrok`.
    namespace: &'static str,
    /// The field that says whom to ask.
    whom: (&'static str, &'a Option<At<String>>),
    client_id: &'a Option<At<String>>,
    client_secret: &'a Option<At<Secret<String>>>,
    scopes: &'a List,
    allow_domains: &'a List,
    allow_emails: &'a List,
}

/// Webhooks must be signed.
pub(super) fn verify_webhook(option: &VerifyWebhook) -> HandlerSpec {
    let mut fields = Fields::default();
    fields.put("provider", &option.provider, |text| text.as_str().into());
    fields.put("secret", &option.secret, |secret| literal(secret.expose()).into());
    let config = &fields.config;
    let rule = json!({ "actions": [{ "type": "verify-webhook", "config": config }] });
    const CODES: &[(&str, u16)] = &[("on_http_request[0].actions[0].config.provider", 364)];
    fields.spec("verify_webhook", vec![rule]).generated(CODES)
}

/// Visitors sign in with a provider.
pub(super) fn oauth(option: &OAuth) -> HandlerSpec {
    let login = Login {
        action: "oauth",
        namespace: "oauth",
        whom: ("provider", &option.provider),
        client_id: &option.client_id,
        client_secret: &option.client_secret,
        scopes: &option.scopes,
        allow_domains: &option.allow_domains,
        allow_emails: &option.allow_emails,
    };
    const CODES: &[(&str, u16)] = &[("on_http_request[0].actions[0].config.provider", 365)];
    login.spec("oauth").generated(CODES)
}

/// Visitors sign in with an issuer.
pub(super) fn oidc(option: &Oidc) -> HandlerSpec {
    let login = Login {
        action: "openid-connect",
        namespace: "oidc",
        whom: ("issuer_url", &option.issuer_url),
        client_id: &option.client_id,
        client_secret: &option.client_secret,
        scopes: &option.scopes,
        allow_domains: &option.allow_domains,
        allow_emails: &option.allow_emails,
    };
    login.spec("oidc").generated(&[])
}

/// What is missing in an option, for whoever starts the endpoint. `place`: that of the endpoint.
pub(super) fn incomplete_oauth(option: &OAuth, place: &Place) -> Option<Diagnostic> {
    let first = option.provider.as_ref().map(|at| &at.place);
    let client = option.client_id.as_ref().map(|at| &at.place);
    let secret = option.client_secret.as_ref().map(|at| &at.place);
    let wrong = |at: Option<&Place>, message: &str, code: u16| {
        Some(Diagnostic::new(at.unwrap_or(place).clone(), message).code(code))
    };
    if first.is_none() {
        let message = "oauth names no provider; add provider (--oauth)";
        return wrong(client.or(secret), message, 365);
    }
    match (client, secret) {
        (None, Some(_)) => wrong(secret, "oauth has a client_secret and no client_id", 383),
        (Some(_), None) => wrong(client, "oauth has a client_id and no client_secret", 384),
        (None, None) if !is_empty(&option.scopes) => {
            let message = "oauth scopes of one's own need a client_id and a client_secret";
            wrong(option.scopes.as_ref().map(|at| &at.place), message, 390)
        }
        _ => None,
    }
}

/// As [`incomplete_oauth`].
pub(super) fn incomplete_oidc(option: &Oidc, place: &Place) -> Option<Diagnostic> {
    let issuer = option.issuer_url.as_ref().map(|at| &at.place);
    let client = option.client_id.as_ref().map(|at| &at.place);
    let secret = option.client_secret.as_ref().map(|at| &at.place);
    let at = issuer.or(client).or(secret).unwrap_or(place);
    let (message, code) = match (issuer, client, secret) {
        (None, ..) => ("oidc names no issuer; add issuer_url (--oidc)", 385),
        (_, None, _) => ("oidc has no client_id; add it (--oidc-client-id)", 386),
        (.., None) => ("oidc has no client_secret; add it (--oidc-client-secret)", 387),
        _ => return None,
    };
    Some(Diagnostic::new(at.clone(), message).code(code))
}

impl Login<'_> {
    fn spec(&self, key: &'static str) -> HandlerSpec {
        let mut fields = Fields::default();
        fields.put(self.whom.0, self.whom.1, |text| text.as_str().into());
        fields.put("client_id", self.client_id, |text| literal(text).into());
        fields.put("client_secret", self.client_secret, |text| literal(text.expose()).into());
        if !is_empty(self.scopes) {
            fields.put("scopes", self.scopes, |list| {
                list.iter().map(|scope| Json::from(scope.value.as_str())).collect()
            });
        }
        let login = json!({ "type": self.action, "config": fields.config });
        let mut rules = vec![json!({ "actions": [login] })];
        rules.extend(self.guards());
        fields.spec(key, rules)
    }

    /// The rules that decide who of those who signed in may enter. None without a list.
    fn guards(&self) -> Vec<Json> {
        if is_empty(self.allow_domains) && is_empty(self.allow_emails) {
            return Vec::new();
        }
        let email = format!("actions.ngrok.{}.identity.email.lowerAscii()", self.namespace);
        let emails = entries(self.allow_emails, "");
        let emails = chunks(&emails).map(|list| format!("{email} in [{list}]"));
        let domains = entries(self.allow_domains, "@");
        let domains =
            chunks(&domains).map(|list| format!("[{list}].exists(d, {email}.endsWith(d))"));
        let allow = emails.chain(domains).map(|expression| {
            let note =
                json!({ "type": "set-vars", "config": { "vars": [{ "is_allowed": true }] } });
            json!({ "expressions": [expression], "actions": [note] })
        });
        let deny = json!({
            "name": "only those who are allowed",
            "expressions": ["!has(vars.is_allowed)"],
            "actions": [{ "type": "deny" }],
        });
        allow.chain([deny]).collect()
    }
}

/// The `config` of the first action, and where its fields were written.
#[derive(Default)]
struct Fields<'a> {
    config: Map<String, Json>,
    places: Vec<(String, &'a Place)>,
}

impl<'a> Fields<'a> {
    fn put<T>(&mut self, name: &str, written: &'a Option<At<T>>, to: impl Fn(&T) -> Json) {
        if let Some(at) = written {
            self.config.insert(name.to_owned(), to(&at.value));
            self.places.push((format!("{FIRST}.{name}"), &at.place));
        }
    }

    fn spec(self, key: &'static str, rules: Vec<Json>) -> HandlerSpec {
        let place = self.places.first().map_or_else(|| Place::of(key), |(_, at)| (*at).clone());
        let document = json!({ "on_http_request": rules });
        HandlerSpec::new(POLICY_KIND, document, place).with_places(self.places)
    }
}

fn is_empty(list: &List) -> bool {
    list.as_ref().is_none_or(|list| list.value.is_empty())
}

/// The entries of a list as string literals of an expression, in lower case, behind `prefix`.
fn entries(list: &List, prefix: &str) -> Vec<String> {
    let entries = list.iter().flat_map(|list| &list.value);
    let entries = entries.map(|entry| entry.value.trim().trim_start_matches('@'));
    entries.map(|entry| quoted(&format!("{prefix}{}", entry.to_ascii_lowercase()))).collect()
}

fn chunks(entries: &[String]) -> impl Iterator<Item = String> {
    let mut lists: Vec<Vec<&str>> = Vec::new();
    let mut len = 0;
    for entry in entries {
        len += entry.len();
        match lists.last_mut() {
            Some(last) if last.len() < MAX_ENTRIES && len <= MAX_ENTRIES_LEN => last.push(entry),
            _ => {
                len = entry.len();
                lists.push(vec![entry]);
            }
        }
    }
    lists.into_iter().map(|list| list.join(", "))
}

/// A string literal of an expression.
fn quoted(text: &str) -> String {
    let mut out = String::from("'");
    for c in text.chars() {
        match c {
            '\'' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out + "'"
}

/// A text that stands for itself where expressions are looked for.
fn literal(text: &str) -> String {
    text.replace("${", "${'$'}{")
}

#[cfg(test)]
mod tests;
