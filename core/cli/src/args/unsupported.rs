//! Flags and commands that users of the v3 agent may try and that adit does not have.

/// What to say about an argument that is known elsewhere and not here; `None` when it is known
/// nowhere.
pub(super) fn explain(arg: &str) -> Option<String> {
    let flag = arg.split('=').next().unwrap_or(arg);
    let feature = match flag {
        "--oauth"
        | "--oauth-allow-domain"
        | "--oauth-allow-email"
        | "--oauth-scope"
        | "--oauth-client-id"
        | "--oauth-client-secret" => "OAuth",
        "--oidc" | "--oidc-client-id" | "--oidc-client-secret" | "--oidc-scope" => "OpenID Connect",
        "--verify-webhook" | "--verify-webhook-secret" => "webhook verification",
        "--traffic-policy-file" | "--traffic-policy-url" | "--policy-file" => "traffic policies",
        _ => return None,
    };
    Some(format!("{flag}: this version of adit does not support {feature}; remove the flag"))
}
