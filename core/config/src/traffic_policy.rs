//! The rules of an endpoint, wherever they are written.

use std::path::PathBuf;

use serde_json::Value as Json;

use crate::handler::HandlerSpec;
use crate::{
    diagnostic::{Diagnostic, Diagnostics},
    middleware::POLICY_KIND,
    opaque::Opaque,
    place::{At, Place},
};

/// What stands as the file of a document that is a string in the configuration: its lines are its
/// own.
const IN_STRING: &str = "traffic_policy";

/// The document cannot be read, or has the wrong shape.
const NO_DOCUMENT: u16 = 2236;

/// Rules, and where they are. Not checked here.
#[derive(Clone, Debug)]
pub enum TrafficPolicy {
    /// In a file of their own.
    File(At<PathBuf>),
    /// In the configuration: as values, or as one string that holds the document.
    Inline(Opaque),
    /// At a URL, fetched once. Whoever starts the endpoint does it, and says what came.
    Url(At<String>),
}

impl TrafficPolicy {
    /// Where it says where the rules are.
    pub fn place(&self) -> &Place {
        match self {
            Self::File(path) => &path.place,
            Self::Inline(value) => &value.place,
            Self::Url(url) => &url.place,
        }
    }

    /// The document that came from a URL: YAML, of which JSON is a part.
    ///
    /// # Errors
    /// It is none, with its lines.
    pub fn fetched(url: &str, document: &[u8]) -> Result<Self, Diagnostics> {
        let document = Opaque::parse(url, document);
        document.map(Self::Inline).map_err(|wrong| wrong.of_text(NO_DOCUMENT))
    }

    /// The document, with the places of its parts. Reads files; blocks. Of what it says nothing is
    /// checked.
    ///
    /// # Errors
    /// The file cannot be read, or what it holds is no YAML, with the lines of that. A URL has to be
    /// fetched before.
    pub fn document(&self) -> Result<Opaque, Diagnostics> {
        let document = match self {
            Self::File(path) => Opaque::load(&path.value),
            Self::Inline(Opaque { json: Json::String(text), .. }) => {
                Opaque::parse(IN_STRING, text.as_bytes())
            }
            Self::Inline(value) => Ok(value.clone()),
            Self::Url(url) => {
                let message = format!("the traffic policy at {} has not been fetched", url.value);
                return Err(Diagnostic::new(url.place.clone(), message).into());
            }
        };
        document.map_err(|wrong| wrong.of_text(NO_DOCUMENT))
    }

    /// The handler that a document stands for. None for one without a word in it.
    pub fn handler(document: Opaque) -> Option<HandlerSpec> {
        let is_nothing = match &document.json {
            Json::Null => true,
            Json::Object(map) => map.is_empty(),
            _ => false,
        };
        let place = document.place.clone();
        (!is_nothing).then(|| HandlerSpec::with_options(POLICY_KIND, document, place))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_keeps_its_places_wherever_it_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p.yml");
        std::fs::write(&path, "on_http_request:\n- actions:\n  - type: deny\n").unwrap();
        let kind = "on_http_request[0].actions[0].type";
        let file = TrafficPolicy::File(At::from_flag(path.clone(), "--traffic-policy-file"));
        let document = file.document().unwrap();
        assert_eq!(document.places.find(kind).to_string(), format!("{}:3:11", path.display()));
        let text = Opaque::new("on_tcp_connect:\n  - {}".into(), Place::of("api"));
        let document = TrafficPolicy::Inline(text).document().unwrap();
        assert_eq!(document.json, json!({ "on_tcp_connect": [{}] }));
        assert_eq!(document.places.find("on_tcp_connect[0]").to_string(), "traffic_policy:2:5");
        let url = TrafficPolicy::fetched("http://p.test/x", b"{\"on_http_request\": []}").unwrap();
        let spec = TrafficPolicy::handler(url.document().unwrap()).unwrap();
        assert_eq!(spec.place_of("on_http_request").to_string(), "http://p.test/x:1:21");
    }

    #[test]
    fn nothing_is_no_policy() {
        for text in ["", "{}", "null", "# later\n"] {
            let document = TrafficPolicy::fetched("p", text.as_bytes()).unwrap();
            assert!(TrafficPolicy::handler(document.document().unwrap()).is_none(), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_document_is_told_with_its_line() {
        let refused = |policy: TrafficPolicy| policy.document().unwrap_err().to_string();
        let missing = TrafficPolicy::File(At::from_flag("/nowhere/p.yml".into(), "--x"));
        let missing = refused(missing);
        assert!(missing.starts_with("/nowhere/p.yml: cannot read the file: "), "{missing}");
        assert!(!missing.contains("ERR_NGROK"), "{missing}");
        let broken = TrafficPolicy::fetched("http://p.test/x", b"a: [1\nb: ").unwrap_err();
        assert!(broken.to_string().starts_with("http://p.test/x:2:"), "{broken}");
        assert!(broken.to_string().ends_with(" (ERR_NGROK_2236)"), "{broken}");
        let tagged = Opaque::new("on_http_request: !foo".into(), Place::of("api"));
        assert!(refused(TrafficPolicy::Inline(tagged)).ends_with(" (ERR_NGROK_2236)"));
        let url = TrafficPolicy::Url(At::from_flag("http://p.test/x".to_owned(), "--x"));
        assert!(refused(url).ends_with("has not been fetched"));
    }
}
