//! The functions of the contract that this agent has.

use std::collections::BTreeMap;

/// Functions by interface, as components name them.
pub(super) const KNOWN: [(&str, &[&str]); 14] = [
    ("types", &[]),
    (
        "connections",
        &[
            "connection.id",
            "connection.endpoint",
            "connection.url",
            "connection.protocol",
            "connection.client",
            "connection.server-name",
            "connection.opened-at",
            "connection.attribute",
            "connection.var",
            "connection.set-var",
            "connection.keep",
            "connection.kept",
        ],
    ),
    (
        "http",
        &[
            "request.id",
            "request.method",
            "request.set-method",
            "request.scheme",
            "request.authority",
            "request.set-authority",
            "request.target",
            "request.set-target",
            "request.version",
            "request.header",
            "request.header-all",
            "request.headers",
            "request.set-header",
            "request.append-header",
            "request.remove-header",
            "request.has-body",
            "request.content-length",
            "request.await-body",
            "request.watch-body",
            "request.identity",
            "request.set-identity",
            "request.attribute",
            "request.var",
            "request.set-var",
            "request.keep",
            "request.kept",
            "response.status",
            "response.set-status",
            "response.origin",
            "response.header",
            "response.header-all",
            "response.headers",
            "response.set-header",
            "response.append-header",
            "response.remove-header",
            "response.has-body",
            "response.content-length",
            "response.await-body",
            "response.watch-body",
        ],
    ),
    (
        "outcomes",
        &[
            "outcome.status",
            "outcome.duration-ns",
            "outcome.octets-to-upstream",
            "outcome.octets-to-client",
            "outcome.failure",
        ],
    ),
    ("agent", &["policy-name", "version", "supports", "panicked"]),
    ("log", &["enabled", "write"]),
    ("clock", &["now", "monotonic"]),
    ("random", &["bytes", "number"]),
    ("kv", &["get", "set", "delete", "increment", "swap"]),
    ("rate", &["take"]),
    ("metrics", &["add", "set", "observe"]),
    ("secrets", &["get"]),
    ("crypto", &["digest", "sign", "verify", "equal"]),
    ("outbound", &["send"]),
];

/// The first function that this agent does not have: `http.request.trailers`.
pub(super) fn first_unknown(imports: &BTreeMap<String, Vec<String>>) -> Option<String> {
    imports.iter().find_map(|(interface, functions)| {
        let Some((_, known)) = KNOWN.iter().find(|(name, _)| name == interface) else {
            return Some(interface.clone());
        };
        let unknown = functions.iter().find(|function| !known.contains(&function.as_str()))?;
        Some(format!("{interface}.{unknown}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The functions that the contract's text declares.
    fn declared() -> BTreeMap<String, Vec<String>> {
        let text = include_str!("../../../../policy-sdk/wit/policy.wit");
        let (mut all, mut interface, mut resource) = (BTreeMap::new(), None, None);
        for line in text.lines().map(str::trim) {
            let named = |word| {
                let rest: Option<&str> = line.strip_prefix(word);
                rest.and_then(|rest| rest.split([' ', '{']).next()).map(str::to_owned)
            };
            if let Some(name) = named("interface ") {
                interface = (!name.ends_with("-hook") && name != "setup").then_some(name);
                resource = None;
            } else if let Some(name) = named("resource ") {
                resource = Some(name);
            } else if line.starts_with("world ") {
                break;
            }
            let Some(interface) = &interface else { continue };
            let functions: &mut Vec<String> = all.entry(interface.clone()).or_default();
            if let Some((name, _)) = line.split_once(": func(") {
                let name =
                    resource.as_ref().map_or_else(|| name.to_owned(), |r| format!("{r}.{name}"));
                functions.push(name);
            } else if line == "}" && !functions.is_empty() {
                resource = None;
            }
        }
        all
    }

    #[test]
    fn it_is_what_the_contract_declares() {
        let known: BTreeMap<_, Vec<_>> = KNOWN
            .iter()
            .map(|(name, list)| ((*name).to_owned(), list.iter().map(|&f| f.to_owned()).collect()))
            .collect();
        assert_eq!(known, declared());
    }

    #[test]
    fn what_came_later_is_named() {
        let known = BTreeMap::from([("rate".to_owned(), vec!["take".to_owned()])]);
        assert_eq!(first_unknown(&known), None);
        let later = BTreeMap::from([("http".to_owned(), vec!["request.trailers".to_owned()])]);
        assert_eq!(first_unknown(&later).as_deref(), Some("http.request.trailers"));
        let later = BTreeMap::from([("mail".to_owned(), vec![])]);
        assert_eq!(first_unknown(&later).as_deref(), Some("mail"));
    }
}
