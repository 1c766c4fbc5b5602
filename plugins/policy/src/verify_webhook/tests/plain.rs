//! Webhooks whose body is signed and nothing else, or which bring the secret along.

use super::{Known, POST};

pub(super) const KNOWN: &[Known] = &[
    Known {
        provider: "aftership",
        headers: &[("aftership-hmac-sha256", "I5OoOhxP+F+w+GWXSW9N3KM8N0lsB5hxX8ZzzzfrnFI=")],
        ..POST
    },
    Known {
        provider: "alchemy",
        headers: &[(
            "x-alchemy-signature",
            "2393a83a1c4ff85fb0f86597496f4ddca33c37496c0798715fc673cf37eb9c52",
        )],
        ..POST
    },
    Known {
        provider: "autodesk",
        headers: &[("x-adsk-signature", "sha1hash=4479fb7693724da37267fecfe2a05a6df9f0ffc6")],
        ..POST
    },
    Known {
        provider: "bitbucket",
        headers: &[(
            "x-hub-signature",
            "sha256=2393a83a1c4ff85fb0f86597496f4ddca33c37496c0798715fc673cf37eb9c52",
        )],
        ..POST
    },
    Known {
        provider: "bolt",
        headers: &[("x-bolt-hmac-sha256", "I5OoOhxP+F+w+GWXSW9N3KM8N0lsB5hxX8ZzzzfrnFI=")],
        ..POST
    },
    Known {
        provider: "castle",
        headers: &[("x-castle-signature", "I5OoOhxP+F+w+GWXSW9N3KM8N0lsB5hxX8ZzzzfrnFI=")],
        ..POST
    },
    Known {
        provider: "chargify",
        headers: &[(
            "x-chargify-webhook-signature-hmac-sha-256",
            "2393a83a1c4ff85fb0f86597496f4ddca33c37496c0798715fc673cf37eb9c52",
        )],
        ..POST
    },
    Known {
        provider: "circleci",
        headers: &[(
            "circleci-signature",
            "v1=2393a83a1c4ff85fb0f86597496f4ddca33c37496c0798715fc673cf37eb9c52,v2=00",
        )],
        ..POST
    },
    Known {
        provider: "clearbit",
        headers: &[("x-request-signature", "sha1=4479fb7693724da37267fecfe2a05a6df9f0ffc6")],
        ..POST
    },
    Known {
        provider: "coinbase",
        headers: &[(
            "x-cc-webhook-signature",
            "2393a83a1c4ff85fb0f86597496f4ddca33c37496c0798715fc673cf37eb9c52",
        )],
        ..POST
    },
    Known {
        provider: "docusign",
        headers: &[
            ("x-docusign-signature-1", "nVCT7iwUbdg1ZkXcVkrlKn0bHtz8HhfScDGywmq8TzM="),
            ("x-docusign-signature-2", "I5OoOhxP+F+w+GWXSW9N3KM8N0lsB5hxX8ZzzzfrnFI="),
        ],
        ..POST
    },
    Known {
        provider: "dropbox",
        headers: &[(
            "x-dropbox-signature",
            "2393a83a1c4ff85fb0f86597496f4ddca33c37496c0798715fc673cf37eb9c52",
        )],
        ..POST
    },
    Known {
        provider: "facebook_graph_api",
        headers: &[(
            "x-hub-signature-256",
            "sha256=2393a83a1c4ff85fb0f86597496f4ddca33c37496c0798715fc673cf37eb9c52",
        )],
        ..POST
    },
    Known {
        provider: "facebook_messenger",
        headers: &[(
            "x-hub-signature-256",
            "sha256=2393a83a1c4ff85fb0f86597496f4ddca33c37496c0798715fc673cf37eb9c52",
        )],
        ..POST
    },
    Known {
        provider: "github",
        headers: &[(
            "x-hub-signature-256",
            "sha256=2393a83a1c4ff85fb0f86597496f4ddca33c37496c0798715fc673cf37eb9c52",
        )],
        ..POST
    },
    Known {
        provider: "instagram",
        headers: &[(
            "x-hub-signature-256",
            "sha256=2393a83a1c4ff85fb0f86597496f4ddca33c37496c0798715fc673cf37eb9c52",
        )],
        ..POST
    },
    Known {
        provider: "whatsapp",
        headers: &[(
            "x-hub-signature-256",
            "sha256=2393a83a1c4ff85fb0f86597496f4ddca33c37496c0798715fc673cf37eb9c52",
        )],
        ..POST
    },
    Known {
        provider: "gitlab",
        headers: &[("x-gitlab-token", "sesame-7f3a")],
        is_signed: false,
        ..POST
    },
    Known {
        provider: "heroku",
        headers: &[("heroku-webhook-hmac-sha256", "I5OoOhxP+F+w+GWXSW9N3KM8N0lsB5hxX8ZzzzfrnFI=")],
        ..POST
    },
    Known {
        provider: "intercom",
        headers: &[("x-hub-signature", "sha1=4479fb7693724da37267fecfe2a05a6df9f0ffc6")],
        ..POST
    },
    Known {
        provider: "jira",
        headers: &[(
            "x-hub-signature",
            "sha256=2393a83a1c4ff85fb0f86597496f4ddca33c37496c0798715fc673cf37eb9c52",
        )],
        ..POST
    },
    Known {
        provider: "launch_darkly",
        headers: &[(
            "x-ld-signature",
            "2393a83a1c4ff85fb0f86597496f4ddca33c37496c0798715fc673cf37eb9c52",
        )],
        ..POST
    },
    Known {
        provider: "microsoft_teams",
        secret: "c2l4dGVlbiBieXRlIGtleQ==",
        headers: &[("authorization", "HMAC NDdRBO1ljlmF09KBTw5+rKSWK+b+sj8utJe/MJjdKg0=")],
        ..POST
    },
    Known {
        provider: "modern_treasury",
        headers: &[(
            "x-signature",
            "2393a83a1c4ff85fb0f86597496f4ddca33c37496c0798715fc673cf37eb9c52",
        )],
        ..POST
    },
    Known {
        provider: "mongodb",
        headers: &[("x-mms-signature", "RHn7dpNyTaNyZ/7P4qBabfnw/8Y=")],
        ..POST
    },
    Known {
        provider: "orbit",
        headers: &[("x-orbit-signature", "sesame-7f3a")],
        is_signed: false,
        ..POST
    },
    Known {
        provider: "pagerduty",
        headers: &[(
            "x-pagerduty-signature",
            "v1=9d5093ee2c146dd8356645dc564ae52a7d1b1edcfc1e17d27031b2c26abc4f33,v1=2393a83a1c4ff85fb0f86597496f4ddca33c37496c0798715fc673cf37eb9c52",
        )],
        ..POST
    },
    Known {
        provider: "pusher",
        headers: &[(
            "x-pusher-signature",
            "2393a83a1c4ff85fb0f86597496f4ddca33c37496c0798715fc673cf37eb9c52",
        )],
        ..POST
    },
    Known {
        provider: "sentry",
        headers: &[(
            "sentry-hook-signature",
            "2393a83a1c4ff85fb0f86597496f4ddca33c37496c0798715fc673cf37eb9c52",
        )],
        ..POST
    },
    Known {
        provider: "shopify",
        headers: &[("x-shopify-hmac-sha256", "I5OoOhxP+F+w+GWXSW9N3KM8N0lsB5hxX8ZzzzfrnFI=")],
        ..POST
    },
    Known {
        provider: "signal_sciences",
        headers: &[(
            "x-sigsci-signature",
            "2393a83a1c4ff85fb0f86597496f4ddca33c37496c0798715fc673cf37eb9c52",
        )],
        ..POST
    },
    Known {
        provider: "sonatype",
        headers: &[("x-nexus-webhook-signature", "4479fb7693724da37267fecfe2a05a6df9f0ffc6")],
        ..POST
    },
    Known {
        provider: "terraform",
        headers: &[(
            "x-tfe-notification-signature",
            "10eebe181cc3bfa052da31f488322224ef3191a3f21c2154520353040df4774ea5bd49e15a28bc1a4cb78327b90c6a80a83ba635a0d9f88c7d6e7b6dc2827b9e",
        )],
        ..POST
    },
    Known {
        provider: "trendmicro_conformity",
        headers: &[(
            "x-conformity-signature",
            "2393a83a1c4ff85fb0f86597496f4ddca33c37496c0798715fc673cf37eb9c52",
        )],
        ..POST
    },
    Known {
        provider: "trendmicro_conformity",
        headers: &[(
            "x-trendmicro-signature",
            "2393a83a1c4ff85fb0f86597496f4ddca33c37496c0798715fc673cf37eb9c52",
        )],
        ..POST
    },
    Known {
        provider: "twitter",
        headers: &[(
            "x-twitter-webhooks-signature",
            "sha256=I5OoOhxP+F+w+GWXSW9N3KM8N0lsB5hxX8ZzzzfrnFI=",
        )],
        ..POST
    },
    Known {
        provider: "typeform",
        headers: &[("typeform-signature", "sha256=I5OoOhxP+F+w+GWXSW9N3KM8N0lsB5hxX8ZzzzfrnFI=")],
        ..POST
    },
    Known {
        provider: "vmware",
        secret: "ann::pass:word",
        headers: &[("authorization", "Basic YW5uOnBhc3M6d29yZA==")],
        is_signed: false,
        ..POST
    },
    Known {
        provider: "webex",
        headers: &[("x-spark-signature", "4479fb7693724da37267fecfe2a05a6df9f0ffc6")],
        ..POST
    },
    Known {
        provider: "worldline",
        headers: &[("x-gcs-signature", "I5OoOhxP+F+w+GWXSW9N3KM8N0lsB5hxX8ZzzzfrnFI=")],
        ..POST
    },
    Known {
        provider: "xero",
        headers: &[("x-xero-signature", "I5OoOhxP+F+w+GWXSW9N3KM8N0lsB5hxX8ZzzzfrnFI=")],
        ..POST
    },
];
