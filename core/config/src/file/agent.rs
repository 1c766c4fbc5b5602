//! Settings of the agent itself: `agent:` of version 3, the top level of versions 1 and 2.

use std::{net::IpAddr, time::Duration};

use crate::{
    addr::ConnectAddr,
    place::At,
    read::{choice, read_scalar},
    record::record,
    secret::Secret,
};

/// A list of values, each with its place.
pub(crate) type List<T> = At<Vec<At<T>>>;

choice! {
    /// How much is logged.
    pub enum LogLevel {
        /// Everything.
        "debug" => Debug,
        /// What happens.
        "info" => Info,
        /// What should not happen.
        "warn" => Warn,
        /// What failed.
        "error" => Error,
        /// What ends the process.
        "crit" => Crit,
    }
}

choice! {
    /// How a record is printed.
    pub enum LogFormat {
        /// `t=… lvl=info msg=…`, for programs.
        "logfmt" => Logfmt,
        /// One JSON object per line, for programs.
        "json" => Json,
        /// For people.
        "term" => Term,
    }
}

choice! {
    /// Whether the console shows a live view.
    pub enum ConsoleUi {
        /// Always.
        "true" => On,
        /// Never; logs go to standard output unless `log` says otherwise.
        "false" => Off,
        /// When standard output is a terminal.
        "iftty" => IfTty,
    }
}

choice! {
    /// Background of the live view.
    pub enum ConsoleColor {
        /// The terminal's own.
        "transparent" => Transparent,
        /// Black.
        "black" => Black,
    }
}

choice! {
    /// Whom traffic policies may ask, by `http-request`.
    pub enum PolicyRequests {
        /// Internal endpoints only.
        "internal" => Internal,
        /// Other hosts too, but not those of this machine or of private networks.
        "public" => Public,
        /// Everybody.
        "any" => Any,
    }
}

choice! {
    /// Which releases an update may choose from.
    pub enum UpdateChannel {
        /// Finished ones.
        "stable" => Stable,
        /// Candidates too.
        "beta" => Beta,
        /// Any.
        "unstable" => Unstable,
    }
}

choice! {
    /// Whether compiled policies are kept for the next start.
    pub enum PolicyCache {
        /// In the state directory.
        "on" => On,
        /// They are compiled at each start.
        "off" => Off,
    }
}

record! {
    /// Settings of the agent itself.
    pub struct Agent {
        /// Token that the edge knows the agent by.
        authtoken: At<Secret<String>>,
        /// Key for a management API. It is kept; no command asks one yet.
        api_key: At<Secret<String>>,
        /// Trust for the edge's certificate: `trusted`, `host`, or a path to PEM.
        connect_cas: At<String>,
        /// Network interface that the session leaves by.
        connect_interface: At<String>,
        /// Longest time to establish a session.
        connect_timeout: At<Duration>,
        /// `host:port` of the edge. Without it, the agent brings its own.
        connect_url: At<ConnectAddr>,
        /// Whether the console shows a live view.
        console_ui: At<ConsoleUi>,
        /// Background of the live view.
        console_ui_color: At<ConsoleColor>,
        /// Skip the check of the edge's certificate against a revocation list. Nothing asks for one anyway.
        crl_noverify: At<bool>,
        /// Where the revocation list is. It is not supported, and refused at the start.
        crl_url: At<String>,
        /// Name servers for the session, instead of the system's.
        dns_resolver_ips: List<IpAddr>,
        /// Longest time that connections may go on once the agent is asked to end.
        drain_timeout: At<Duration>,
        /// Time between two heartbeats.
        heartbeat_interval: At<Duration>,
        /// Longest time to wait for the answer to one.
        heartbeat_tolerance: At<Duration>,
        /// Bytes of captured traffic to keep; 0 is the default size, -1 is none.
        inspect_db_size: At<i64>,
        /// `false` keeps no captured traffic.
        local_storage: At<bool>,
        /// Where logs go: `stdout`, `stderr`, `false`, or a path.
        log: At<String>,
        /// How a record is printed.
        log_format: At<LogFormat>,
        /// How much is logged.
        log_level: At<LogLevel>,
        /// Text that goes with the session.
        metadata: At<String>,
        /// Whether compiled policies are kept for the next start.
        policy_cache: At<PolicyCache>,
        /// Whom traffic policies may ask: `internal` endpoints, `public` hosts too, or `any`.
        policy_requests: At<PolicyRequests>,
        /// Proxy on the way to the edge: `http`, `https`, `socks5`.
        proxy_url: At<Secret<String>>,
        /// Region of a hosted service (versions 1 and 2). An edge of one's own has none.
        region: At<String>,
        /// Whether the edge may stop or restart the agent.
        remote_management: At<bool>,
        /// Which releases an update may choose from. The program does not update itself.
        update_channel: At<UpdateChannel>,
        /// Whether to look for updates. The program does not.
        update_check: At<bool>,
        /// Address of the local API and web page: `host:port`, a port, or `false`.
        web_addr: At<String>,
        /// Values of `Host` that the local API answers to.
        web_allow_hosts: List<String>,
    }
}

/// Keys of version 3 that versions 1 and 2 spell differently: (theirs, ours).
pub const CONNECT_PLACES: &[(&str, &str)] =
    &[("server_addr", "connect_url"), ("root_cas", "connect_cas")];

read_scalar! {
    ConnectAddr: str::parse::<ConnectAddr>, "host:port", "^.+:[0-9]+$", crate::schema::Number::None;
    IpAddr: |t: &str| t.parse::<IpAddr>().map_err(|_| format!("{t:?} is not an IP address")),
        "an IP address", "^[0-9A-Fa-f.:]+$", crate::schema::Number::None;
}
