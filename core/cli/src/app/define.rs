//! From the JSON of a request to an endpoint, by the way that a file takes: the same keys, rules and
//! messages.

use adit_config::{Diagnostic, Diagnostics, Endpoint, Layers, Place, file::File};
use adit_inspect::control::Dialect;
use serde_json::{Map, Value, json};

/// What stands as the file of a request.
const PLACE: &str = "definition";

/// Keys that wrapper libraries add to a tunnel for themselves.
///
/// Fact: the npm clients send their whole option object.
const OF_WRAPPERS: [&str; 8] =
    ["authtoken", "binPath", "configPath", "host", "httpauth", "port", "region", "web_addr"];

/// The endpoint that a request describes.
///
/// # Errors
/// All that is wrong with it, on one line.
pub(super) fn endpoint(dialect: Dialect, definition: Value) -> Result<Endpoint, String> {
    let Value::Object(mut definition) = definition else {
        return Err("expected an object".to_owned());
    };
    let file = match dialect {
        Dialect::Tunnels => {
            let name = take_name(&mut definition)?.ok_or("the tunnel has no name; add name")?;
            definition.retain(|key, _| !OF_WRAPPERS.contains(&key.as_str()));
            modernise(&mut definition)?;
            json!({ "version": "2", "tunnels": { name: definition } })
        }
        Dialect::Endpoints => {
            let name = take_name(&mut definition)?.map_or_else(invented, Ok)?;
            definition.insert("name".to_owned(), name.into());
            json!({ "version": "3", "endpoints": [definition] })
        }
    };
    // JSON is a part of YAML.
    let text = file.to_string();
    let file = File::parse(PLACE, text.as_bytes());
    let config = Layers { files: vec![file], ..Layers::default() }.resolve();
    let told = |problem: &Diagnostic| {
        let message = without_place(&problem.to_string()).to_owned();
        match key_before(&text, problem.place.column) {
            Some(key) if !message.contains(key) => format!("{key}: {message}"),
            _ => message,
        }
    };
    let all = |problems: Diagnostics| problems.iter().map(told).collect::<Vec<_>>().join("; ");
    let endpoints = config.map_err(all)?.endpoints;
    let mut endpoint = endpoints.into_iter().next().ok_or("there is no endpoint in it")?;
    endpoint.warnings.iter_mut().for_each(|warning| warning.place = Place::of(PLACE));
    Ok(endpoint)
}

/// A text without the place in a request, which nobody sees as lines.
pub(super) fn without_place(text: &str) -> &str {
    let Some(rest) = text.strip_prefix(PLACE) else { return text };
    let rest = rest.trim_start_matches(|c: char| c == ':' || c.is_ascii_digit());
    rest.strip_prefix(' ').unwrap_or(rest)
}

pub(super) fn one_line(problems: &Diagnostics) -> String {
    let text = |problem: &Diagnostic| without_place(&problem.to_string()).to_owned();
    problems.iter().map(text).collect::<Vec<_>>().join("; ")
}

/// The key whose value, or an item of whose list, begins at a column of one line of JSON: a request
/// has no lines that could be shown instead.
fn key_before(text: &str, column: u32) -> Option<&str> {
    let column = usize::try_from(column).ok()?.checked_sub(1)?;
    let (end, _) = text.char_indices().nth(column)?;
    let before = match text[..end].rsplit_once('[') {
        Some((before, items)) if !items.contains([']', '{', ':']) => before,
        _ => &text[..end],
    };
    let (_, key) = before.strip_suffix("\":")?.rsplit_once('"')?;
    Some(key)
}

fn take_name(definition: &mut Map<String, Value>) -> Result<Option<String>, String> {
    match definition.remove("name") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(name)) if name.is_empty() => Ok(None),
        Some(Value::String(name)) => Ok(Some(name)),
        Some(Value::Number(name)) => Ok(Some(name.to_string())),
        Some(_) => Err("name: expected a string".to_owned()),
    }
}

fn invented() -> Result<String, String> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|e| format!("the system gives no random bytes: {e}"))?;
    Ok(format!("endpoint-{:016x}", u64::from_be_bytes(bytes)))
}

