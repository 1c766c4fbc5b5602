//! The names of what actions found out.

use super::tables;
use crate::expr::{
    Field,
    Type::{self, Any, Bool, Int, List, Map, Multi, Object, String},
};

pub(super) const ACTIONS: Type = Object(&[Field::new("ngrok", Object(NAMESPACES))]);

/// Of each type of action. It is there once an action of that type ran.
const NAMESPACES: &[Field] = &[
    Field::new("add_headers", Object(&[Field::new("headers_added", Map(&String))])),
    Field::new("basic_auth", Object(&[Field::new("credentials", CREDENTIALS)])),
    Field::new("circuit_breaker", NOTHING),
    Field::new("close_connection", NOTHING),
    Field::new(
        "compress",
        Object(&[
            Field::new("already_compressed", Bool),
            Field::new("negotiated_algorithm", String),
        ]),
    ),
    Field::new("custom_response", NOTHING),
    Field::new("deny", NOTHING),
    Field::new(
        "forward_internal",
        Object(&[Field::new("error", ERROR), Field::new("url", String)]),
    ),
    Field::new("http_request", HTTP_REQUEST),
    Field::new(
        "jwt_validation",
        Object(&[Field::new("error", ERROR), Field::new("tokens", List(&TOKEN))]),
    ),
    Field::new("log", Object(&[Field::new("metadata", Map(&Any))])),
    Field::new("oauth", OAUTH),
    Field::new("oidc", OIDC),
    Field::new("owasp_crs_request", FIREWALL),
    Field::new("owasp_crs_response", FIREWALL),
    Field::new(
        "rate_limit",
        Object(&[
            Field::new("bucket_key", String),
            Field::new("error", ERROR),
            Field::new("limited", Bool),
        ]),
    ),
    Field::new("redirect", REWRITING),
    Field::new("remove_headers", Object(&[Field::new("headers_removed", List(&String))])),
    Field::new("request_body_find_replace", REPLACEMENTS),
    Field::new("response_body_find_replace", REPLACEMENTS),
    Field::new(
        "restrict_ips",
        Object(&[
            Field::new("action", String),
            Field::new("error", ERROR),
            Field::new("matched_cidr", String),
        ]),
    ),
    Field::new("set_vars", NOTHING),
    Field::new("sse_find_replace", REPLACEMENTS),
    Field::new("terminate_tls", TERMINATE_TLS),
    Field::new("url_rewrite", REWRITING),
    Field::new(
        "verify_webhook",
        Object(&[Field::new("error", ERROR), Field::new("verified", Bool)]),
    ),
];

const REWRITING: Type = Object(&[
    Field::new("error", ERROR),
    Field::new("matches", List(&String)),
    Field::new("url", String),
]);

const NOTHING: Type = Object(&[]);

const ERROR: Type = Object(&[Field::new("code", String), Field::new("message", String)]);

const CREDENTIALS: Type = Object(&[
    Field::new("authorized", Bool),
    Field::new("presented", Bool),
    Field::new("username", String),
]);

const HTTP_REQUEST: Type = Object(&[
    Field::new("attempts", List(&ATTEMPT)),
    Field::new("error", ERROR),
    Field::new(
        "req",
        Object(&[
            Field::new("body", String),
            Field::new("header", Multi(&String)),
            Field::new("method", String),
            Field::new("url", String),
        ]),
    ),
    Field::new(
        "res",
        Object(&[
            Field::new("body", String),
            Field::new("header", Multi(&String)),
            Field::new("resolved_ip", String),
            Field::new("status_code", Int),
            Field::new("time_ms", Int),
        ]),
    ),
]);

const ATTEMPT: Type = Object(&[
    Field::new("resolved_ip", String),
    Field::new("response_header", Multi(&String)),
    Field::new("response_status_code", Int),
    Field::new("response_time_ms", Int),
]);

const TOKEN: Type = Object(&[
    Field::new("header", Map(&Any)),
    Field::new("location", String),
    Field::new("location_property", String),
    Field::new("payload", Map(&Any)),
    Field::new("signature", String),
    Field::new("verified", Bool),
]);

const OAUTH: Type = Object(&[
    Field::new("access_token", String),
    Field::new("error", ERROR),
    Field::new("expires_at", String),
    Field::new(
        "identity",
        Object(&[
            Field::new("current_provider_session_id", String),
            Field::new("email", String),
            Field::new("id", String),
            Field::new("name", String),
            Field::new("provider_user_id", String),
        ]),
    ),
    Field::new("refresh_token", String),
    Field::new("session_max_duration_reached", Bool),
    Field::new("session_timed_out", Bool),
    Field::new("userinfo_refreshed", Bool),
]);

const OIDC: Type = Object(&[
    Field::new("access_token", String),
    Field::new("error", ERROR),
    Field::new("expires_at", String),
    Field::new(
        "identity",
        Object(&[
            Field::new("current_provider_session_id", String),
            Field::new("current_session_id", String),
            Field::new("email", String),
            Field::new("id", String),
            Field::new("name", String),
            Field::new("provider_user_id", String),
        ]),
    ),
    Field::new("identity_token", String),
    Field::new("refresh_token", String),
    Field::new("session_max_duration_reached", Bool),
    Field::new("session_timed_out", Bool),
    // Both spellings are in use.
    Field::new("user_info_refreshed", Bool),
    Field::new("userinfo_refreshed", Bool),
]);

const FIREWALL: Type = Object(&[
    Field::new("anomaly_score", Int),
    Field::new("anomaly_score_threshold", Int),
    Field::new("decision", String),
    Field::new("error", ERROR),
    Field::new(
        "matched_rules",
        List(&Object(&[
            Field::new("data", String),
            Field::new("id", Int),
            Field::new("message", String),
            Field::new("severity", String),
        ])),
    ),
]);

const REPLACEMENTS: Type = Object(&[Field::new(
    "replacements",
    List(&Object(&[Field::new("matched_content", String), Field::new("replacement_index", Int)])),
)]);

const TERMINATE_TLS: Type = Object(&[
    Field::new("cipher_suite", String),
    Field::new("client", tables::CERTIFICATE),
    Field::new("error", ERROR),
    Field::new("server", tables::CERTIFICATE),
    Field::new("sni", String),
    Field::new("version", String),
    Field::new("warnings", List(&String)),
]);
