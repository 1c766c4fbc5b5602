//! What the program says about itself: examples first, then what there is, in groups.
//!
//! The arguments are declared beside what they mean (`args`); which group a flag is shown in, and
//! which examples come with a command, stands here, so that a page can be read as a whole.

mod groups;
mod root;

use adit_config::location::Persona;
use clap::{
    Arg, ArgAction, Command, CommandFactory,
    builder::{Resettable, StyledStr},
};

pub(crate) use self::root::brief;
use crate::{args::Cli, completion, deprecated, persona};

/// Of a command: what it is, how it is used, examples, flags.
const TEMPLATE: &str =
    "{about-with-newline}\n{usage-heading} {usage}\n\n{before-help}{all-args}{after-help}";

/// Columns that help fits in.
const WIDTH: usize = 80;

/// The whole command line, with its help.
pub(crate) fn command(persona: Persona) -> Command {
    let name = persona::name(persona);
    let version = Arg::new("version")
        .short('v')
        .long("version")
        .action(ArgAction::Version)
        .help("Print the version");
    let mut command = Cli::command()
        .name(name)
        .bin_name(name)
        .display_name(format!("{name} version"))
        .version(persona::version(persona))
        .max_term_width(WIDTH)
        .arg(version);
    for path in subcommands(&command) {
        command = command.mut_subcommand(&path, |sub| polish(sub, &path, persona));
    }
    let command = completion::with_values(command);
    let text = root::full(&command, persona);
    command.override_help(text)
}

fn subcommands(command: &Command) -> Vec<String> {
    command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect()
}

/// A command and those below it. `path` is its name behind those of the commands above.
fn polish(command: Command, path: &str, persona: Persona) -> Command {
    let mut command = command.help_template(TEMPLATE).mut_args(|arg| {
        let arg = match groups::heading(path, arg.get_id().as_str()) {
            Some(heading) => arg.help_heading(heading),
            None => arg,
        };
        let hidden = arg.get_long().is_some_and(|f| deprecated::is_hidden(path, f, persona));
        // Lists of values with a line each push the next flag off the screen.
        let hidden = hidden || arg.is_hide_set();
        let valued = arg.get_action().takes_values();
        let arg = arg.hide(hidden).hide_possible_values(valued);
        if arg.is_require_equals_set() {
            return arg.value_name("true|false").hide_default_value(true);
        }
        arg
    });
    let written = command.get_after_help().map(ToString::to_string);
    if let Some(examples) = groups::examples(path).map(str::to_owned).or(written) {
        let examples: StyledStr = called(persona, &examples).into();
        command = command.before_help(examples).after_help(Resettable::Reset);
    }
    for name in subcommands(&command) {
        let below = format!("{path} {name}");
        command = command.mut_subcommand(&name, |sub| polish(sub, &below, persona));
    }
    command
}

/// Examples under the name that the program was started as.
fn called(persona: Persona, text: &str) -> String {
    match persona {
        Persona::Adit => text.to_owned(),
        Persona::Ngrok => text.replace("adit ", "ngrok "),
    }
}

#[cfg(test)]
mod tests;
