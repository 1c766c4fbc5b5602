use http::StatusCode;

use super::*;

/// The answer of a provider's challenge: status and body.
fn answer(known: &Known) -> Option<(u16, String)> {
    let provider = provider(known.provider).unwrap();
    let is_verified = check(known).is_ok();
    let answer =
        with_incoming(known, |incoming| challenge(provider, incoming, known.secret, is_verified));
    answer.map(|answer| (answer.status.as_u16(), answer.body))
}

const TWITTER: Known = Known { provider: "twitter", method: "GET", headers: &[], body: "", ..POST };

#[test]
fn twitter_is_shown_that_the_secret_is_known() {
    let asked = Known { target: "/hook?nonce=1&crc_token=challenge-1", ..TWITTER };
    let expected = r#"{"response_token":"sha256=BmWxIK2yWUEiMkYsNXghJnvZyCNmxJ8WRLB+faMooNg="}"#;
    assert_eq!(answer(&asked), Some((200, expected.to_owned())));
    assert_eq!(answer(&Known { target: "/hook?nonce=1", ..TWITTER }), None);
    assert_eq!(answer(&Known { method: "POST", ..asked }), None);
}

#[test]
fn no_webhook_can_be_signed_by_asking_for_a_challenge() {
    // A whole event as the token, and a token as the event.
    assert_eq!(answer(&Known { target: "/?crc_token=%7B%22a%22%3A1%7D", ..TWITTER }), None);
    let long: &'static str = format!("/?crc_token={}", "a".repeat(257)).leak();
    assert_eq!(answer(&Known { target: long, ..TWITTER }), None);
    let token = Known {
        method: "POST",
        headers: &[(
            "x-twitter-webhooks-signature",
            "sha256=BmWxIK2yWUEiMkYsNXghJnvZyCNmxJ8WRLB+faMooNg=",
        )],
        body: "challenge-1",
        ..TWITTER
    };
    assert_eq!(check(&token), Err(Rejected::Malformed("the body")));
}

#[test]
fn worldline_gets_its_header_back() {
    let asked = Known {
        provider: "worldline",
        method: "GET",
        headers: &[("x-gcs-webhooks-endpoint-verification", "abc-123")],
        body: "",
        ..POST
    };
    assert_eq!(answer(&asked), Some((200, "abc-123".into())));
    assert_eq!(answer(&Known { method: "POST", ..asked }), None);
}

const XERO: Known = Known {
    provider: "xero",
    headers: &[("x-xero-signature", "gqsNqeTSXCpw6e08yBDufBjxPAxJ5/VFv5smct6ZUmU=")],
    body: r#"{"events":[],"firstEventSequence": 0,"lastEventSequence": 0, "entropy": "S0m3r4Nd0mt3xt"}"#,
    ..POST
};

#[test]
fn xero_sees_right_signatures_told_from_wrong_ones() {
    assert_eq!(answer(&XERO), Some((StatusCode::OK.as_u16(), String::new())));
    let forged = Known { secret: "other", ..XERO };
    assert_eq!(answer(&forged), Some((StatusCode::UNAUTHORIZED.as_u16(), String::new())));
    let event = Known { body: r#"{"events":[{}],"firstEventSequence":1}"#, ..XERO };
    assert_eq!(answer(&event), None);
}

const ZOOM: Known = Known {
    provider: "zoom",
    headers: &[
        ("x-zm-request-timestamp", "1767225600"),
        ("x-zm-signature", "v0=014642acc831872374738c605f21cebef4013d299a6a65e802544bf4dab0decd"),
    ],
    body: r#"{"payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"},"event_ts":1767225600000,"event":"endpoint.url_validation"}"#,
    ..POST
};

#[test]
fn zoom_is_shown_that_the_secret_is_known_if_it_signs() {
    let expected = r#"{"encryptedToken":"4fba25da50caf7b506ea0b3b2aaa8ec719e832de178ffed9af214ed5a10c7e17","plainToken":"qgg8vlvZRS6UYooatFL8Aw"}"#;
    assert_eq!(answer(&ZOOM), Some((200, expected.to_owned())));
    assert_eq!(answer(&Known { headers: &[], ..ZOOM }), None);
    assert_eq!(answer(&Known { secret: "other", ..ZOOM }), None);
}
