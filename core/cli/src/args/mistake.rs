//! What is wrong with a command line, in a line that says what to write instead.

use std::ffi::OsString;

use clap::{
    CommandFactory,
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::Cli;

/// Whether a command line asks for help or for the version, and does not only look so: `-hostname`
/// begins with `-h`.
pub fn asks(error: &clap::Error, args: &[OsString]) -> bool {
    match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => true,
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            taken_for(error, &words(args)).is_none()
        }
        _ => false,
    }
}

/// What is wrong with a command line, on one line. `args` are its words, the program's name first.
pub fn describe(error: &clap::Error, args: &[OsString]) -> String {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        // The best one is the last.
        Some(ContextValue::Strings(texts)) => texts.last().cloned(),
        _ => None,
    };
    let words = words(args);
    let arg = context(ContextKind::InvalidArg);
    let similar = context(ContextKind::SuggestedArg).or(context(ContextKind::SuggestedSubcommand));
    if let Some(text) = taken_for(error, &words) {
        return text;
    }
    let what = match (error.kind(), arg, context(ContextKind::InvalidSubcommand)) {
        (ErrorKind::UnknownArgument, Some(arg), _) => {
            if let Some(text) = one_hyphen(&arg, &words).or_else(|| apart(&arg, &words)) {
                return text;
            }
            format!("unknown flag or argument {arg}")
        }
        (ErrorKind::InvalidSubcommand, _, Some(name)) => format!("unknown command {name}"),
        (ErrorKind::MissingSubcommand, ..) => "no command was given".to_owned(),
        _ => {
            let text = error.render().to_string();
            let text = text.strip_prefix("error: ").unwrap_or(&text);
            let text = text.split("\n\n").next().unwrap_or_default();
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        }
    };
    match similar {
        Some(similar) => format!("{what}; did you mean {similar}?"),
        None => format!("{what}; see {} --help", command(&words)),
    }
}

fn words(args: &[OsString]) -> Vec<&str> {
    args.iter().filter_map(|arg| arg.to_str()).collect()
}

/// What was meant by a word that the parser took for `-h` or `-v`.
fn taken_for(error: &clap::Error, words: &[&str]) -> Option<String> {
    match error.kind() {
        ErrorKind::DisplayHelp => one_hyphen("-h", words),
        ErrorKind::DisplayVersion => one_hyphen("-v", words),
        _ => None,
    }
}

/// `-log=stdout`, as the agents before version 3 were called. The value may be a secret.
fn one_hyphen(arg: &str, words: &[&str]) -> Option<String> {
    let is_short = arg.chars().count() == 2 && arg.starts_with('-');
    let word = words.iter().find(|word| is_short && word.starts_with(arg) && word.len() > 2)?;
    let flag = word.split('=').next().unwrap_or_default();
    let is_name = |c: char| c.is_ascii_lowercase() || c == '-';
    flag.chars()
        .all(is_name)
        .then(|| format!("unknown flag {flag}; write -{flag}, with two hyphens"))
}

/// `--inspect false`: the value of a switch stands behind an equals sign.
fn apart(arg: &str, words: &[&str]) -> Option<String> {
    let at = words.iter().rposition(|word| *word == arg)?;
    let flag = words[..at].last().filter(|flag| flag.starts_with("--") && !flag.contains('='))?;
    matches!(arg, "true" | "false").then(|| format!("unknown argument {arg}; write {flag}={arg}"))
}

/// The command that was meant, as far as its name was understood.
fn command(words: &[&str]) -> String {
    let (mut command, mut name) = (Cli::command(), "adit".to_owned());
    for word in words.iter().skip(1) {
        if let Some(sub) = command.find_subcommand(word) {
            name = format!("{name} {}", sub.get_name());
            command = sub.clone();
        }
    }
    name
}
