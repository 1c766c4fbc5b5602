//! Traffic policies of a bind, and the options that stand for one.

use adit_chain::{BuildError, LinkSpec};
use adit_config::{
    At, Diagnostics, HandlerSpec, Place, Secret as Hidden,
    endpoint::TrafficPolicy,
    file,
    middleware::{Middleware, POLICY_KIND},
    opaque::{Opaque, path_of},
};
use adit_proto::{
    ErrorCode, ErrorText,
    options::{HttpOptions, OAuth, Oidc, Policy, PolicyAction, PolicyRule, WebhookVerification},
    secret::Secret,
};
use serde_json::{Value, json};

use super::{absent, link};
use crate::address::invalid;

/// What stands as the file of a policy's text.
const TEXT: &str = "TrafficPolicy";

/// A bind has a policy in each of its two forms. Fact: the code that clients know for it.
const TWO_POLICIES: ErrorCode = ErrorCode(9025);

/// The policy that a bind asks for: the text, or the structure of older clients. One that says
/// nothing is none: some clients write it where they have nothing to say.
pub(super) fn document(
    policy: Option<&Policy>,
    text: &Secret,
) -> Result<Option<HandlerSpec>, ErrorText> {
    let from_text = of_text(text.expose())?;
    let structured = policy.filter(|p| !(p.inbound.is_empty() && p.outbound.is_empty()));
    match (from_text, structured) {
        (Some(_), Some(_)) => {
            Err(ErrorText::new(TWO_POLICIES, "Both Policy and TrafficPolicy are given; keep one."))
        }
        (from_text, None) => Ok(from_text),
        (None, Some(policy)) => structure(policy).map(Some),
    }
}

/// The policy in a text of YAML or JSON; none if it says nothing.
pub(crate) fn of_text(text: &str) -> Result<Option<HandlerSpec>, ErrorText> {
    let document = Opaque::parse(TEXT, text.as_bytes()).map_err(|wrong| unreadable(&wrong))?;
    Ok(TrafficPolicy::handler(document))
}

fn structure(policy: &Policy) -> Result<HandlerSpec, ErrorText> {
    let rules = |rules: &[PolicyRule]| rules.iter().map(rule).collect::<Result<Vec<_>, _>>();
    let phases =
        json!({ "inbound": rules(&policy.inbound)?, "outbound": rules(&policy.outbound)? });
    let Value::Object(mut phases) = phases else { return Err(invalid("Policy")) };
    phases.retain(|_, rules| rules.as_array().is_some_and(|rules| !rules.is_empty()));
    Ok(HandlerSpec::new(POLICY_KIND, Value::Object(phases), Place::of("Policy")))
}

fn rule(rule: &PolicyRule) -> Result<Value, ErrorText> {
    let actions: Vec<Value> = rule.actions.iter().map(action).collect::<Result<_, _>>()?;
    let mut out = json!({ "actions": actions });
    if !rule.name.is_empty() {
        out["name"] = rule.name.as_str().into();
    }
    if !rule.expressions.is_empty() {
        out["expressions"] = rule.expressions.clone().into();
    }
    Ok(out)
}

fn action(action: &PolicyAction) -> Result<Value, ErrorText> {
    let mut out = json!({ "type": action.kind });
    if !action.config.is_empty() {
        out["config"] = serde_json::from_slice(&action.config.0).map_err(|error| {
            let text = format!("Policy: the config of an action {:?}: {error}.", action.kind);
            ErrorText::new(ErrorCode::POLICY_INVALID, text)
        })?;
    }
    Ok(out)
}

/// Options of a bind that ask for a signature or a sign-in, as links.
pub(super) struct Providers {
    pub(super) signatures: Option<LinkSpec>,
    pub(super) logins: Vec<LinkSpec>,
}

