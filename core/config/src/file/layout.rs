//! The top level of a file, in each of the three versions.

use std::{fs, io::Read as _, path::Path};

use super::{
    agent::{Agent, CONNECT_PLACES},
    endpoint::Endpoint,
    tunnel::{BindTls, Tunnel},
};
use crate::{
    diagnostic::{Diagnostic, Diagnostics},
    endpoint_url::Scheme,
    node::{Key, Node, Pos, Value},
    opaque::Opaque,
    place::At,
    read::{Read, Reader},
    record::{Merge, Named},
    yaml::{self, MAX_FILE_LEN},
};

/// One file, or the flags, in the current layout.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// Settings of the agent itself.
    pub agent: Agent,
    /// Endpoints, in the form of version 3.
    pub endpoints: Option<At<Vec<At<Endpoint>>>>,
    /// Endpoints, in the form of versions 1 and 2.
    pub tunnels: Named<Tunnel>,
    /// Modules that handlers may name.
    pub plugins: Named<Opaque>,
    /// What is wrong with it. [`Layers::resolve`](crate::Layers::resolve) reports it with the rest.
    pub problems: Diagnostics,
}

pub(crate) const V3_KEYS: &[&str] = &["version", "agent", "endpoints", "tunnels", "plugins"];
/// What to say about a tunnel's key in an endpoint.
const TUNNEL_KEY: &str = "it belongs to a tunnel; an endpoint has url:, upstream: and handlers:";
/// Keys of version 1 that later versions have another word for: (theirs, ours).
pub(crate) const V1_AGENT: &[(&str, &str)] =
    &[("http_proxy", "proxy_url"), ("socks5_proxy", "proxy_url"), ("update", "update_check")];
pub(crate) const V1_TUNNEL: &[(&str, &str)] =
    &[("bind_tls", "schemes"), ("auth", "basic_auth"), ("client_cas", "mutual_tls_cas")];

impl File {
    /// Reads a file of any version. `name` is how the user named it.
    ///
    /// Never fails: what is wrong is kept in [`problems`](Self::problems), and the rest is read.
    pub fn parse(name: &str, bytes: &[u8]) -> Self {
        let mut r = Reader::new(name);
        let mut file = match yaml::parse(&r.file, bytes, &mut r.problems) {
            Ok(Some(node)) => read_top(&node, &mut r),
            Ok(None) => {
                missing_version(Pos { line: 1, column: 1 }, &mut r);
                Self::default()
            }
            Err(problem) => {
                r.problems.push(problem);
                Self::default()
            }
        };
        file.problems = r.problems;
        file
    }

    /// Reads the file at `path`, and no more of it than a configuration may have.
    ///
    /// # Errors
    /// Only if it cannot be read; see [`parse`](Self::parse) for what is wrong inside.
    pub fn load(path: &Path) -> Result<Self, Diagnostics> {
        Ok(Self::parse(&path.display().to_string(), &read_limited(path)?))
    }

    /// Lays `later` over `self`. Scalars and lists are replaced, maps are merged key by key.
    pub fn merge(&mut self, later: Self) {
        self.agent.merge(later.agent);
        self.endpoints.merge(later.endpoints);
        self.tunnels.merge(later.tunnels);
        self.plugins.merge(later.plugins);
        self.problems.append(later.problems);
    }
}

/// The bytes of a configuration file.
pub(crate) fn read_limited(path: &Path) -> Result<Vec<u8>, Diagnostics> {
    let mut bytes = Vec::new();
    let read = |file: fs::File| {
        // In one go: somebody may write it at the same time.
        let len = file.metadata().map_or(0, |data| data.len().min(MAX_FILE_LEN));
        bytes.reserve(usize::try_from(len).unwrap_or(0) + 64);
        // One byte more than is allowed, so that the parser sees that it is too long.
        file.take(MAX_FILE_LEN + 1).read_to_end(&mut bytes)
    };
    fs::File::open(path).and_then(read).map_err(|e| Diagnostics::unreadable(path, &e))?;
    Ok(bytes)
}

fn missing_version(pos: Pos, r: &mut Reader) {
    let d = Diagnostic::new(r.place(pos), "the version property is required");
    r.problems
        .push(d.hint("add version: \"3\"; older files are brought to it by `adit config upgrade`"));
}

fn read_top(top: &Node, r: &mut Reader) -> File {
    let Some(entries) = r.map(top) else { return File::default() };
    let find = |name: &str| entries.iter().find(|(k, _)| k.text == name).map(|(_, v)| v);
    let version = match find("version") {
        Some(node) if !node.is_null() => match r.text("a version", node).map(str::trim) {
            Some("1") => Some(1),
            Some("2") => Some(2),
            Some("3") => Some(3),
            Some(other) => {
                let d = Diagnostic::new(r.place(node.pos), format!("unknown version {other:?}"));
                r.problems.push(d.hint("use \"3\""));
                None
            }
            None => None,
        },
        _ => {
            missing_version(top.pos, r);
            None
        }
    };
    // Without a version, go on with the layout that the keys suggest: all problems at once.
    let current = find("agent").is_some() || find("endpoints").is_some();
    match version.unwrap_or(if current { 3 } else { 2 }) {
        3 => read_v3(entries, r),
        old => read_old(top.pos, entries, old, r),
    }
}

