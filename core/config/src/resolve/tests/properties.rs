use proptest::prelude::*;

use super::*;

/// Text that looks like a configuration, so that more than the first line is read.
fn almost_a_file() -> impl Strategy<Value = String> {
    let words = [
        "version:",
        " 3",
        " 2",
        " 1",
        "\n",
        "\n  ",
        "\n- ",
        "\n    - ",
        "agent:",
        "endpoints:",
        "tunnels:",
        "name:",
        "url:",
        "upstream:",
        "addr:",
        "proto:",
        " http",
        " tcp",
        "handlers:",
        "on_error:",
        "{",
        "}",
        "[",
        "]",
        ", ",
        "&a ",
        "*a",
        "<<: ",
        "!x ",
        "\"",
        "'",
        "# ",
        ": ",
        "|\n",
        "é",
        "\t",
        "---\n",
        "limits:",
        "tokens:",
        " https://x/",
        " 10s",
        " ~",
        "? ",
    ];
    proptest::collection::vec(proptest::sample::select(words.to_vec()), 0..60)
        .prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn no_input_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let file = File::parse("f", &bytes);
        let _ = Layers { files: vec![file], ..Layers::default() }.resolve();
    }

    #[test]
    fn no_likely_input_panics(text in almost_a_file()) {
        for head in ["", "version: 3\n", "version: 2\ntunnels:\n  a: ", "version: 1\n"] {
            let file = File::parse("f", format!("{head}{text}").as_bytes());
            let _ = Layers { files: vec![file], ..Layers::default() }.resolve();
        }
        let edge = crate::edge::EdgeFile::parse("f", text.as_bytes());
        let _ = crate::edge::EdgeLayers { files: vec![edge], ..Default::default() }.resolve();
    }

    #[test]
    fn no_address_panics(text in "\\PC{0,40}|[a-z:/@.\\[\\]0-9*#?é]{0,20}") {
        for kind in [Kind::Http, Kind::Tcp, Kind::Tls] {
            let _ = crate::EndpointUrl::parse(&text, Some(kind), None);
            if let Ok(addr) = crate::UpstreamAddr::parse(&text, kind) {
                prop_assert_eq!(crate::UpstreamAddr::parse(&addr.to_string(), kind), Ok(addr));
            }
        }
        let _ = crate::unit::parse_duration(&text);
    }
}
