use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::UNIX_EPOCH,
};

use adit_chain::BoxFuture;
use http::{HeaderMap, Method, Response};
use serde_json::{Value as Json, json};

use super::*;
use crate::services::FetchError;

/// A provider that publishes one certificate, and counts who asks.
#[derive(Debug, Default)]
struct Publisher {
    n_asked: AtomicUsize,
    is_gone: bool,
}

impl Fetch for Publisher {
    fn fetch<'a>(
        &'a self,
        request: Request<Bytes>,
        max_len: usize,
        _: Instant,
    ) -> BoxFuture<'a, Result<Response<Bytes>, FetchError>> {
        assert_eq!((request.uri(), max_len), (&URL.parse().unwrap(), MAX_CERTIFICATE_LEN));
        self.n_asked.fetch_add(1, Ordering::Relaxed);
        let mut response = Response::new(Bytes::from_static(PEM.as_bytes()));
        if self.is_gone {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        Box::pin(std::future::ready(Ok(response)))
    }
}

const URL: &str = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem";
const SENT: u64 = 1_767_225_600;

fn message(version: &str, signature: &str) -> Json {
    json!({
        "Type": "Notification",
        "MessageId": "m-1",
        "TopicArn": "arn:aws:sns:eu-west-1:123456789012:topic",
        "Message": "{\"a\":\"ü\"}\nline",
        "Timestamp": "2026-01-01T00:00:00.000Z",
        "SignatureVersion": version,
        "Signature": signature,
        "SigningCertURL": URL,
    })
}

fn with(mut message: Json, name: &str, value: &str) -> Json {
    message[name] = value.into();
    message
}

async fn check_at(certificates: &Certificates, body: &str, now: u64) -> Result<(), Rejected> {
    let incoming = Incoming {
        method: &Method::POST,
        scheme: "https",
        host: "app.example",
        target: "/",
        headers: &HeaderMap::new(),
        body: body.as_bytes(),
        now: UNIX_EPOCH + Duration::from_secs(now),
    };
    certificates.check(&incoming).await
}

async fn check(message: &Json) -> Result<(), Rejected> {
    let certificates = Certificates::new(Arc::new(Publisher::default()));
    check_at(&certificates, &message.to_string(), SENT).await
}

#[tokio::test]
async fn messages_of_both_versions_and_all_types_are_believed() {
    assert_eq!(check(&message("1", NOTIFICATION_1)).await, Ok(()));
    let with_subject = with(message("2", NOTIFICATION_2), "Subject", "hello");
    assert_eq!(check(&with_subject).await, Ok(()));
    let mut subscription = message("2", SUBSCRIPTION_2);
    for (name, value) in [
        ("Type", "SubscriptionConfirmation"),
        ("Token", "t-1"),
        ("SubscribeURL", "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"),
    ] {
        subscription = with(subscription, name, value);
    }
    assert_eq!(check(&subscription).await, Ok(()));
}

#[tokio::test]
async fn a_message_that_was_changed_is_not_believed() {
    let sent = message("1", NOTIFICATION_1);
    for (name, value) in [("Message", "other"), ("TopicArn", "arn:other"), ("Subject", "added")] {
        assert_eq!(check(&with(sent.clone(), name, value)).await, Err(Rejected::Mismatch));
    }
    // The other version is another digest.
    assert_eq!(check(&message("2", NOTIFICATION_1)).await, Err(Rejected::Mismatch));
    let unknown = check(&message("3", NOTIFICATION_1)).await;
    assert_eq!(unknown, Err(Rejected::Malformed("SignatureVersion")));
    // Readers may take either of two fields of the same name.
    let text = sent.to_string();
    let twice = format!("{{\"Message\":\"other\",{}", &text[1..]);
    let certificates = Certificates::new(Arc::new(Publisher::default()));
    let rejected = check_at(&certificates, &twice, SENT).await;
    assert_eq!(rejected, Err(Rejected::Malformed("the body")));
}