/// Reads them.
pub(super) fn providers(opts: &HttpOptions) -> Result<Providers, ErrorText> {
    let mut logins = Middleware::default();
    logins.oauth = opts.oauth.as_ref().map(oauth).transpose()?;
    logins.oidc = opts.oidc.as_ref().map(oidc).transpose()?;
    if let Some(wrong) = logins.incomplete(&Place::of("")) {
        let message = format!("{}.", wrong.message);
        return Err(match wrong.code {
            Some(code) => ErrorText::new(ErrorCode(code.into()), message),
            None => invalid(message),
        });
    }
    let mut signatures = Middleware::default();
    signatures.verify_webhook = opts.webhook_verification.as_ref().map(webhook).transpose()?;
    let to_link = |spec: HandlerSpec| link(&spec.kind, spec.options);
    Ok(Providers {
        signatures: signatures.before().into_iter().next().map(to_link),
        logins: logins.before().into_iter().map(to_link).collect(),
    })
}

fn oauth(option: &OAuth) -> Result<file::OAuth, ErrorText> {
    absent("OAuth.sealed_client_secret", option.sealed_client_secret.is_empty())?;
    Ok(file::OAuth {
        provider: text(&option.provider),
        allow_emails: list(&option.allow_emails),
        allow_domains: list(&option.allow_domains),
        scopes: list(&option.scopes),
        client_id: text(&option.client_id),
        client_secret: hidden(&option.client_secret),
    })
}

fn oidc(option: &Oidc) -> Result<file::Oidc, ErrorText> {
    absent("OIDC.sealed_client_secret", option.sealed_client_secret.is_empty())?;
    Ok(file::Oidc {
        issuer_url: text(&option.issuer_url),
        allow_emails: list(&option.allow_emails),
        allow_domains: list(&option.allow_domains),
        scopes: list(&option.scopes),
        client_id: text(&option.client_id),
        client_secret: hidden(&option.client_secret),
    })
}

fn webhook(option: &WebhookVerification) -> Result<file::VerifyWebhook, ErrorText> {
    absent("WebhookVerification.sealed_secret", option.sealed_secret.is_empty())?;
    Ok(file::VerifyWebhook { provider: text(&option.provider), secret: hidden(&option.secret) })
}

/// Members that were not sent are empty.
fn text(value: &str) -> Option<At<String>> {
    (!value.is_empty()).then(|| At::from_flag(value.to_owned(), "bind"))
}

fn hidden(value: &Secret) -> Option<At<Hidden<String>>> {
    text(value.expose()).map(|at| at.map(Hidden::new))
}

fn list(values: &[String]) -> Option<At<Vec<At<String>>>> {
    let values: Vec<_> = values.iter().filter_map(|value| text(value)).collect();
    (!values.is_empty()).then(|| At::from_flag(values, "bind"))
}

/// What an agent is told of a policy that is no document.
fn unreadable(wrong: &Diagnostics) -> ErrorText {
    let message = format!("The traffic policy is not valid:\n{wrong}");
    ErrorText::new(ErrorCode::POLICY_INVALID, message)
}

/// What an agent is told of a policy with mistakes: each of them, with its line and code.
pub(crate) fn misbuilt(policy: &HandlerSpec, error: &BuildError) -> ErrorText {
    let mut message = "The traffic policy is not valid:".to_owned();
    for error in error.all() {
        let path = path_of(&error.at);
        let place = policy.place_of(&path);
        message.push_str(&match (place.line, path.as_str()) {
            (0, "") => format!("\n{}", error.message),
            (0, path) => format!("\n{path}: {}", error.message),
            _ => format!("\n{place}: {}", error.message),
        });
        if let Some(code) = error.code {
            message.push_str(&format!(" ({})", ErrorCode(code.0)));
        }
    }
    ErrorText::new(ErrorCode::POLICY_INVALID, message)
}

/// The code of a mistake in an option that stands for a policy. Fact: clients know these options by
/// codes of their own.
pub(crate) fn code_of(link: &LinkSpec, error: &BuildError) -> Option<ErrorCode> {
    let action = &link.options["on_http_request"][0]["actions"][0]["type"];
    let is_provider = error.at.last().is_some_and(|key| key == "provider");
    match action.as_str() {
        Some("oauth") if is_provider => Some(ErrorCode(365)),
        Some("verify-webhook") if is_provider => Some(ErrorCode(364)),
        _ => error.code.map(|code| ErrorCode(code.0)),
    }
}
