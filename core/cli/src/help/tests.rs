#![allow(clippy::unwrap_used)]

use super::*;

/// The help of a command, as it is printed.
fn page(persona: Persona, path: &[&str]) -> String {
    let mut args = vec![persona::name(persona)];
    args.extend(path);
    args.push("--help");
    let error = command(persona).term_width(WIDTH).try_get_matches_from(args).unwrap_err();
    error.render().to_string()
}

/// Every page that is not only about policies, which have their own.
const PAGES: &[&[&str]] = &[
    &[],
    &["http"],
    &["tcp"],
    &["tls"],
    &["start"],
    &["config"],
    &["config", "check"],
    &["config", "edit"],
    &["config", "add-authtoken"],
    &["config", "add-api-key"],
    &["config", "add-connect-url"],
    &["config", "upgrade"],
    &["config", "schema"],
    &["explain"],
    &["inspect"],
    &["inspect", "list"],
    &["inspect", "show"],
    &["inspect", "replay"],
    &["inspect", "export"],
    &["inspect", "tail"],
    &["inspect", "clear"],
    &["edge"],
    &["completion"],
    &["credits"],
    &["version"],
];

#[test]
fn pages_read_as_they_should() {
    for path in PAGES {
        let name = if path.is_empty() { "root".to_owned() } else { path.join("_") };
        insta::assert_snapshot!(name, page(Persona::Adit, path));
    }
    insta::assert_snapshot!("brief", brief(&command(Persona::Adit), Persona::Adit));
}

#[test]
fn every_page_fits_80_columns_and_shows_examples_before_flags() {
    for path in PAGES {
        for persona in [Persona::Adit, Persona::Ngrok] {
            let page = page(persona, path);
            let long = page.lines().find(|line| line.chars().count() > WIDTH);
            assert_eq!(long, None, "{path:?}");
            let brief = brief(&command(persona), persona);
            assert_eq!(brief.lines().find(|line| line.chars().count() > WIDTH), None);
            let (examples, options) = (page.find("Examples:"), page.find("Options:"));
            assert!(examples.is_none() || options.is_none() || examples < options, "{path:?}");
        }
    }
}

#[test]
fn examples_stand_as_they_are_written() {
    let mut commands = vec![command(Persona::Ngrok)];
    let mut n = 0;
    while let Some(command) = commands.pop() {
        commands.extend(command.get_subcommands().cloned());
        let Some(examples) = command.get_before_help().map(ToString::to_string) else { continue };
        let long = examples.lines().find(|line| line.chars().count() > WIDTH);
        assert_eq!(long, None, "{}", command.get_name());
        n += 1;
    }
    assert!(n > PAGES.len() / 2, "{n}");
}

#[test]
fn every_visible_command_is_on_the_first_page() {
    let command = command(Persona::Adit);
    let page = page(Persona::Adit, &[]);
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        let line = format!("\n  {:<12} ", sub.get_name());
        assert_eq!(page.matches(&line).count(), 1, "{}", sub.get_name());
    }
    for hidden in ["authtoken", "tunnel"] {
        assert!(!page.contains(&format!("\n  {hidden} ")));
    }
}

#[test]
fn the_drop_in_speaks_of_itself_by_its_own_name() {
    for path in [&[][..], &["http"], &["config", "check"]] {
        let page = page(Persona::Ngrok, path);
        assert!(page.contains("Usage: ngrok"), "{page}");
        assert!(!page.contains("adit http") && !page.contains("adit config"), "{page}");
    }
}

#[test]
fn deprecated_flags_are_not_shown() {
    let adit = page(Persona::Adit, &["http"]);
    for flag in ["--domain", "--hostname", "--subdomain", "--scheme", "--region", "--proxy-proto "]
    {
        assert!(!adit.contains(flag), "{flag}");
    }
    assert!(page(Persona::Adit, &["edge"]).contains("--domain <"));
    // What replaces these in the ngrok agent is their own business; here they are handlers.
    assert!(adit.contains("--basic-auth"));
    assert!(!page(Persona::Ngrok, &["http"]).contains("--basic-auth <"));
}
