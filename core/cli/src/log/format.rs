//! The text of one record.

use std::fmt::{self, Write};

use jiff::{Timestamp, Zoned};
use serde_json::Value;
use tracing::{
    Level, Metadata,
    field::{Field, Visit},
};

use super::CRIT;

/// How a record becomes a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Logfmt,
    Colour,
    Json,
}

/// The parts of a record, in the order given.
pub(super) struct Record {
    level: &'static str,
    message: String,
    fields: Vec<(&'static str, Value)>,
}

impl Record {
    pub(super) fn new(metadata: &Metadata<'_>) -> Self {
        let level = match *metadata.level() {
            _ if metadata.target() == CRIT => "crit",
            Level::ERROR => "eror",
            Level::WARN => "warn",
            Level::INFO => "info",
            _ => "dbug",
        };
        Self { level, message: String::new(), fields: Vec::new() }
    }

    /// Whether a person is told it anyway: why the process ends, and where the web service is.
    pub(super) fn is_told_anyway(&self) -> bool {
        const TOLD: [&str; 3] = [
            "can't bind default web address, trying alternatives",
            "session closing",
            "terminating with error",
        ];
        self.level == "crit" || TOLD.contains(&self.message.as_str())
    }

    /// What it says, for a person who sees the console: how the session stands stands there.
    pub(super) fn remark(&self) -> Option<String> {
        let is_of =
            |obj: &str| self.fields.iter().any(|(key, value)| *key == "obj" && value == obj);
        if is_of("tunnels.session") {
            return None;
        }
        let mut text = self.message.clone();
        for (key, value) in self.fields.iter().filter(|(key, _)| *key != "obj") {
            let _ = match value {
                Value::String(value) => write!(text, ", {key}: {value}"),
                value => write!(text, ", {key}: {value}"),
            };
        }
        Some(text)
    }

    pub(super) fn line(&self, line: Line) -> String {
        match line {
            Line::Logfmt => self.logfmt("", ""),
            Line::Colour => self.logfmt(self.colour(), "\x1b[0m"),
            Line::Json => self.json(),
        }
    }

    const fn colour(&self) -> &'static str {
        match self.level.as_bytes() {
            b"crit" | b"eror" => "\x1b[31m",
            b"warn" => "\x1b[33m",
            b"info" => "\x1b[32m",
            _ => "\x1b[36m",
        }
    }

    fn logfmt(&self, colour: &str, plain: &str) -> String {
        let time = Zoned::now().strftime("%Y-%m-%dT%H:%M:%S%z");
        let mut out = format!("t={time} lvl={colour}{}{plain} msg=", self.level);
        quote(&mut out, &self.message);
        for (key, value) in &self.fields {
            let _ = write!(out, " {key}=");
            match value {
                Value::String(text) => quote(&mut out, text),
                Value::Null => out.push_str("nil"),
                other => quote(&mut out, &other.to_string()),
            }
        }
        out.push('\n');
        out
    }

    fn json(&self) -> String {
        let mut out = format!("{{\"t\":\"{:.9}\",\"lvl\":\"{}\"", Timestamp::now(), self.level);
        let mut pair = |key: &str, value: &Value| {
            let _ = write!(out, ",{}:{value}", Value::from(key));
        };
        pair("msg", &Value::from(self.message.as_str()));
        for (key, value) in &self.fields {
            pair(key, if value.is_null() { &NIL } else { value });
        }
        out.push_str("}\n");
        out
    }

    fn push(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            ("message", other) => self.message = other.to_string(),
            (name, value) => self.fields.push((name, value)),
        }
    }
}

/// Absent errors are spelt out in JSON, because readers expect a string there.
static NIL: std::sync::LazyLock<Value> = std::sync::LazyLock::new(|| Value::from("<nil>"));

impl Visit for Record {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.push(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let nil = field.name() == "err" && value == "nil";
        self.push(field, if nil { Value::Null } else { value.into() });
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut source = value.source();
        while let Some(error) = source {
            let _ = write!(text, ": {error}");
            source = error.source();
        }
        self.push(field, text.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.push(field, format!("{value:?}").into());
    }
}

/// Writes a value so that it survives a split by the rules of a POSIX shell, as log readers do it.
fn quote(out: &mut String, text: &str) {
    let special = |c: char| c.is_whitespace() || c.is_control() || "=\"'\\".contains(c);
    if !text.is_empty() && !text.contains(special) {
        out.push_str(text);
        return;
    }
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(text: &str) -> String {
        let mut out = String::new();
        quote(&mut out, text);
        out
    }

    #[test]
    fn values_with_blanks_quotes_or_line_ends_are_quoted() {
        assert_eq!(quoted("plain/path:1"), "plain/path:1");
        assert_eq!(quoted(""), "\"\"");
        assert_eq!(quoted("can't"), "\"can't\"");
        assert_eq!(quoted("a\r\nb \"c\\"), r#""a\r\nb \"c\\""#);
    }

    fn record() -> Record {
        let fields = vec![("obj", Value::from("web")), ("err", Value::Null)];
        Record { level: "info", message: "starting web service".into(), fields }
    }

    #[test]
    fn logfmt_keeps_the_order_and_spells_a_missing_error_nil() {
        let line = record().line(Line::Logfmt);
        let (time, rest) = line.split_once(' ').unwrap();
        assert_eq!(rest, "lvl=info msg=\"starting web service\" obj=web err=nil\n");
        assert_eq!(time.len(), "t=2026-09-10T05:55:46+0100".len());
        assert!(!time[time.len() - 5..].contains(':'), "no colon in the offset: {time}");
    }

    #[test]
    fn json_is_one_object_in_utc_with_nanoseconds() {
        let value: Value = serde_json::from_str(&record().line(Line::Json)).unwrap();
        assert_eq!(value["msg"], "starting web service");
        assert_eq!(value["err"], "<nil>");
        let time = value["t"].as_str().unwrap();
        assert!(time.ends_with('Z') && time.len() == "2026-09-10T04:55:46.000000000Z".len());
    }
}
