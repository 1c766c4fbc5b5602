#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    process::{Command, Stdio},
};

use proptest::prelude::*;
use tracing_subscriber::layer::SubscriberExt;

use super::*;

/// A log that writes into a file, and what was written once `emit` is done.
fn written(format: LogFormat, level: LogLevel, emit: impl FnOnce()) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let settings = Log {
        target: LogTarget::File(adit_config::At::from_flag(path.clone(), "--log")),
        format,
        level,
    };
    let (layer, guard) = layer(&settings, Purpose::Record).unwrap().unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), emit);
    drop(guard);
    std::fs::read_to_string(path).unwrap()
}

/// What a wrapper in Python makes of each line: the words of a POSIX shell, by key.
fn by_shlex(lines: &str) -> Vec<BTreeMap<String, String>> {
    const READER: &str = "import json, shlex, sys\n\
        for line in sys.stdin.buffer.read().decode().split('\\n')[:-1]:\n    \
        print(json.dumps(dict(w.split('=', 1) for w in shlex.split(line.strip()))))";
    let mut python = Command::new("python3");
    let mut python =
        python.args(["-c", READER]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    io::Write::write_all(&mut python.stdin.take().unwrap(), lines.as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

/// What a value is behind a shell's rules: line ends and the like stay as they were escaped.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

#[test]
fn every_value_survives_the_shell_rules_of_a_wrapper() {
    let values = [
        "plain",
        "",
        "a b",
        "can't",
        "\"quoted\"",
        "back\\slash",
        "a=b",
        "line\nend\r\n",
        "\ttab",
        "\\",
        "it's \"both\"",
        "$HOME `id` $(id)",
        "#comment",
        "a#b",
        "\u{1b}[31m",
        "naïve 世界",
        "\u{a0}x",
        "'",
        "\\\"",
        "trailing\\",
        ";&|<>*?!~{}[]()",
    ];
    let lines = written(LogFormat::Logfmt, LogLevel::Info, || {
        for value in values {
            tracing::info!(target: "adit", obj = "test", value, err = "nil", "it's {value:?}");
        }
    });
    assert_eq!(lines.lines().count(), values.len());
    let records = by_shlex(&lines);
    for (record, value) in records.iter().zip(values) {
        let keys: Vec<_> = record.keys().map(String::as_str).collect();
        assert_eq!(keys, ["err", "lvl", "msg", "obj", "t", "value"], "{value:?}");
        assert_eq!(record["value"], escaped(value));
        assert_eq!(record["msg"], escaped(&format!("it's {value:?}")));
        assert_eq!((record["err"].as_str(), record["lvl"].as_str()), ("nil", "info"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]
    #[test]
    fn any_values_survive_them(values in prop::collection::vec(any::<String>(), 64)) {
        let lines = written(LogFormat::Logfmt, LogLevel::Info, || {
            for value in &values {
                tracing::warn!(target: "adit", value, "{value}");
            }
        });
        for (record, value) in by_shlex(&lines).iter().zip(&values) {
            prop_assert_eq!(&record["value"], &escaped(value));
            prop_assert_eq!(&record["msg"], &escaped(value));
        }
    }
}

#[test]
fn records_have_their_levels_times_and_order() {
    let emit = || {
        tracing::error!(target: CRIT, "crit");
        tracing::error!(target: "adit", "eror");
        tracing::warn!(target: "adit", "warn");
        tracing::info!(target: "adit_agent", z = 1, a = true, m = 1.5, "info");
        tracing::debug!(target: "adit", "dbug");
        tracing::trace!(target: "adit", "never");
        tracing::error!(target: "somebody_else", "never");
    };
    let lines = written(LogFormat::Logfmt, LogLevel::Debug, emit);
    let words: Vec<_> =
        by_shlex(&lines).iter().map(|r| (r["lvl"].clone(), r["msg"].clone())).collect();
    let all = ["crit", "eror", "warn", "info", "dbug"];
    assert_eq!(words, all.map(|word| (word.to_owned(), word.to_owned())));
    assert!(lines.contains(" lvl=info msg=info z=1 a=true m=1.5\n"), "{lines}");
    for line in lines.lines() {
        let t = line.strip_prefix("t=").unwrap().split(' ').next().unwrap();
        let shape: String = t.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert!(matches!(shape.as_str(), "0000-00-00T00:00:00+0000" | "0000-00-00T00:00:00-0000"));
    }
    for (level, n) in
        [(LogLevel::Info, 4), (LogLevel::Warn, 3), (LogLevel::Error, 2), (LogLevel::Crit, 1)]
    {
        assert_eq!(written(LogFormat::Logfmt, level, emit).lines().count(), n, "{level:?}");
    }
}

#[test]
fn json_keeps_types_and_spells_a_missing_error_out() {
    let lines = written(LogFormat::Json, LogLevel::Info, || {
        tracing::info!(target: "adit", n = 1, yes = true, text = "a\n\"b\"", err = "nil", "it's");
        let error = io::Error::other("outer");
        tracing::warn!(target: "adit", err = &error as &dyn std::error::Error, "bad");
    });
    let mut lines = lines.lines();
    let first = lines.next().unwrap();
    let record: serde_json::Value = serde_json::from_str(first).unwrap();
    assert_eq!(
        (&record["n"], &record["yes"], &record["text"], &record["err"], &record["msg"]),
        (&1.into(), &true.into(), &"a\n\"b\"".into(), &"<nil>".into(), &"it's".into())
    );
    let keys =
        ["{\"t\":", ",\"lvl\":", ",\"msg\":", ",\"n\":", ",\"yes\":", ",\"text\":", ",\"err\":"];
    let places: Vec<_> = keys.iter().map(|key| first.find(key).unwrap()).collect();
    assert!(places.is_sorted(), "{first}");
    let t = record["t"].as_str().unwrap();
    assert_eq!((t.len(), t.ends_with('Z'), t.as_bytes()[19]), (30, true, b'.'), "{t}");
    assert!(lines.next().unwrap().ends_with(",\"msg\":\"bad\",\"err\":\"outer\"}"));
}

#[test]
fn a_file_is_added_to_and_readable_by_all() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    std::fs::write(&path, "before\n").unwrap();
    let at = adit_config::At::from_flag(path.clone(), "--log");
    let settings =
        |at| Log { target: LogTarget::File(at), format: LogFormat::Logfmt, level: LogLevel::Info };
    let (layer, guard) = layer(&settings(at.clone()), Purpose::Record).unwrap().unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        tracing::info!(target: "adit", "after");
    });
    drop(guard);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("before\nt=") && text.ends_with("msg=after\n"), "{text}");
    let new = at.map(|path| path.with_file_name("new"));
    drop(super::layer(&settings(new.clone()), Purpose::Record).unwrap());
    let mode = std::fs::metadata(&new.value).unwrap().permissions().mode();
    // The umask may take away more.
    assert_eq!(mode & 0o777 & !0o644, 0, "{mode:o}");
    let nowhere = new.map(|path| path.join("no/such/dir"));
    assert!(super::layer(&settings(nowhere), Purpose::Record).is_err());
}
