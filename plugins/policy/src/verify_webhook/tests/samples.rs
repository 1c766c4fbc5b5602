//! Webhooks from the providers' own documentation and from the tests of their own libraries.

use super::{Known, POST, check};

const SAMPLES: &[Known] = &[
    Known {
        provider: "box",
        secret: "SamplePrimaryKey",
        headers: BOX,
        body: BOX_BODY,
        now: 1_577_862_000,
        ..POST
    },
    Known {
        provider: "box",
        secret: "SampleSecondaryKey",
        headers: BOX,
        body: BOX_BODY,
        now: 1_577_862_000,
        ..POST
    },
    Known {
        provider: "contentful",
        secret: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
        target: "/trigger/SW5zdGFuY2VGbG93Q29uZmlnOjE=",
        headers: &[
            ("content-type", "application/vnd.contentful.management.v1+json"),
            ("x-contentful-topic", "ContentManagement.Entry.publish"),
            (
                "x-contentful-signature",
                "8dec81505760a10b542fbc36d3aa0a772b11f759eca7b2351daaf5bba8c7c6f1",
            ),
            (
                "x-contentful-signed-headers",
                "content-type,x-contentful-signed-headers,x-contentful-timestamp,x-contentful-topic",
            ),
            ("x-contentful-timestamp", "1767225600000"),
        ],
        body: r#"{"sys":{"id":"5KsDBWseXY6QegucYAoacS","type":"Entry"},"fields":{"title":{"en-US":"Hello, World!"}}}"#,
        ..POST
    },
    Known {
        provider: "github",
        secret: "It's a Secret to Everybody",
        headers: &[(
            "x-hub-signature-256",
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        )],
        body: "Hello, World!",
        ..POST
    },
    Known {
        provider: "hubspot",
        secret: HUBSPOT,
        headers: &[
            ("x-hubspot-signature-version", "v1"),
            (
                "x-hubspot-signature",
                "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de",
            ),
        ],
        body: HUBSPOT_BODY,
        ..POST
    },
    Known {
        provider: "hubspot",
        secret: HUBSPOT,
        host: "www.example.com",
        target: "/webhook_uri",
        headers: &[
            ("x-hubspot-signature-version", "v2"),
            (
                "x-hubspot-signature",
                "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900",
            ),
        ],
        body: r#"{"example_field":"example_value"}"#,
        ..POST
    },
    Known {
        provider: "hubspot",
        secret: HUBSPOT,
        method: "GET",
        host: "www.example.com",
        target: "/webhook_uri",
        headers: &[
            ("x-hubspot-signature-version", "v2"),
            (
                "x-hubspot-signature",
                "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e",
            ),
        ],
        body: "",
        ..POST
    },
    Known {
        provider: "hubspot",
        secret: HUBSPOT,
        host: "www.example.com",
        target: "/webhook_uri?x=a%3Ab",
        headers: &[
            ("x-hubspot-request-timestamp", "1700000000000"),
            ("x-hubspot-signature-v3", "pGaqipPiYpnRzTHQquj/LJH83HMaMUaJ132HqlEOjx8="),
        ],
        body: HUBSPOT_BODY,
        now: 1_700_000_000,
        ..POST
    },
    Known {
        provider: "plivo",
        secret: "my_auth_token",
        host: "answer.url",
        target: "",
        headers: &[
            ("x-plivo-signature-v2-nonce", "12345"),
            ("x-plivo-signature-v2", "ehV3IKhLysWBxC1sy8INm0qGoQYdYsHwuoKjsX7FsXc="),
        ],
        ..POST
    },
    Known {
        provider: "sendgrid",
        secret: "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==",
        headers: &[
            ("x-twilio-email-event-webhook-timestamp", "1600112502"),
            (
                "x-twilio-email-event-webhook-signature",
                "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=",
            ),
        ],
        body: SENDGRID_BODY,
        now: 1_600_112_502,
        ..POST
    },
    Known {
        provider: "slack",
        secret: "8f742231b10e8888abcd99yyyzzz85a5",
        headers: &[
            ("x-slack-request-timestamp", "1531420618"),
            (
                "x-slack-signature",
                "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
            ),
        ],
        body: "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
        now: 1_531_420_618,
        ..POST
    },
    Known {
        provider: "svix",
        secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        headers: &[
            ("svix-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("svix-timestamp", "1614265330"),
            (
                "svix-signature",
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1,bm9ldHUjKzFob2VudXRob2VodWUzMjRvdWVvdW9ldQo= v2,MzJsNDk4MzI0K2VvdSMjMTEjQEBAQDEyMzMzMzEyMwo=",
            ),
        ],
        body: r#"{"test": 2432232314}"#,
        now: 1_614_265_330,
        ..POST
    },
    Known {
        provider: "twilio",
        secret: "12345",
        host: "mycompany.com",
        target: "/myapp.php?foo=1&bar=2",
        headers: &[
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-twilio-signature", "0/KCTR6DLpKmkAf8muzZqo1nDgQ="),
        ],
        body: "CallSid=CA1234567890ABCDE&Caller=%2B12349013030&Digits=1234&From=%2B12349013030&To=%2B18005551212",
        ..POST
    },
];

const BOX: &[(&str, &str)] = &[
    ("box-delivery-timestamp", "2020-01-01T00:00:00-07:00"),
    ("box-signature-primary", "6TfeAW3A1PASkgboxxA5yqHNKOwFyMWuEXny/FPD5hI="),
    ("box-signature-secondary", "v+1CD1Jdo3muIcbpv5lxxgPglOqMfsNHPV899xWYydo="),
];
const BOX_BODY: &str = r#"{"type":"webhook_event","webhook":{"id":"1234567890"},"trigger":"FILE.UPLOADED","source":{"id":"1234567890","type":"file","name":"Test.txt"}}"#;
const HUBSPOT: &str = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy";
const HUBSPOT_BODY: &str = r#"[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]"#;
const SENDGRID_BODY: &str = "[{\"email\":\"hello@world.com\",\"event\":\"dropped\",\"reason\":\"Bounced Address\",\"sg_event_id\":\"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA\",\"sg_message_id\":\"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0\",\"smtp-id\":\"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>\",\"timestamp\":1600112492}]\r\n";

#[test]
fn what_providers_publish_as_samples_is_believed() {
    for sample in SAMPLES {
        assert_eq!(check(sample), Ok(()), "{sample:?}");
    }
}