/// Says in the words of version 2 what some clients still say in those of version 1.
fn modernise(tunnel: &mut Map<String, Value>) -> Result<(), String> {
    match tunnel.remove("auth") {
        None | Some(Value::Null) => {}
        Some(Value::String(pair)) if pair.is_empty() => {}
        Some(pair) => drop(tunnel.entry("basic_auth").or_insert_with(|| json!([pair]))),
    }
    let schemes = match tunnel.remove("bind_tls") {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Bool(true)) => json!(["https"]),
        Some(Value::Bool(false)) => json!(["http"]),
        Some(Value::String(word)) if word == "true" => json!(["https"]),
        Some(Value::String(word)) if word == "false" => json!(["http"]),
        Some(Value::String(word)) if word == "both" => json!(["http", "https"]),
        Some(_) => return Err("bind_tls is none of true, false and both".to_owned()),
    };
    // It says nothing about what is not HTTP; clients send it all the same.
    if tunnel.get("proto").is_some_and(|proto| proto == "http") {
        tunnel.entry("schemes").or_insert(schemes);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use adit_config::endpoint_url::Scheme;

    use super::*;

    fn tunnel(definition: Value) -> Result<Endpoint, String> {
        endpoint(Dialect::Tunnels, definition)
    }

    fn addr(endpoint: &Endpoint) -> String {
        endpoint.upstream.addr.value.to_string()
    }

    #[test]
    fn ports_are_numbers_or_strings_in_either_dialect() {
        for port in [json!(5000), json!("5000")] {
            let made = tunnel(json!({ "name": "a", "proto": "http", "addr": port })).unwrap();
            assert_eq!((made.name.as_str(), addr(&made).as_str()), ("a", "http://localhost:5000"));
            let v3 = json!({ "name": "b", "upstream": { "url": port } });
            let made = endpoint(Dialect::Endpoints, v3).unwrap();
            assert_eq!((made.name.as_str(), addr(&made).as_str()), ("b", "http://localhost:5000"));
        }
    }

    #[test]
    fn what_wrappers_add_for_themselves_is_ignored_and_nothing_else_is() {
        let made = tunnel(json!({
            "name": "a", "proto": "http", "addr": 80, "hostname": "x.test", "authtoken": "t",
            "configPath": "/c", "port": 80, "host": "h", "region": "us", "web_addr": 4040,
            "httpauth": "a:b", "binPath": "/b"
        }));
        assert_eq!(made.unwrap().url().unwrap().to_string(), "https://x.test");
        let text = tunnel(json!({ "name": "a", "proto": "http", "addr": 80, "adr": 1 }));
        assert_eq!(text.unwrap_err(), "unknown key \"adr\"; did you mean \"addr\"?");
        let both =
            json!({ "name": "a", "addr": 80, "proto": "http", "basic_auth": ["a:password"] });
        let text = endpoint(Dialect::Endpoints, both).unwrap_err();
        assert!(text.contains("unknown key \"addr\"") && text.contains("\"basic_auth\""), "{text}");
        assert!(!text.contains("definition:"), "{text}");
    }

    #[test]
    fn the_words_of_the_first_version_are_understood() {
        let schemes = |bind_tls: Value| {
            let made = tunnel(json!({
                "name": "a", "proto": "http", "addr": 80, "bind_tls": bind_tls, "auth": "a:password"
            }));
            let made = made.unwrap();
            assert_eq!(made.middleware.basic_auth.len(), 1);
            made.schemes()
        };
        assert_eq!(schemes(json!(true)), [Scheme::Https]);
        assert_eq!(schemes(json!("false")), [Scheme::Http]);
        assert_eq!(schemes(json!("both")), [Scheme::Https, Scheme::Http]);
        let odd = tunnel(json!({ "name": "a", "proto": "http", "addr": 80, "bind_tls": "maybe" }));
        assert!(odd.unwrap_err().starts_with("bind_tls"));
    }

    #[test]
    fn mistakes_say_what_is_wrong() {
        for (definition, says) in [
            (json!({ "proto": "http", "addr": 80 }), "no name"),
            (json!({ "name": "a", "proto": "carrier", "addr": 80 }), "protocol name 'carrier'"),
            (json!({ "name": "a", "proto": "http" }), "no addr"),
            (json!({ "name": "a", "addr": 80 }), "neither proto nor labels"),
            (json!({ "name": ["a"] }), "name: expected a string"),
            (
                json!({ "name": "é", "proto": "http", "addr": 80, "basic_auth": "u:p" }),
                "basic_auth: expected a list, found a string",
            ),
            (
                json!({ "name": "a", "proto": "http", "addr": 80, "schemes": ["http", "ftp"] }),
                "schemes: \"ftp\" is not one of http, https",
            ),
            (json!([]), "expected an object"),
        ] {
            let text = tunnel(definition).unwrap_err();
            assert!(text.contains(says) && !text.contains('\n'), "{text}");
        }
        let unnamed = endpoint(Dialect::Endpoints, json!({ "upstream": { "url": 80 } })).unwrap();
        assert!(unnamed.name.starts_with("endpoint-"), "{}", unnamed.name);
    }

    #[test]
    fn what_has_nothing_to_act_on_is_told_without_a_line_that_nobody_sees() {
        let made = tunnel(json!({ "name": "a", "proto": "tcp", "addr": 22, "inspect": true }));
        let told: Vec<_> = made.unwrap().warnings.iter().map(ToString::to_string).collect();
        let text = "definition: inspect has nothing to act on: only HTTP is captured; leave it out";
        assert_eq!(told, [text]);
    }

    #[test]
    fn policies_may_be_objects_or_texts() {
        for policy in [json!({ "on_http_request": [] }), json!("on_http_request: []")] {
            let made = json!({ "name": "a", "upstream": { "url": 80 }, "traffic_policy": policy });
            assert!(endpoint(Dialect::Endpoints, made).unwrap().traffic_policy.is_some());
        }
    }
}
