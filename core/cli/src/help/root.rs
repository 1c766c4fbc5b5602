//! The first page: every command, in groups.

use std::fmt::Write;

use adit_config::location::Persona;
use clap::{Arg, Command};

use super::{WIDTH, called};
use crate::persona;

/// The commands, by what they are for. Those that are missing are not shown.
const GROUPS: &[(&str, &[&str])] = &[
    ("Endpoints", &["http", "tcp", "tls", "start", "inspect"]),
    ("Configuration", &["config", "explain"]),
    ("Your own edge", &["edge"]),
    ("Policies", &["policy"]),
    ("The program", &["completion", "credits", "version", "help"]),
];

const EXAMPLES: &str = "\
Examples:
  adit http 8080                          a local web service on a public URL
  adit http file:///srv/www               a directory
  adit tcp 22                             ssh, a database, anything
  adit tls 443 --terminate-at agent --crt c.pem --key k.pem
  adit start web db                       endpoints from the configuration file
  adit edge --domain tunnel.example.com   your own edge
  adit policy new key-limit               your own code on the path
";

/// Where the explanations start.
const COLUMN: usize = 15;
/// The same for flags.
const FLAG_COLUMN: usize = 28;

/// What is shown when nothing is asked for.
pub(crate) fn brief(command: &Command, persona: Persona) -> String {
    let name = persona::name(persona);
    let mut text = head(command, persona);
    let names = GROUPS.iter().flat_map(|(_, names)| names.iter());
    let known = names.filter(|n| **n == "help" || command.find_subcommand(n).is_some());
    let list = known.copied().collect::<Vec<_>>().join(", ");
    text.push_str("\nCommands:\n");
    row(&mut text, "", &list, 2);
    let _ = write!(
        text,
        "\n`{name} help` says what they are for; `{name} help COMMAND` says all about one.\n"
    );
    text
}

/// What `help` and `--help` show.
pub(super) fn full(command: &Command, persona: Persona) -> String {
    let name = persona::name(persona);
    let mut text = head(command, persona);
    for (group, names) in GROUPS {
        let _ = write!(text, "\n{group}:\n");
        for name in *names {
            let about = match command.find_subcommand(name) {
                Some(sub) => sub.get_about().map(ToString::to_string).unwrap_or_default(),
                None if *name == "help" => "Say all about a command".to_owned(),
                None => continue,
            };
            row(&mut text, name, about.trim_end_matches('.'), COLUMN);
        }
    }
    text.push_str("\nFlags of every command:\n");
    let flags = command.get_arguments().filter(|arg| arg.get_long().is_some());
    for arg in flags.filter(|arg| arg.is_global_set()) {
        row(&mut text, &flag(arg), &help_of(arg), FLAG_COLUMN);
    }
    row(&mut text, "-h, --help", "Print help", FLAG_COLUMN);
    row(&mut text, "-v, --version", "Print the version (without a command)", FLAG_COLUMN);
    let _ = write!(text, "\n`{name} help COMMAND` says all about a command.");
    text
}

fn head(command: &Command, persona: Persona) -> String {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let name = persona::name(persona);
    let examples = called(persona, EXAMPLES);
    format!("{about}\n\nUsage: {name} <COMMAND> [FLAGS]\n\n{examples}")
}

fn flag(arg: &Arg) -> String {
    let value = arg.get_value_names().and_then(|names| names.first());
    let value = value.map(|value| format!(" <{value}>")).unwrap_or_default();
    format!("    --{}{value}", arg.get_long().unwrap_or_default())
}

fn help_of(arg: &Arg) -> String {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    help.trim_end_matches('.').to_owned()
}

/// A name and what it is, on as many lines as fit.
fn row(text: &mut String, name: &str, about: &str, column: usize) {
    let mut line = format!("  {name:<width$}", width = column - 2);
    for word in about.split(' ') {
        if line.chars().count() + word.chars().count() > WIDTH {
            text.push_str(line.trim_end());
            text.push('\n');
            line = " ".repeat(column);
        }
        line.push_str(word);
        line.push(' ');
    }
    text.push_str(line.trim_end());
    text.push('\n');
}
