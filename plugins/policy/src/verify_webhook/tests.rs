use std::time::UNIX_EPOCH;

use http::{HeaderName, HeaderValue};

use super::*;

mod challenges;
mod plain;
mod samples;
mod special;
mod timed;

/// A webhook whose signature was computed by another program.
#[derive(Clone, Copy, Debug)]
struct Known {
    provider: &'static str,
    secret: &'static str,
    method: &'static str,
    host: &'static str,
    target: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    /// Whether the body is signed.
    is_signed: bool,
    /// When it arrives, in seconds since 1970.
    now: u64,
}

/// What is the same in most of them.
const POST: Known = Known {
    provider: "",
    secret: "sesame-7f3a",
    method: "POST",
    host: "app.example",
    target: "/hook?a=1",
    headers: &[],
    body: BODY,
    is_signed: true,
    now: 1_767_225_600,
};
const BODY: &str = r#"{"event":"ping","n":1}"#;

/// Shows a webhook to a check.
fn with_incoming<T>(known: &Known, check: impl FnOnce(&Incoming<'_>) -> T) -> T {
    let header = |(name, value): &(&'static str, &'static str)| {
        (HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    let mut headers = HeaderMap::new();
    for (name, value) in known.headers.iter().map(header) {
        headers.append(name, value);
    }
    check(&Incoming {
        method: &known.method.parse().unwrap(),
        scheme: "https",
        host: known.host,
        target: known.target,
        headers: &headers,
        body: known.body.as_bytes(),
        now: UNIX_EPOCH + Duration::from_secs(known.now),
    })
}

fn check(known: &Known) -> Result<(), Rejected> {
    let scheme = &provider(known.provider).unwrap().scheme;
    with_incoming(known, |incoming| scheme.check(incoming, known.secret))
}

fn known() -> impl Iterator<Item = &'static Known> {
    plain::KNOWN.iter().chain(timed::KNOWN).chain(special::KNOWN)
}

#[test]
fn a_webhook_of_every_provider_is_believed() {
    for known in known() {
        assert_eq!(check(known), Ok(()), "{known:?}");
    }
    for provider in providers::all().filter(|provider| provider.name != "sns") {
        assert!(known().any(|known| known.provider == provider.name), "{}", provider.name);
    }
}

#[test]
fn all_providers_have_different_names_and_there_are_as_many_as_published() {
    let mut names: Vec<_> = providers::all().map(|provider| provider.name).collect();
    names.extend(WITHOUT_SCHEME);
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 69);
}

#[test]
fn a_body_that_was_changed_is_not_believed() {
    for known in known().filter(|known| known.is_signed) {
        let longer: &'static str = format!("{}&x=y", known.body).leak();
        let rejected = check(&Known { body: longer, ..*known }).unwrap_err();
        let expected = [Rejected::Mismatch, Rejected::Malformed("the body")];
        assert!(expected.contains(&rejected), "{known:?}: {rejected:?}");
    }
}

#[test]
fn a_webhook_for_another_secret_is_not_believed() {
    // Base64 of another key, which is a text like any other where the secret is not base64, and
    // has the form of a user name and a password.
    for known in known().filter(|known| known.provider != "sendgrid") {
        let secret = if known.provider == "vmware" { "ann::other" } else { "b3RoZXI=" };
        let rejected = check(&Known { secret, ..*known });
        assert_eq!(rejected, Err(Rejected::Mismatch), "{known:?}");
    }
}

#[test]
fn a_webhook_without_its_headers_or_fields_is_not_believed() {
    for known in known() {
        let bare = Known { headers: &[], body: "{}", ..*known };
        assert!(matches!(check(&bare), Err(Rejected::Missing(_))), "{known:?}");
    }
}

#[test]
fn a_webhook_that_comes_too_late_or_too_early_is_not_believed() {
    // Those that recommend a tolerance, in seconds.
    let recommended = [
        ("box", 600),
        ("brex", 300),
        ("clerk", 300),
        ("contentful", 30),
        ("frameio", 300),
        ("linear", 60),
        ("mux", 300),
        ("orb", 300),
        ("slack", 300),
        ("stripe", 300),
        ("svix", 300),
    ];
    // The first of this one is from before it had times.
    let timed =
        timed::KNOWN.iter().filter(|known| known.provider != "linear" || known.body != BODY);
    for known in timed.chain(special::KNOWN.first()) {
        let found = recommended.iter().find(|(name, _)| *name == known.provider);
        let tolerance = match found {
            Some((_, seconds)) => *seconds,
            None if known.provider == "hubspot" => 300,
            None => 180,
        };
        for (now, expected) in [
            (known.now + tolerance, Ok(())),
            (known.now + tolerance + 1, Err(Rejected::Stale)),
            (known.now - tolerance, Ok(())),
            (known.now - tolerance - 1, Err(Rejected::Stale)),
        ] {
            assert_eq!(check(&Known { now, ..*known }), expected, "{known:?}");
        }
    }
}

#[test]
fn a_header_that_is_there_twice_is_nobodys() {
    let token = ("x-gitlab-token", "sesame-7f3a");
    let headers: &'static [_] = Box::leak(Box::new([token, token]));
    let twice = Known { provider: "gitlab", headers, ..POST };
    assert_eq!(check(&twice), Err(Rejected::Malformed("x-gitlab-token")));
}

#[test]
fn fields_that_are_not_signed_cannot_hide_behind_many_that_are() {
    // A field that is there twice counts once: who repeats it often enough must gain nothing.
    let form = special::KNOWN.iter().find(|known| known.provider == "twilio").unwrap();
    let repeated: &'static str = format!("{}{}&evil=1", form.body, "&Tag=a".repeat(1000)).leak();
    assert_eq!(check(form), Ok(()));
    let rejected = check(&Known { body: repeated, ..*form });
    assert_eq!(rejected, Err(Rejected::Malformed("the form")));
}

#[test]
fn an_empty_secret_opens_nothing() {
    for provider in providers::all() {
        assert!(!provider.scheme.takes(""), "{}", provider.name);
    }
    let token =
        Known { provider: "gitlab", secret: "", headers: &[("x-gitlab-token", "")], ..POST };
    assert_eq!(check(&token), Err(Rejected::Secret));
}

#[test]
fn secrets_have_the_form_that_their_provider_gives_out() {
    let takes = |name, secret| provider(name).unwrap().scheme.takes(secret);
    assert!(takes("svix", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    assert!(!takes("svix", "whsec_***"));
    assert!(takes("vmware", "user::password"));
    assert!(!takes("vmware", "user:password"));
    assert!(!takes("microsoft_teams", "no base64!"));
    assert!(takes("github", "anything"));
    assert!(!takes("sns", "anything"));
}
