//! `adit edge`: the edge as a process of its own.

use std::{borrow::Cow, io, path::PathBuf, process::ExitCode, sync::Arc};

use adit_config::{
    At, EdgeConfig,
    config::LogTarget,
    edge::{EdgeFile, EdgeLayers, PairFile, TokenHash},
};
use adit_edge::{Edge, FileAccounts, Settings, StartError};
use anyhow::{Context, Result, anyhow, bail};
use sha2::{Digest as _, Sha256};
use tracing::{info, warn};

use crate::{
    args::{EdgeArgs, EdgeCommand, EdgeRunArgs, GlobalArgs},
    asking_at_edge,
    flags::parsed,
    load, log,
    output::line,
    registry, runtime,
    signals::{Hangup, Hangups, Signals},
    trim,
};

/// Characters of a token's secret part, and how many there are: about 238 bits.
const TOKEN_LEN: usize = 40;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

pub(crate) fn run(global: &GlobalArgs, args: EdgeArgs) -> Result<ExitCode> {
    if args.command.is_some() && args.run != EdgeRunArgs::default() {
        bail!(
            "only --config may stand in front of token and ca; what is theirs stands behind them"
        );
    }
    match args.command {
        Some(EdgeCommand::Token { id }) => token(&id)?,
        Some(EdgeCommand::Ca { state_dir }) => {
            let dir = authority_dir(global, state_dir)?;
            line(adit_edge::ca::root_pem(&dir)?.trim_end());
        }
        None => {
            let config = config(global, args.run)?;
            let log = log::start(&config.log, log::Purpose::Record)?;
            let ended = runtime::start()?.block_on(Box::pin(serve(&config)));
            // What ends it stands on standard error in any case; its last record stands elsewhere.
            if config.log.target != LogTarget::Stderr {
                load::keep_log(log);
            }
            ended?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes a token and says what to do with it.
fn token(id: &str) -> Result<()> {
    if id.is_empty() {
        bail!("--id: the token needs a name; use letters, digits and hyphens");
    }
    let id = yaml(id);
    let mut token = String::with_capacity(TOKEN_LEN);
    while token.len() < TOKEN_LEN {
        let mut byte = [0];
        getrandom::fill(&mut byte).map_err(|e| anyhow!("the system gives no random bytes: {e}"))?;
        // 248 is the largest multiple of 62 in a byte: what is above would favour some characters.
        if byte[0] < 248 {
            token.push(char::from(ALPHABET[usize::from(byte[0] % 62)]));
        }
    }
    line(format_args!("token: {token}"));
    line("");
    line("It is shown only now. Give it to the agent (--authtoken), and this to the edge's file:");
    line("");
    line("tokens:");
    line(format_args!("  - id: {id}"));
    line(format_args!("    hash: {}", TokenHash::new(Sha256::digest(token.as_bytes()).into())));
    Ok(())
}

/// A text as YAML reads it back: as it stands, or in quotes where it would be something else.
fn yaml(text: &str) -> Cow<'_, str> {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(word);
    let words = ["false", "n", "no", "null", "off", "on", "true", "y", "yes"];
    if is_word && !words.contains(&text.to_ascii_lowercase().as_str()) {
        return text.into();
    }
    serde_json::Value::from(text).to_string().into()
}

/// Where the edge that the flag or the file speaks of keeps its authority.
fn authority_dir(global: &GlobalArgs, state_dir: Option<PathBuf>) -> Result<PathBuf> {
    if state_dir.is_some() || global.config.is_empty() {
        return state_dir.map_or_else(default_state_dir, Ok);
    }
    let config = config(global, EdgeRunArgs::default())?;
    if let Some(pair) = config.certificates.first() {
        let place = &pair.cert.place;
        bail!("{place}: the edge shows certificates of its file, and has no authority of its own");
    }
    config.state_dir.map_or_else(default_state_dir, |dir| Ok(dir.value))
}

fn config(global: &GlobalArgs, run: EdgeRunArgs) -> Result<EdgeConfig> {
    let mut layers = EdgeLayers { flags: file(global, run)?, ..EdgeLayers::default() };
    for path in &global.config {
        layers.load(path)?;
    }
    let mut config = layers.resolve()?;
    if config.state_dir.is_none() {
        config.state_dir = Some(At::from_flag(default_state_dir()?, "--state-dir"));
    }
    Ok(config)
}

/// What the flags say, as a file.
fn file(global: &GlobalArgs, run: EdgeRunArgs) -> Result<EdgeFile> {
    let EdgeRunArgs { domain, tls_addr, http_addr, tcp_ports, cert, key, state_dir } = run;
    if cert.len() != key.len() {
        bail!("--cert and --key need each other: {} and {} were given", cert.len(), key.len());
    }
    let text = |value: Option<String>, flag| value.map(|value| At::from_flag(value, flag));
    let pair = |(cert, key)| {
        let cert = Some(At::from_flag(cert, "--cert"));
        At::from_flag(PairFile { cert, key: Some(At::from_flag(key, "--key")) }, "--cert")
    };
    let pairs: Vec<_> = cert.into_iter().zip(key).map(pair).collect();
    Ok(EdgeFile {
        domain: text(domain, "--domain"),
        tls_addr: text(tls_addr, "--tls-addr"),
        http_addr: text(http_addr, "--http-addr"),
        tcp_ports: text(tcp_ports, "--tcp-ports"),
        certificates: (!pairs.is_empty()).then(|| At::from_flag(pairs, "--cert")),
        state_dir: state_dir.map(|dir| At::from_flag(dir, "--state-dir")),
        log: text(global.log.clone(), "--log"),
        log_format: parsed(global.log_format.as_deref(), "--log-format")?,
        log_level: parsed(global.log_level.as_deref(), "--log-level")?,
        ..EdgeFile::default()
    })
}

/// Where the edge keeps its keys when nobody says.
pub(crate) fn default_state_dir() -> Result<PathBuf> {
    let dirs = directories::BaseDirs::new()
        .context("there is no home directory to keep the edge's keys in; use --state-dir")?;
    let base = dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir());
    Ok(base.join("adit"))
}

async fn serve(config: &EdgeConfig) -> Result<()> {
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    let mut hangups = Hangups::listen().context("cannot listen for signals")?;
    if config.tokens.is_empty() {
        bail!("no tokens: no agent could connect; make one with `adit edge token`");
    }
    let accounts = Arc::new(FileAccounts::from_config(config)?);
    let settings = Settings::from(config);
    let registry = asking_at_edge(registry(), config.policy_requests);
    let started = Box::pin(Edge::start(settings, registry, accounts)).await;
    let edge = started.map_err(|error| advised(error, config))?;
    let signal = tokio::select! {
        never = trim::when_settled() => match never {},
        signal = asked_to_stop(&mut signals, &mut hangups) => signal,
    };
    info!(obj = "edge", stopReq = signal, "received stop request");
    tokio::select! {
        drained = edge.shutdown(config.drain) => info!(obj = "edge", ?drained, "edge stopped"),
        _ = signals.next() => {}
    }
    Ok(())
}

/// What is to be done about a port that cannot be had stands behind the system's words for it.
fn advised(error: StartError, config: &EdgeConfig) -> anyhow::Error {
    let StartError::Bind(bind) = &error else { return error.into() };
    let place = match config.http_addr == Some(bind.addr) {
        true => "http_addr (--http-addr)",
        false => "tls_addr (--tls-addr)",
    };
    let cause = match bind.error.kind() {
        io::ErrorKind::AddrInUse => "; another program has the port",
        io::ErrorKind::PermissionDenied => {
            "; ports below 1024 need root or the capability CAP_NET_BIND_SERVICE"
        }
        _ => "",
    };
    anyhow!("{bind}{cause}; {place} names another")
}

/// What asks the edge to end. A SIGHUP does only if it comes because the terminal was closed: who
/// sends one to have the file read again shall not lose all traffic.
async fn asked_to_stop(signals: &mut Signals, hangups: &mut Hangups) -> &'static str {
    loop {
        tokio::select! {
            signal = signals.next() => return signal,
            hangup = hangups.next() => match hangup {
                Hangup::TerminalGone => return "hangup",
                Hangup::Reload => warn!(obj = "edge", "the file is read at the start only: restart to take up changes"),
            },
        }
    }
}
