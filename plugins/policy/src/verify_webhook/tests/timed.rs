//! Webhooks with the time at which they were sent.

use super::{Known, POST};

pub(super) const KNOWN: &[Known] = &[
    Known {
        provider: "airship",
        headers: &[
            ("x-ua-timestamp", "1767225600"),
            ("x-ua-signature", "0d637058cb4928522bea012559fe23938a9f8f1cc021b4c38b2e1f2304e2ee28"),
        ],
        ..POST
    },
    Known {
        provider: "box",
        headers: &[
            ("box-delivery-timestamp", "2026-01-01T00:00:00Z"),
            ("box-signature-primary", "uWfNG+KQMnZIuIvIClgtad+Iy7oQAJEZszChM7YWGhU="),
            ("box-signature-secondary", "w6a81gxEsnVa23TE6j4OGUILSFo/rsBWEjHZreL8AVw="),
        ],
        ..POST
    },
    Known {
        provider: "brex",
        secret: "c2l4dGVlbiBieXRlIGtleQ==",
        headers: &[
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", "1767225600"),
            (
                "webhook-signature",
                "v1,5ct864q9UcHFixdz1Ckj5e8rKV76SuTWwcniJOStBgE= v1a,5ct864q9UcHFixdz1Ckj5e8rKV76SuTWwcniJOStBgE= v1,FRSxxvS6pR79Wx50INO2oY87L2iDqZrNjr3OlfL7SMo=",
            ),
        ],
        ..POST
    },
    Known {
        provider: "buildkite",
        headers: &[(
            "x-buildkite-signature",
            "timestamp=1767225600,signature=9c3bea0aa112c60ceaf08868800482e9733c24891847ccd094cf7623e45c3865",
        )],
        ..POST
    },
    Known {
        provider: "calendly",
        headers: &[(
            "calendly-webhook-signature",
            "t=1767225600,v1=9c3bea0aa112c60ceaf08868800482e9733c24891847ccd094cf7623e45c3865",
        )],
        ..POST
    },
    Known {
        provider: "clerk",
        secret: "whsec_c2l4dGVlbiBieXRlIGtleQ==",
        headers: &[
            ("svix-id", "msg_1"),
            ("svix-timestamp", "1767225600"),
            (
                "svix-signature",
                "v1,5ct864q9UcHFixdz1Ckj5e8rKV76SuTWwcniJOStBgE= v1a,5ct864q9UcHFixdz1Ckj5e8rKV76SuTWwcniJOStBgE= v1,FRSxxvS6pR79Wx50INO2oY87L2iDqZrNjr3OlfL7SMo=",
            ),
        ],
        ..POST
    },
    Known {
        provider: "contentful",
        headers: &[
            ("content-type", "application/json"),
            (
                "x-contentful-signed-headers",
                "content-type,x-contentful-signed-headers,x-contentful-timestamp",
            ),
            ("x-contentful-timestamp", "1767225600000"),
            (
                "x-contentful-signature",
                "3663dbb371f719889729ac06da37b8c65cf0cfefaf12326867d7b73e44f778ef",
            ),
        ],
        ..POST
    },
    Known {
        provider: "frameio",
        headers: &[
            ("x-frameio-request-timestamp", "1767225600"),
            (
                "x-frameio-signature",
                "v0=5d459c17fe890a24f4db44e1760c10ba8ff2632695223ecfe4a6d51cb4c176c3",
            ),
        ],
        ..POST
    },
    Known {
        provider: "go1",
        headers: &[(
            "go1-signature",
            "t=1767225600,v1=9c3bea0aa112c60ceaf08868800482e9733c24891847ccd094cf7623e45c3865",
        )],
        ..POST
    },
    Known {
        provider: "graphcms",
        headers: &[(
            "gcms-signature",
            "sign=7a9WC02HUIYAXEvXhv8c48HM/bbP3XTaxTq8JlAQYvs=, env=master, t=1767225600000",
        )],
        ..POST
    },
    Known {
        provider: "linear",
        headers: &[(
            "linear-signature",
            "2393a83a1c4ff85fb0f86597496f4ddca33c37496c0798715fc673cf37eb9c52",
        )],
        ..POST
    },
    Known {
        provider: "linear",
        headers: &[(
            "linear-signature",
            "b5f23bfccb73fde42cc84e665f01518a64048ae7289f0e9220694e39910e2e5a",
        )],
        body: r#"{"action":"create","webhookTimestamp":1767225600000}"#,
        ..POST
    },
    Known {
        provider: "mailgun",
        headers: &[("content-type", "application/json")],
        body: r#"{"signature":{"timestamp":"1767225600","token":"token-of-fifty-characters","signature":"c64eb0733f289a51ae8920ec82c0dd5dd952db38fc493f87e382c5c578920388"},"event-data":{"event":"opened"}}"#,
        is_signed: false,
        ..POST
    },
    Known {
        provider: "mailgun",
        headers: &[("content-type", "application/x-www-form-urlencoded")],
        body: "timestamp=1767225600&token=token-of-fifty-characters&signature=c64eb0733f289a51ae8920ec82c0dd5dd952db38fc493f87e382c5c578920388&event=opened",
        is_signed: false,
        ..POST
    },
    Known {
        provider: "mux",
        headers: &[(
            "mux-signature",
            "t=1767225600,v1=9c3bea0aa112c60ceaf08868800482e9733c24891847ccd094cf7623e45c3865",
        )],
        ..POST
    },
    Known {
        provider: "orb",
        headers: &[
            ("x-orb-timestamp", "2026-01-01T00:00:00"),
            (
                "x-orb-signature",
                "v1=7c58f11dc5eaf939c1cba10274ebb52184eda342fd56863694d16c4b8917587d",
            ),
        ],
        ..POST
    },
    Known {
        provider: "pinwheel",
        headers: &[
            ("x-timestamp", "1767225600"),
            (
                "x-pinwheel-signature",
                "v2=d33dd73ec2334eedb0c14eef4175ad995901582ea4a442fa45c5502ee4f3868f",
            ),
        ],
        ..POST
    },
    Known {
        provider: "sendgrid",
        secret: "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE+evkZBR8wQLZIyTQmdknwaUOQtV6CKEW/+wKKYGdjGVwuvfRKIiQKmoMHWet0QMSPIWatpv46UMck4STDUt+7g==",
        headers: &[
            ("x-twilio-email-event-webhook-timestamp", "1767225600"),
            (
                "x-twilio-email-event-webhook-signature",
                "MEQCIBcMFcXFCmZG0/snAOv2BXpa0L4Xb8y9O+Tck/ChaNeYAiAPIeJqB8PxAMDyH2i+z91qEhDbE9U47CcUp7ZHejiPUg==",
            ),
        ],
        ..POST
    },
    Known {
        provider: "slack",
        headers: &[
            ("x-slack-request-timestamp", "1767225600"),
            (
                "x-slack-signature",
                "v0=5d459c17fe890a24f4db44e1760c10ba8ff2632695223ecfe4a6d51cb4c176c3",
            ),
        ],
        ..POST
    },
    Known {
        provider: "stripe",
        headers: &[(
            "stripe-signature",
            "t=1767225600,v1=086d76ee848bdff10d67d22f58faedf45a033c8309d321be162066a3bf8a5996,v1=9c3bea0aa112c60ceaf08868800482e9733c24891847ccd094cf7623e45c3865,v0=00",
        )],
        ..POST
    },
    Known {
        provider: "svix",
        secret: "whsec_c2l4dGVlbiBieXRlIGtleQ==",
        headers: &[
            ("svix-id", "msg_1"),
            ("svix-timestamp", "1767225600"),
            (
                "svix-signature",
                "v1,5ct864q9UcHFixdz1Ckj5e8rKV76SuTWwcniJOStBgE= v1a,5ct864q9UcHFixdz1Ckj5e8rKV76SuTWwcniJOStBgE= v1,FRSxxvS6pR79Wx50INO2oY87L2iDqZrNjr3OlfL7SMo=",
            ),
        ],
        ..POST
    },
    Known {
        provider: "svix",
        secret: "c2l4dGVlbiBieXRlIGtleQ==",
        headers: &[
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", "1767225600"),
            (
                "webhook-signature",
                "v1,5ct864q9UcHFixdz1Ckj5e8rKV76SuTWwcniJOStBgE= v1a,5ct864q9UcHFixdz1Ckj5e8rKV76SuTWwcniJOStBgE= v1,FRSxxvS6pR79Wx50INO2oY87L2iDqZrNjr3OlfL7SMo=",
            ),
        ],
        ..POST
    },
    Known {
        provider: "tiktok",
        headers: &[(
            "tiktok-signature",
            "t=1767225600,s=9c3bea0aa112c60ceaf08868800482e9733c24891847ccd094cf7623e45c3865",
        )],
        ..POST
    },
    Known {
        provider: "zendesk",
        headers: &[
            ("x-zendesk-webhook-signature-timestamp", "2026-01-01T00:00:00Z"),
            ("x-zendesk-webhook-signature", "gXYs66rNP1S2FNJ8m5MbUeEMCBqlmp0WhU5bYriiXro="),
        ],
        ..POST
    },
    Known {
        provider: "zoom",
        headers: &[
            ("x-zm-request-timestamp", "1767225600"),
            (
                "x-zm-signature",
                "v0=5d459c17fe890a24f4db44e1760c10ba8ff2632695223ecfe4a6d51cb4c176c3",
            ),
        ],
        ..POST
    },
];