fn read_v3(entries: &[(Key, Node)], r: &mut Reader) -> File {
    let mut file = File::default();
    for (key, value) in entries {
        match key.text.as_str() {
            "version" => {}
            "agent" | "endpoints" | "tunnels" | "plugins" if value.is_null() => {}
            "agent" => file.agent = read_v3_agent(value, r),
            "endpoints" => {
                r.elsewhere = Some((Tunnel::KEYS, TUNNEL_KEY));
                file.endpoints = Read::read(value, r);
                r.elsewhere = None;
            }
            "tunnels" => file.tunnels = read_tunnels(value, 3, r),
            "plugins" => file.plugins = Read::read(value, r).unwrap_or_default(),
            word if Agent::KEYS.contains(&word) && word != "region" => {
                let d = Diagnostic::new(r.place(key.pos), format!("unknown key {word:?}"));
                r.problems.push(d.hint("in version 3 it stands under agent:"));
            }
            _ => r.unknown_key(key, V3_KEYS),
        }
    }
    file
}

/// `region` has no place in version 3.
fn read_v3_agent(node: &Node, r: &mut Reader) -> Agent {
    let Some(entries) = r.map(node) else { return Agent::default() };
    let region = entries.iter().find(|(k, _)| k.text == "region");
    if let Some((key, _)) = region {
        let d = Diagnostic::new(r.place(key.pos), "unknown key \"region\"");
        r.problems.push(d.hint("version 3 has no regions; remove it"));
    }
    let mut agent = Agent::read(node, r).unwrap_or_default();
    agent.region = None;
    agent
}

/// Versions 1 and 2: the agent's settings stand at the top level, some under other names.
fn read_old(pos: Pos, entries: &[(Key, Node)], version: u8, r: &mut Reader) -> File {
    let mut file = File::default();
    let v1 = if version == 1 { V1_AGENT } else { &[] };
    let renames = || CONNECT_PLACES.iter().chain(v1);
    let known: Vec<&str> = Agent::KEYS
        .iter()
        .filter(|k| !CONNECT_PLACES.iter().any(|(_, ours)| ours == *k))
        .chain(renames().map(|(theirs, _)| theirs))
        .chain(&["version", "tunnels", "plugins"])
        .copied()
        .collect();
    let mut settings: Vec<(Key, Node)> = Vec::new();
    for (key, value) in entries {
        let word = key.text.as_str();
        match word {
            "version" => {}
            "tunnels" | "plugins" if value.is_null() => {}
            "tunnels" => file.tunnels = read_tunnels(value, version, r),
            "plugins" => file.plugins = Read::read(value, r).unwrap_or_default(),
            _ if !known.contains(&word) => match CONNECT_PLACES.iter().find(|(_, o)| *o == word) {
                Some((theirs, _)) => {
                    let d = Diagnostic::new(r.place(key.pos), format!("unknown key {word:?}"));
                    r.problems.push(d.hint(format!("in version {version} it is \"{theirs}\"")));
                }
                None => r.unknown_key(key, &known),
            },
            _ => {
                let ours = renames().find(|(theirs, _)| *theirs == word).map_or(word, |(_, o)| o);
                settings.push((Key { text: ours.to_owned(), ..key.clone() }, value.clone()));
            }
        }
    }
    let settings = Node { pos, value: Value::Map(settings) };
    file.agent = Agent::read(&settings, r).unwrap_or_default();
    file
}

fn read_tunnels(node: &Node, version: u8, r: &mut Reader) -> Named<Tunnel> {
    let mut tunnels = Named::default();
    let Some(entries) = r.map(node) else { return tunnels };
    for (key, value) in entries {
        if version > 1 {
            refuse_v1_keys(value, r);
        }
        let Some(mut tunnel) = Tunnel::read(value, r) else { continue };
        let name = At::new(key.text.clone(), r.place(key.pos));
        modernise(&mut tunnel, version, &name);
        tunnels.0.push((name, tunnel));
    }
    tunnels
}

fn refuse_v1_keys(tunnel: &Node, r: &mut Reader) {
    let Value::Map(entries) = &tunnel.value else { return };
    for (key, _) in entries {
        if let Some((theirs, ours)) = V1_TUNNEL.iter().find(|(theirs, _)| *theirs == key.text) {
            let d = Diagnostic::new(r.place(key.pos), format!("unknown key {theirs:?}"));
            r.problems.push(d.hint(format!("since version 2 it is \"{ours}\"")));
        }
    }
}

/// Says what a tunnel of version 1 means in the words of version 2.
fn modernise(tunnel: &mut Tunnel, version: u8, name: &At<String>) {
    let (bind_tls, auth) = (tunnel.bind_tls.take(), tunnel.auth.take());
    let client_cas = tunnel.client_cas.take();
    if version > 1 {
        return;
    }
    let http = tunnel.proto.as_ref().is_some_and(|p| p.value == "http");
    if tunnel.schemes.is_none() && tunnel.url.is_none() && (http || bind_tls.is_some()) {
        let bind = bind_tls.unwrap_or_else(|| At::new(BindTls::Both, name.place.clone()));
        let schemes: &[Scheme] = match bind.value {
            BindTls::Https => &[Scheme::Https],
            BindTls::Http => &[Scheme::Http],
            BindTls::Both => &[Scheme::Http, Scheme::Https],
        };
        let place = bind.place;
        let list = schemes.iter().map(|s| At::new(*s, place.clone())).collect();
        tunnel.schemes = Some(At::new(list, place));
    }
    if let (None, Some(auth)) = (&tunnel.basic_auth, auth) {
        let place = auth.place.clone();
        tunnel.basic_auth = Some(At::new(vec![auth], place));
    }
    tunnel.mutual_tls_cas = tunnel.mutual_tls_cas.take().or(client_cas);
}
