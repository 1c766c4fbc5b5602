//! From flags to what a file would say: the command line fills the same types, so that both meet the
//! same checks, and an error names the flag as it would name a line.

mod lists;
mod login;

use std::path::PathBuf;

use adit_config::{
    At, Place, Secret,
    file::{Agent, File, HeaderEdit, IpRestriction, Tunnel, UserAgentFilter},
};
use anyhow::{Context, Result};

use crate::args::{
    EndpointArgs, GlobalArgs, HttpArgs, SessionArgs, TcpArgs, Terminate, TlsArgs, TunnelArgs,
};

/// Name of the one endpoint of `http`, `tcp` and `tls`, unless `--name` says otherwise.
///
/// Fact: clients of the local API look for exactly this name.
pub(crate) const COMMAND_LINE: &str = "command_line";

type List<T> = At<Vec<At<T>>>;

/// What the command asks for, as a file.
pub(crate) fn file(global: &GlobalArgs, session: &SessionArgs) -> Result<File> {
    let agent = Agent {
        authtoken: session.authtoken.clone().map(|v| at(Secret::new(v), "--authtoken")),
        connect_url: parsed(session.connect_url.as_deref(), "--connect-url")?,
        connect_cas: text(session.connect_cas.as_deref(), "--connect-cas"),
        region: text(session.region.as_deref(), "--region"),
        log: text(global.log.as_deref(), "--log"),
        log_format: parsed(global.log_format.as_deref(), "--log-format")?,
        log_level: parsed(global.log_level.as_deref(), "--log-level")?,
        ..Agent::default()
    };
    Ok(File { agent, ..File::default() })
}

/// Adds the one endpoint of the command.
pub(crate) fn with_tunnel(mut file: File, name: Option<&str>, tunnel: Tunnel) -> File {
    let name = At::new(name.unwrap_or(COMMAND_LINE).to_owned(), Place::of("command line"));
    file.tunnels.0.push((name, tunnel));
    file
}

/// The endpoint of `adit http`.
pub(crate) fn http(args: &HttpArgs) -> Result<Tunnel> {
    let terminates = args.tls.terminate_at;
    let base = common("http", &args.upstream, &args.endpoint)?;
    let tunnel = Tunnel {
        inspect: args.inspect.map(|v| at(v, "--inspect")),
        basic_auth: listed(&args.basic_auth, "--basic-auth", |v| Secret::new(v.to_owned())),
        circuit_breaker: args.circuit_breaker.as_deref().map(share).transpose()?,
        compression: args.compression.map(|v| at(v, "--compression")),
        host_header: text(args.host_header.as_deref(), "--host-header"),
        schemes: parsed_list(&args.scheme, "--scheme")?,
        request_header: edit(
            (&args.request_header_add, "--request-header-add"),
            (&args.request_header_remove, "--request-header-remove"),
        ),
        response_header: edit(
            (&args.response_header_add, "--response-header-add"),
            (&args.response_header_remove, "--response-header-remove"),
        ),
        user_agent_filter: user_agents(args),
        websocket_tcp_converter: args
            .websocket_tcp_converter
            .map(|v| at(v, "--websocket-tcp-converter")),
        app_protocol: parsed(args.upstream_protocol.as_deref(), "--upstream-protocol")?,
        oauth: login::oauth(&args.login),
        oidc: login::oidc(&args.login),
        verify_webhook: login::verify_webhook(&args.login),
        ..base
    };
    with_tls(tunnel, &args.tls, terminates)
}

/// The endpoint of `adit tcp`.
pub(crate) fn tcp(args: &TcpArgs) -> Result<Tunnel> {
    let base = common("tcp", &args.upstream, &args.endpoint)?;
    Ok(Tunnel { remote_addr: text(args.remote_addr.as_deref(), "--remote-addr"), ..base })
}

/// The endpoint of `adit tls`.
pub(crate) fn tls(args: &TlsArgs) -> Result<Tunnel> {
    let base = common("tls", &args.upstream, &args.endpoint)?;
    with_tls(base, &args.tls, args.tls.terminate_at)
}

/// The endpoint of `adit tunnel`.
pub(crate) fn tunnel(args: &TunnelArgs) -> Tunnel {
    let path = |path: &Option<PathBuf>, flag| path.clone().map(|path| at(path, flag));
    Tunnel {
        addr: Some(at(args.upstream.clone(), "upstream")),
        labels: listed(&args.label, "--label", str::to_owned),
        crt: path(&args.crt, "--crt"),
        key: path(&args.key, "--key"),
        inspect: args.inspect.map(|v| at(v, "--inspect")),
        metadata: text(args.metadata.as_deref(), "--metadata"),
        ..Tunnel::default()
    }
}

