//! From the path of a URL to names below a directory.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// What a segment of a URL path cannot hold as it is. Everything that some client might take for
/// syntax is encoded, not only what RFC 3986 asks for.
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'&')
    .add(b'\'')
    .add(b'/')
    .add(b':')
    .add(b';')
    .add(b'<')
    .add(b'=')
    .add(b'>')
    .add(b'?')
    .add(b'@')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Most segments of a path; a guard against work, far above any real tree.
const MAX_SEGMENTS: usize = 256;

/// What a URL path names: decoded segments, none of which can lead out of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    segments: Vec<OsString>,
    /// Whether the path ended in a slash: it means a directory.
    pub(super) wants_dir: bool,
}

impl Target {
    /// Reads a URL path. `None` if it is none that can name a file here: `..`, an encoded slash, a
    /// backslash, a NUL, on Windows also a colon.
    ///
    /// Segments are split before they are decoded, so that `%2f` never becomes a separator.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let wants_dir = path.ends_with('/') || path.is_empty();
        let written = path.split('/').filter(|s| !s.is_empty());
        let segments: Vec<OsString> = written.map(segment).collect::<Option<_>>()?;
        (segments.len() <= MAX_SEGMENTS).then_some(Self { segments, wants_dir })
    }

    /// The place below `root`.
    pub(super) fn below(&self, root: &Path) -> PathBuf {
        let mut path = root.to_owned();
        path.extend(&self.segments);
        path
    }

    /// Whether it is the root itself.
    pub(super) fn is_root(&self) -> bool {
        self.segments.is_empty()
    }

    /// The path with its segments, encoded afresh, and a slash at the end. Begins with exactly one
    /// slash: a `Location` that began with two would lead to another host.
    pub(super) fn dir_path(&self) -> String {
        let encoded = self.segments.iter().map(|s| encode(&s.to_string_lossy()) + "/");
        std::iter::once("/".to_owned()).chain(encoded).collect()
    }

    /// The path as people read it.
    pub(super) fn display(&self) -> String {
        let shown = self.segments.iter().map(|s| s.to_string_lossy().into_owned() + "/");
        std::iter::once("/".to_owned()).chain(shown).collect()
    }
}

/// A name as one segment of a URL path.
pub(super) fn encode(name: &str) -> String {
    utf8_percent_encode(name, SEGMENT).to_string()
}

fn segment(written: &str) -> Option<OsString> {
    let decoded: Vec<u8> = percent_decode_str(written).collect();
    let leads_away = |b: &u8| matches!(b, b'/' | b'\\' | 0) || (cfg!(windows) && *b == b':');
    if decoded == b"." || decoded == b".." || decoded.iter().any(leads_away) {
        return None;
    }
    os_string(decoded)
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems cannot hold every name")]
fn os_string(bytes: Vec<u8>) -> Option<OsString> {
    use std::os::unix::ffi::OsStringExt;
    Some(OsString::from_vec(bytes))
}

#[cfg(not(unix))]
fn os_string(bytes: Vec<u8>) -> Option<OsString> {
    String::from_utf8(bytes).ok().map(OsString::from)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn below(path: &str) -> Option<PathBuf> {
        Target::parse(path).map(|t| t.below(Path::new("/r")))
    }

    #[test]
    fn segments_are_decoded_after_they_are_split() {
        assert_eq!(below("/a%20b/c.txt"), Some("/r/a b/c.txt".into()));
        assert_eq!(below("//a///b"), Some("/r/a/b".into()));
        assert_eq!(below("/%252e%252e"), Some("/r/%2e%2e".into()));
        assert_eq!(below("/..."), Some("/r/...".into()));
        assert_eq!(below("/a%zz"), Some("/r/a%zz".into()));
    }

    #[test]
    fn whatever_could_lead_out_is_no_target() {
        for path in [
            "/..",
            "/../etc/passwd",
            "/a/../../b",
            "/%2e%2e/x",
            "/.%2E/x",
            "/.",
            "/a%2fb",
            "/..%2f..%2fetc",
            "/a\\..\\b",
            "/%5c..%5cb",
            "/a%00.txt",
        ] {
            assert_eq!(below(path), None, "{path}");
        }
        assert_eq!(below(&"/a".repeat(MAX_SEGMENTS + 1)), None);
    }

    #[test]
    fn a_directory_path_begins_with_one_slash_and_is_encoded() {
        let target = Target::parse("//evil.example/a b?").unwrap();
        assert_eq!(target.dir_path(), "/evil.example/a%20b%3F/");
        assert!(Target::parse("").unwrap().is_root());
        assert_eq!(Target::parse("/").unwrap().dir_path(), "/");
    }
}
