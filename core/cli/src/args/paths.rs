//! `--config`, wherever it stands.
//!
//! A flag of every command may be given before and behind each of them, and all of its values count,
//! in their order. The parser keeps those of the last command only.

use std::{ffi::OsString, path::PathBuf};

/// The values of `--config` in a command line; `None` if they cannot be told from its text.
pub(crate) fn all(args: &[OsString]) -> Option<Vec<PathBuf>> {
    let words: Option<Vec<&str>> = args.iter().map(|arg| arg.to_str()).collect();
    Some(named(words?))
}

/// The same for the words of a line that is still being written.
pub(crate) fn named<'w>(words: impl IntoIterator<Item = &'w str>) -> Vec<PathBuf> {
    let mut values = Vec::new();
    let mut words = words.into_iter().take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        if word == "--config" {
            // Bash takes `--config=a.yml` for three words.
            values.extend(words.by_ref().find(|word| *word != "="));
        } else {
            values.extend(word.strip_prefix("--config="));
        }
    }
    let split = values.iter().flat_map(|value| value.split(','));
    split.filter(|path| !path.is_empty()).map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_in_each_of_the_ways() {
        let of = |words: &[&str]| named(words.iter().copied());
        let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(of(&["adit", "--config", "a,b", "start"]), paths(&["a", "b"]));
        assert_eq!(of(&["adit", "start", "--config=a", "x"]), paths(&["a"]));
        assert_eq!(of(&["adit", "start", "--config", "=", "a", "x"]), paths(&["a"]));
        assert_eq!(of(&["adit", "start", "--config"]), paths(&[]));
        assert_eq!(of(&["adit", "policy", "run", "--", "--config", "a"]), paths(&[]));
    }
}