fn common(proto: &str, upstream: &str, args: &EndpointArgs) -> Result<Tunnel> {
    let path = |path: &Option<PathBuf>, flag| path.clone().map(|path| at(path, flag));
    Ok(Tunnel {
        proto: Some(at(proto.to_owned(), "command line")),
        addr: Some(at(upstream.to_owned(), "upstream")),
        url: text(args.url.as_deref(), "--url"),
        description: text(args.description.as_deref(), "--description"),
        metadata: text(args.metadata.as_deref(), "--metadata"),
        bindings: parsed_list(args.binding.as_slice(), "--binding")?,
        pooling_enabled: args.pooling_enabled.map(|v| at(v, "--pooling-enabled")),
        proxy_proto: args.upstream_proxy_protocol.as_deref().map(proxy_version).transpose()?,
        ip_restriction: restriction(args),
        traffic_policy_file: path(&args.traffic_policy_file, "--traffic-policy-file"),
        traffic_policy_url: text(args.traffic_policy_url.as_deref(), "--traffic-policy-url"),
        policy_file: path(&args.policy_file, "--policy-file"),
        ..Tunnel::default()
    })
}

fn with_tls(
    base: Tunnel,
    args: &crate::args::TerminateArgs,
    terminates: Option<Terminate>,
) -> Result<Tunnel> {
    let path = |path: &Option<PathBuf>, flag| path.clone().map(|path| at(path, flag));
    Ok(Tunnel {
        terminate_at: parsed(terminates.map(Terminate::as_str), "--terminate-at")?,
        crt: path(&args.crt, "--crt"),
        key: path(&args.key, "--key"),
        mutual_tls_cas: path(&args.mutual_tls_cas, "--mutual-tls-cas"),
        upstream_tls_verify: args.upstream_tls_verify.map(|v| at(v, "--upstream-tls-verify")),
        upstream_tls_verify_cas: path(&args.upstream_tls_verify_cas, "--upstream-tls-verify-cas"),
        domain: text(args.domain.as_deref(), "--domain"),
        hostname: text(args.hostname.as_deref(), "--hostname"),
        subdomain: text(args.subdomain.as_deref(), "--subdomain"),
        ..base
    })
}

fn restriction(args: &EndpointArgs) -> Option<IpRestriction> {
    let allow_cidrs = listed(&args.cidr_allow, "--cidr-allow", str::to_owned);
    let deny_cidrs = listed(&args.cidr_deny, "--cidr-deny", str::to_owned);
    (allow_cidrs.is_some() || deny_cidrs.is_some())
        .then_some(IpRestriction { allow_cidrs, deny_cidrs })
}

fn user_agents(args: &HttpArgs) -> Option<UserAgentFilter> {
    let list = |values: &[String], flag| listed(&lists::patterns(values), flag, str::to_owned);
    let allow = list(&args.ua_filter_allow, "--ua-filter-allow");
    let deny = list(&args.ua_filter_deny, "--ua-filter-deny");
    (allow.is_some() || deny.is_some()).then_some(UserAgentFilter { allow, deny })
}

fn edit(add: (&[String], &str), remove: (&[String], &str)) -> Option<HeaderEdit> {
    let add = listed(&lists::headers(add.0), add.1, str::to_owned);
    let remove = listed(remove.0, remove.1, str::to_owned);
    (add.is_some() || remove.is_some()).then_some(HeaderEdit { add, remove })
}

fn at<T>(value: T, flag: &str) -> At<T> {
    At::from_flag(value, flag)
}

fn text(value: Option<&str>, flag: &str) -> Option<At<String>> {
    value.map(|value| at(value.to_owned(), flag))
}

/// A whole number; which of them are versions is known to who resolves it.
fn proxy_version(written: &str) -> Result<At<u16>> {
    const FLAG: &str = "--upstream-proxy-protocol";
    let version = written.parse().ok();
    let version = version.with_context(|| format!("{FLAG}: {written:?} is not 1 or 2"))?;
    Ok(at(version, FLAG))
}

/// A number; which of them are shares is known to the handler.
fn share(written: &str) -> Result<At<f64>> {
    const FLAG: &str = "--circuit-breaker";
    let share = written.parse().ok().filter(|share: &f64| share.is_finite());
    let share = share.with_context(|| format!("{FLAG}: {written:?} is not a number"))?;
    Ok(at(share, FLAG))
}

/// A flag's value, read as the file would read it.
pub(crate) fn parsed<T>(value: Option<&str>, flag: &str) -> Result<Option<At<T>>>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let parse = |value: &str| value.parse::<T>().with_context(|| flag.to_owned());
    Ok(value.map(parse).transpose()?.map(|value| at(value, flag)))
}

fn listed<T>(values: &[String], flag: &str, to: impl Fn(&str) -> T) -> Option<List<T>> {
    let list: Vec<_> = values.iter().map(|value| at(to(value), flag)).collect();
    (!list.is_empty()).then(|| at(list, flag))
}

fn parsed_list<T>(values: &[String], flag: &str) -> Result<Option<List<T>>>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let list: Vec<_> = values
        .iter()
        .map(|value| parsed(Some(value), flag))
        .collect::<Result<Vec<Option<_>>>>()?
        .into_iter()
        .flatten()
        .collect();
    Ok((!list.is_empty()).then(|| at(list, flag)))
}
