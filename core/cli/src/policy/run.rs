//! `adit policy run`: one request through a policy, or an endpoint in front of a service.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::{
    args::RunArgs,
    given::{Given, Subject},
    report,
    request::Request,
    stage::{Setting, Stage},
};
use crate::output::line;

/// Shows it one request, or the same one several times.
pub(super) fn request(args: &RunArgs) -> Result<()> {
    let (what, target) = subject(&args.what)?;
    let subject = Subject::open(&what, args.profile)?;
    let given = Given::of(&args.given, &subject)?;
    let request = Request::of(&args.request, &target)?;
    sees_http(&subject)?;
    let stage = Stage::new(&subject, &given, Setting::default())?;
    for n in 1..=args.times {
        let seen = stage.request(&request)?;
        if args.json {
            line(report::json(&seen));
            continue;
        }
        if n > 1 {
            line("");
        }
        line(format_args!("{} {}", request.method, request.target));
        line(report::text(&seen).trim_end());
    }
    Ok(())
}

/// Whether there is anything to call it for with a request.
pub(super) fn sees_http(subject: &Subject) -> Result<()> {
    if subject.contents.sees_http() {
        return Ok(());
    }
    bail!(
        "{} has no hook for requests, only {}; put it in front of a service: adit policy run -- \
         PORT",
        subject.name,
        subject.contents.hooks().join(", ")
    );
}

/// A component or a crate, and a target; each may be left out.
pub(super) fn subject(words: &[String]) -> Result<(PathBuf, String)> {
    let (here, root) = (PathBuf::from("."), "/".to_owned());
    match words {
        [] => Ok((here, root)),
        [what, target] => Ok((what.into(), target.clone())),
        [one] if is_policy(Path::new(one)) => Ok((one.into(), root)),
        [one] if one.starts_with('/') || one.contains("://") => Ok((here, one.clone())),
        [one, ..] => bail!(
            "{one} is neither a component, nor a crate's directory, nor a target such as /hello"
        ),
    }
}

/// `/` is a directory too, but nobody keeps a policy there.
fn is_policy(path: &Path) -> bool {
    path.is_file() || path.join("Cargo.toml").is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_is_a_policy_or_a_target() {
        let words = |words: &[&str]| {
            let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
            subject(&words).map(|(what, target)| (what.display().to_string(), target))
        };
        let is = |what: &str, target: &str| (what.to_owned(), target.to_owned());
        assert_eq!(words(&[]).unwrap(), is(".", "/"));
        assert_eq!(words(&["/"]).unwrap(), is(".", "/"));
        assert_eq!(words(&["/no/such/file?x"]).unwrap(), is(".", "/no/such/file?x"));
        let here = env!("CARGO_MANIFEST_DIR");
        assert_eq!(words(&[here]).unwrap(), is(here, "/"));
        assert_eq!(words(&["a.wasm", "/b"]).unwrap(), is("a.wasm", "/b"));
        assert!(words(&["nothing"]).unwrap_err().to_string().contains("neither a component"));
    }
}