#[tokio::test]
async fn messages_are_believed_for_an_hour_and_under_a_valid_certificate() {
    let certificates = Certificates::new(Arc::new(Publisher::default()));
    let body = message("1", NOTIFICATION_1).to_string();
    assert_eq!(check_at(&certificates, &body, SENT + 3600).await, Ok(()));
    assert_eq!(check_at(&certificates, &body, SENT + 3601).await, Err(Rejected::Stale));
    let expired = Certificate { validity: (0, 1), ..Certificate::parse(PEM.as_bytes()).unwrap() };
    certificates.0.keep(URL, &Arc::new(expired));
    let rejected = check_at(&certificates, &body, SENT).await;
    assert_eq!(rejected, Err(Rejected::Certificate("it is not valid now")));
}

#[tokio::test]
async fn a_certificate_is_fetched_once() {
    let publisher = Arc::new(Publisher::default());
    let certificates = Certificates::new(publisher.clone());
    let body = message("1", NOTIFICATION_1).to_string();
    for _ in 0..3 {
        assert_eq!(check_at(&certificates, &body, SENT).await, Ok(()));
    }
    assert_eq!(publisher.n_asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_certificate_that_is_gone_is_told() {
    let publisher = Publisher { is_gone: true, ..Publisher::default() };
    let certificates = Certificates::new(Arc::new(publisher));
    let body = message("1", NOTIFICATION_1).to_string();
    let rejected = check_at(&certificates, &body, SENT).await;
    assert_eq!(rejected, Err(Rejected::Fetch("404 Not Found".into())));
}

#[test]
fn certificates_are_fetched_from_the_provider_only() {
    for url in [
        URL,
        "https://sns.us-gov-west-1.amazonaws.com/a/b_c.pem",
        "https://sns.cn-north-1.amazonaws.com.cn/x.pem",
    ] {
        assert_eq!(provider_url(url), Ok(url));
    }
    for url in [
        "http://sns.eu-west-1.amazonaws.com/x.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/x.pem",
        "https://sns.evil.example/.amazonaws.com/x.pem",
        "https://sns.a.b.amazonaws.com/x.pem",
        "https://sns.bucket@evil.amazonaws.com/x.pem",
        "https://sns.eu-west-1.amazonaws.com:444/x.pem",
        "https://sns.eu-west-1.amazonaws.com/x.pem?y=.pem",
        "https://sns.eu-west-1.amazonaws.com/x#.pem",
        "https://sns.eu-west-1.amazonaws.com/x",
        "https://sns.amazonaws.com/x.pem",
        "https://s3.eu-west-1.amazonaws.com/x.pem",
    ] {
        let rejected = Rejected::Certificate("its URL is none of the provider's");
        assert_eq!(provider_url(url), Err(rejected), "{url}");
    }
}

/// A certificate for tests, and what was signed with its key, which nobody has kept.
const PEM: &str = "\
-----BEGIN CERTIFICATE-----
MIICsTCCAZmgAwIBAgIBATANBgkqhkiG9w0BAQsFADAcMRowGAYDVQQDDBFzbnMu
YW1hem9uYXdzLmNvbTAeFw0yNTAxMDEwMDAwMDBaFw0yNzAxMDEwMDAwMDBaMBwx
GjAYBgNVBAMMEXNucy5hbWF6b25hd3MuY29tMIIBIjANBgkqhkiG9w0BAQEFAAOC
AQ8AMIIBCgKCAQEAnFzJwlt9QL2V9s3ylnZy/p3uXzePBKyZU+XKEOW1cbXoJhgo
SFZADGqC1k5ywVJ7v+a+QsLv+IrYnC4S34eSCAr+TbsJTcBwAUwqJqwJIMESLvFL
A8XBP8+M7IQWCvO6JZFHd1OThth844dXRDnvXAbvcIr61mf6jT/OvHquwQH2Khva
O214HFJplXWgrDBXSjVB724MkwO91kiYUAzfQVrOzqDfgakkCy59XFXW1VdP413f
jp0kUiESazhZ83RCXqalO0BpSq1znMfjxYnMGmwMUXUl93iJ3Y/gTy1rhJJZ1nSM
AwZNPeScoAoRzFpwaLoGSStA/1rgYYf8LhBgOwIDAQABMA0GCSqGSIb3DQEBCwUA
A4IBAQB7kYepYvBOsKmsm3hirTHsmnOwTw2hjkLCavv7heQkEkbSJh7PS48jzGhg
WAgsVGIeijOR4W9tWQD/DqgrKYy5cmxCd4TKJHX/esj/rNpN/w4tFlrkm4wkwfD9
Y+Cj5mm3Pa9VU5HEFc9pnzSy9hINTcq+/C0+MoJNEN980ZDEUU2fNHgGr75aOgHc
lqTabux7NLVeSlCmKSzLZ2j2fokTk0Z9zjmtUJ0p5bmcAHuG+bPKMPPfLe5aHFK9
WrX9j61t0cwgNo+SJx8q5vSrzePS3zqQ0FLZFJJVvqVFEh6FYv4uOX4td7YScCQU
M+Ww/3qy6wrJboBEvv6BkbjqS2j+
-----END CERTIFICATE-----
";
const NOTIFICATION_1: &str = "XRrh8m2cpOy10b1qpPaOrbtknKqs3IYEbv32f/PDFqx5iWTp1HEfvoIP4ECJCZ1yaYAjo18ennTDYU5s6cMqrPxdIARaBkJc3Kbepfin401DGaQPOWpA8W8B4piyLl3x9904G7WMBFmzObGS8E/4p7tuJEDXWgZZ6AjNsM/wPERzMc540y2cCqAP/07ZS8JGAFuNI5LoMaLV/xsMIi2A3yqYwXcDkaobsnN2c4r09LmvI9gcWzNMTUSDSghkKR5HmQKLpBKfHuZXc9maCoFfphgjTDEqK4S/uRX4A/QjVaVgehYkR7Pla3kEKMilRIgGbmKewIa/QFZEvDL5RCz57w==";
const NOTIFICATION_2: &str = "ErlC2PLAZdjHU0yp8lc6kNb6Jy8Vv/DQecPiewAY59rEGcxRzdaJAwdHrTt7pl+FLDQtOgomQeG1Y1jVIQGkc0fv3vnyZdWPWIeXpq30xhC87ONr/H3y79qiYL4V7HwMOLo8pE6Z11R8ly5NzKfdvd0g5vAZoqsj2s0aCY7jodd/fTxBnpXZkDS6iL4/+yZ7fYlnMKdHbqOaL++T3uGlt2tO3TOt+Yh0wFmfQ+WZbozTdf7omo9UCIV0R6IfjybdChEnLwvvufQEwMwSnqOAIn1Rrahg6eoWYLYMDxjET232WDWFLtvkZnTuBBMOwn8UC6QMOz3jKVwe24BWCh+drA==";
const SUBSCRIPTION_2: &str = "Jb/C8VqCu9BqPBVg6azHnyqDDCdXvKP8MNZVd1yynu/OdQTDoqBkOczeIe8nO1hXT/YLNr71Q1tuL0Cfeg48+Gr5uGNLvjDM3JJ+09rEphnYrdVZ4NrXL7Z7SA3jTeI+1DFYi36DVUU1ihFJyOelx8eyv385H/lFPwFmO846PWs331WEvF+Vxqq33iii9n58isknU7ayM2TBTBYKprpll1gjEdU4Ui958v/EY6/lBHmMsz9ELyUamSTCvceMPOh9z/f8RQtKxeitrinPYDR6p8a7r/OfHT6zL/1GvHIjxV0l1D6EhMFRH728+pKAKj63iSxangnfqoYcvvHJ//wf9g==";
