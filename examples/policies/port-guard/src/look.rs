//! What protocols look like at their beginning.

use serde::Deserialize;

/// A protocol whose clients speak in a way that is easily told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Protocol {
    Postgres,
    Redis,
    Ssh,
    Tls,
}

/// What the first octets of a connection tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Right,
    TooShort,
    Wrong,
}

/// Octets after which every protocol here is told.
pub(crate) const MAX_LEN: usize = 8;

/// One octet that must be there, or any.
type Pattern = [Option<u8>];

const fn is(octet: u8) -> Option<u8> {
    Some(octet)
}
const ANY: Option<u8> = None;

/// `SSH-2.0-`, the only version that anybody should speak.
const SSH: &Pattern =
    &[is(b'S'), is(b'S'), is(b'H'), is(b'-'), is(b'2'), is(b'.'), is(b'0'), is(b'-')];
/// A record that carries a handshake, whose first message is a client's hello.
const TLS: &Pattern = &[is(0x16), is(3), ANY, ANY, ANY, is(1)];
/// A start-up message of less than 64 KiB, for version 3.0.
const POSTGRES: &Pattern = &[is(0), is(0), ANY, ANY, is(0), is(3), is(0), is(0)];
/// The question whether the server can do TLS.
const POSTGRES_TLS: &Pattern =
    &[is(0), is(0), is(0), is(8), is(0x04), is(0xd2), is(0x16), is(0x2f)];
/// An array, which is how clients send commands.
const REDIS: &Pattern = &[is(b'*')];

impl Protocol {
    /// Whether a connection that begins with these octets speaks it.
    pub(crate) fn look(self, seen: &[u8]) -> Look {
        let patterns: &[&Pattern] = match self {
            Self::Postgres => &[POSTGRES, POSTGRES_TLS],
            Self::Redis => &[REDIS],
            Self::Ssh => &[SSH],
            Self::Tls => &[TLS],
        };
        let fits = |pattern: &&&Pattern| {
            pattern.iter().zip(seen).all(|(wanted, octet)| wanted.is_none_or(|w| w == *octet))
        };
        match patterns.iter().find(fits) {
            None => Look::Wrong,
            Some(pattern) if seen.len() < pattern.len() => Look::TooShort,
            Some(_) => Look::Right,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told_from_the_others() {
        let begins: [(Protocol, &[u8]); 5] = [
            (Protocol::Postgres, &[0, 0, 0, 41, 0, 3, 0, 0, b'u']),
            (Protocol::Postgres, &[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]),
            (Protocol::Redis, b"*1\r\n$4\r\nPING\r\n"),
            (Protocol::Ssh, b"SSH-2.0-OpenSSH_9.9\r\n"),
            (Protocol::Tls, &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc]),
        ];
        for (protocol, octets) in begins {
            for other in [Protocol::Postgres, Protocol::Redis, Protocol::Ssh, Protocol::Tls] {
                let expected = if protocol == other { Look::Right } else { Look::Wrong };
                assert_eq!(other.look(octets), expected, "{octets:?} as {other:?}");
            }
            assert_eq!(protocol.look(&[]), Look::TooShort);
            assert_eq!(protocol.look(b"GET / HT"), Look::Wrong);
        }
        assert_eq!(Protocol::Ssh.look(b"SSH-1.5-"), Look::Wrong);
    }
}
