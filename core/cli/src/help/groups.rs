//! Which group a flag is shown in, and the examples of the commands for endpoints.

/// Groups of the flags of `http`, `tcp`, `tls` and `start`, by the flags' ids.
const GROUPS: &[(&str, &[&str])] = &[
    ("Address", &["url", "name", "binding", "pooling_enabled", "description", "metadata"]),
    ("Visitors' TLS", &["terminate_at", "crt", "key", "mutual_tls_cas"]),
    (
        "Upstream",
        &[
            "host_header",
            "upstream_protocol",
            "upstream_proxy_protocol",
            "upstream_tls_verify",
            "upstream_tls_verify_cas",
        ],
    ),
    (
        "Handlers",
        &[
            "basic_auth",
            "cidr_allow",
            "cidr_deny",
            "circuit_breaker",
            "compression",
            "inspect",
            "policy",
            "request_header_add",
            "request_header_remove",
            "response_header_add",
            "response_header_remove",
            "ua_filter_allow",
            "ua_filter_deny",
            "watch",
            "websocket_tcp_converter",
        ],
    ),
    ("Traffic policy", &["traffic_policy_file", "traffic_policy_url"]),
    (
        "Signing in",
        &[
            "oauth",
            "oauth_client_id",
            "oauth_client_secret",
            "oauth_scope",
            "oauth_allow_domain",
            "oauth_allow_email",
            "oidc",
            "oidc_client_id",
            "oidc_client_secret",
            "oidc_scope",
            "verify_webhook",
            "verify_webhook_secret",
        ],
    ),
    ("Session", &["authtoken", "connect_url", "connect_cas", "region"]),
];

/// Flags that choose captured exchanges.
const FILTERS: &[&str] =
    &["endpoint", "path", "method", "status", "min_ms", "max_ms", "size", "header", "search"];

/// The group of a command's flag; `None` for the general one.
pub(super) fn heading(command: &str, flag: &str) -> Option<&'static str> {
    if let Some(command) = command.strip_prefix("inspect ") {
        let of_filter = matches!(command, "list" | "export" | "tail") && FILTERS.contains(&flag);
        return of_filter.then_some("Which exchanges");
    }
    if !matches!(command, "http" | "tcp" | "tls" | "start" | "tunnel") {
        return None;
    }
    GROUPS.iter().find(|(_, flags)| flags.contains(&flag)).map(|(heading, _)| *heading)
}

/// Examples of a command that has none in its declaration.
pub(super) fn examples(command: &str) -> Option<&'static str> {
    Some(match command {
        "http" => {
            "\
Examples:
  adit http 8080                          a local web service
  adit http 8080 --url app.example.com    at a name of yours
  adit http file:///srv/www               a directory
  adit http unix:/run/app.sock            a socket
  adit http 8080 --basic-auth ann:secret-word
  adit http 8080 --traffic-policy-file policy.yml
  adit http https://localhost:8443 --host-header rewrite"
        }
        "tcp" => {
            "\
Examples:
  adit tcp 22                             ssh, at a port that the edge picks
  adit tcp db.internal:5432 --url tcp://tunnel.example.com:20001
  adit tcp 22 --cidr-allow 203.0.113.0/24"
        }
        "tls" => {
            "\
Examples:
  adit tls 443 --url tls://app.example.com
  adit tls 8080 --terminate-at agent --crt c.pem --key k.pem"
        }
        "start" => {
            "\
Examples:
  adit start web db                       two endpoints of the file
  adit start --all
  adit start --all --config adit.yml --config secrets.yml"
        }
        "explain" => {
            "\
Examples:
  adit explain                            every endpoint of the file
  adit explain web --config adit.yml
  adit explain --json"
        }
        "inspect list" => {
            "\
Examples:
  adit inspect list --status 5xx --path /api
  adit inspect list --min-ms 500 --limit 10
  adit inspect list --header content-type:json --json"
        }
        "inspect show" => {
            "\
Examples:
  adit inspect show last
  adit inspect show 19b2c3d4e5f60718 --response --raw > answer
  adit inspect show last --json | jq .timing"
        }
        "inspect replay" => {
            "\
Examples:
  adit inspect replay last
  adit inspect replay 19b2c3d4e5f60718 --method PUT --path /v2/orders
  adit inspect replay last --header 'x-debug: 1' --body-file order.json"
        }
        "inspect export" => {
            "\
Examples:
  adit inspect export --har traffic.har
  adit inspect export --har - --status 5xx | jq '.log.entries | length'"
        }
        "inspect tail" => {
            "\
Examples:
  adit inspect tail
  adit inspect tail --status 5xx --json | jq .path"
        }
        "edge" => {
            "\
Examples:
  adit edge token --id laptop             make a token for an agent
  adit edge --config edge.yml             run the edge
  adit edge ca --config edge.yml          what agents shall trust"
        }
        "completion" => {
            "\
Examples:
  eval \"$(adit completion bash)\"          in ~/.bashrc
  eval \"$(adit completion zsh)\"           in ~/.zshrc, behind compinit
  adit completion fish | source           in ~/.config/fish/config.fish
  adit completion elvish | slurp | eval (slurp)
  adit completion powershell | Out-String | Invoke-Expression"
        }
        _ => return None,
    })
}
