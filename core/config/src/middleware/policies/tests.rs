#![allow(clippy::unwrap_used)]

use super::*;

fn list(entries: &[&str]) -> List {
    let entry = |text: &&str| At::from_flag((*text).to_owned(), "--x");
    Some(At::from_flag(entries.iter().map(entry).collect(), "--x"))
}

fn at(text: &str, flag: &str) -> Option<At<String>> {
    Some(At::from_flag(text.to_owned(), flag))
}

fn secret(text: &str, flag: &str) -> Option<At<Secret<String>>> {
    Some(At::from_flag(Secret::new(text.to_owned()), flag))
}

#[test]
fn a_signature_is_one_rule_whose_fields_know_their_flags() {
    let spec = verify_webhook(&VerifyWebhook {
        provider: at("github", "--verify-webhook"),
        secret: secret("a${b", "--verify-webhook-secret"),
    });
    let config = json!({ "provider": "github", "secret": "a${'$'}{b" });
    let rule = json!({ "actions": [{ "type": "verify-webhook", "config": config }] });
    assert_eq!(spec.kind, "traffic-policy");
    assert_eq!(spec.options, json!({ "on_http_request": [rule] }));
    let path = "on_http_request[0].actions[0].config.provider";
    assert_eq!(spec.place_of(path).to_string(), "--verify-webhook");
    assert_eq!(spec.code_of(path), Some(364));
    assert!(spec.is_generated());
}

#[test]
fn whom_no_list_has_is_turned_away() {
    let spec = oauth(&OAuth {
        provider: at("google", "--oauth"),
        allow_emails: list(&["Ann@a.example", "o'hara\\@b.example"]),
        allow_domains: list(&["@c.example"]),
        ..OAuth::default()
    });
    let rules = spec.options["on_http_request"].as_array().unwrap();
    let email = "actions.ngrok.oauth.identity.email.lowerAscii()";
    let expressions: Vec<_> = rules.iter().map(|rule| rule["expressions"].clone()).collect();
    assert_eq!(
        expressions,
        [
            Json::Null,
            json!([format!("{email} in ['ann@a.example', 'o\\'hara\\\\@b.example']")]),
            json!([format!("['@c.example'].exists(d, {email}.endsWith(d))")]),
            json!(["!has(vars.is_allowed)"]),
        ]
    );
    assert_eq!(rules[3]["actions"], json!([{ "type": "deny" }]));
    let open = oidc(&Oidc { issuer_url: at("https://i", "--oidc"), ..Oidc::default() });
    assert_eq!(open.options["on_http_request"].as_array().unwrap().len(), 1);
}

#[test]
fn long_lists_are_several_rules() {
    let many: Vec<String> = (0..120).map(|n| format!("u{n}@a.example")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let option = OAuth { allow_emails: list(&many), ..OAuth::default() };
    assert_eq!(oauth(&option).options["on_http_request"].as_array().unwrap().len(), 5);
}

#[test]
fn what_is_missing_has_its_code() {
    let place = Place::of("adit.yml");
    let oauth = |provider, id, secret, scopes| OAuth {
        provider,
        client_id: id,
        client_secret: secret,
        scopes,
        ..OAuth::default()
    };
    let google = || at("google", "--oauth");
    let code = |option: OAuth| incomplete_oauth(&option, &place).and_then(|wrong| wrong.code);
    assert_eq!(code(oauth(google(), None, None, None)), None);
    assert_eq!(code(oauth(None, None, None, None)), Some(365));
    assert_eq!(code(oauth(google(), None, secret("s", "-"), None)), Some(383));
    assert_eq!(code(oauth(google(), at("i", "-"), None, None)), Some(384));
    assert_eq!(code(oauth(google(), None, None, list(&["a"]))), Some(390));
    let oidc = |issuer_url, client_id, client_secret| {
        let option = Oidc { issuer_url, client_id, client_secret, ..Oidc::default() };
        incomplete_oidc(&option, &place).and_then(|wrong| wrong.code)
    };
    assert_eq!(oidc(None, at("i", "-"), secret("s", "-")), Some(385));
    assert_eq!(oidc(at("u", "-"), None, secret("s", "-")), Some(386));
    assert_eq!(oidc(at("u", "-"), at("i", "-"), None), Some(387));
    assert_eq!(oidc(at("u", "-"), at("i", "-"), secret("s", "-")), None);
}
