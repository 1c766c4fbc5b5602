//! Where the body of an HTTP/1 message ends, found while its bytes pass.
//!
//! Fact: RFC 9112, sections 6 and 7.

use std::ops::Range;

use http::{HeaderMap, HeaderName, HeaderValue};

/// Bytes of the line that begins a chunk, and of all trailers together.
///
/// Reason: a size and a short extension, and a few headers; what is longer is an attempt.
const MAX_LINE: usize = 16 * 1024;

/// How a body is framed, and how much of it has passed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// All of it has passed, or there is none.
    Done,
    /// So many bytes are still to come.
    Length(u64),
    /// Chunks.
    Chunked(Chunks),
    /// Everything until the end of the connection.
    UntilClose,
}

/// A chunked body that is passing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Chunks {
    at: At,
    /// Of a line that arrived in part; of the trailers, all lines.
    line: Vec<u8>,
    trailers: Option<HeaderMap>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    /// In the line with a chunk's size.
    #[default]
    Size,
    /// In a chunk, of which so many bytes are to come.
    Data(u64),
    /// In the line end behind a chunk.
    DataEnd,
    /// Behind the last chunk.
    Trailers,
}

/// What was sent breaks the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken;

impl Framing {
    /// Whether the message is whole.
    pub(super) fn is_done(&self) -> bool {
        *self == Self::Done
    }

    /// Goes over bytes that come next. Tells which of them are the body's, and returns how many
    /// belong to the message.
    pub(super) fn scan(
        &mut self,
        bytes: &[u8],
        mut data: impl FnMut(Range<usize>),
    ) -> Result<Scanned, Broken> {
        let mut trailers = None;
        let len = match self {
            _ if bytes.is_empty() => 0,
            Self::Done => 0,
            Self::Length(left) => {
                let n = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                *left -= n as u64;
                data(0..n);
                if *left == 0 {
                    *self = Self::Done;
                }
                n
            }
            Self::Chunked(chunks) => {
                let (n, is_done) = chunks.scan(bytes, data)?;
                if is_done {
                    trailers = chunks.trailers.take();
                    *self = Self::Done;
                }
                n
            }
            Self::UntilClose => {
                data(0..bytes.len());
                bytes.len()
            }
        };
        Ok(Scanned { len, trailers })
    }
}

/// What was found in some bytes.
pub(super) struct Scanned {
    /// How many of them belong to the message.
    pub(super) len: usize,
    /// What came behind the body, if it ended here.
    pub(super) trailers: Option<HeaderMap>,
}

impl Chunks {
    /// How many bytes belong to the body, and whether that is all of it.
    fn scan(
        &mut self,
        bytes: &[u8],
        mut data: impl FnMut(Range<usize>),
    ) -> Result<(usize, bool), Broken> {
        let mut i = 0;
        while i < bytes.len() {
            match self.at {
                At::Size => {
                    let Some(end) = self.line_end(&bytes[i..])? else {
                        return Ok((bytes.len(), false));
                    };
                    let size = self.size(&bytes[i..i + end])?;
                    i += end;
                    self.at = if size == 0 { At::Trailers } else { At::Data(size) };
                }
                At::Data(left) => {
                    let rest = bytes.len() - i;
                    let n = usize::try_from(left).map_or(rest, |left| left.min(rest));
                    data(i..i + n);
                    i += n;
                    let left = left - n as u64;
                    self.at = if left == 0 { At::DataEnd } else { At::Data(left) };
                }
                At::DataEnd => {
                    let Some(end) = self.line_end(&bytes[i..])? else {
                        return Ok((bytes.len(), false));
                    };
                    self.line.extend_from_slice(&bytes[i..i + end]);
                    if self.line != b"\r\n" {
                        return Err(Broken);
                    }
                    self.line.clear();
                    i += end;
                    self.at = At::Size;
                }
                At::Trailers => {
                    let Some(end) = self.trailers_end(&bytes[i..])? else {
                        return Ok((bytes.len(), false));
                    };
                    return Ok((i + end, true));
                }
            }
        }
        Ok((i, false))
    }

    /// Where the line ends, if it does; else keeps what there is of it.
    fn line_end(&mut self, bytes: &[u8]) -> Result<Option<usize>, Broken> {
        let end = bytes.iter().position(|byte| *byte == b'\n').map(|i| i + 1);
        if self.line.len() + end.unwrap_or(bytes.len()) > MAX_LINE {
            return Err(Broken);
        }
        if end.is_none() {
            self.line.extend_from_slice(bytes);
        }
        Ok(end)
    }

    /// The size of a chunk, from the end of its line.
    fn size(&mut self, rest: &[u8]) -> Result<u64, Broken> {
        let kept;
        let line = if self.line.is_empty() {
            rest
        } else {
            self.line.extend_from_slice(rest);
            kept = std::mem::take(&mut self.line);
            &kept
        };
        let line = line.strip_suffix(b"\r\n").ok_or(Broken)?;
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let (digits, extension) = line.split_at(digits);
        // More digits than a length can have, none, or something else than an extension behind.
        let is_fine = (1..=15).contains(&digits.len())
            && matches!(extension.trim_ascii_start().first(), None | Some(b';'))
            && !extension.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t');
        if !is_fine {
            return Err(Broken);
        }
        Ok(digits.iter().fold(0, |size, digit| {
            size << 4 | u64::from(char::from(*digit).to_digit(16).unwrap_or(0))
        }))
    }

    /// Where the trailers end, with the blank line behind them.
    fn trailers_end(&mut self, bytes: &[u8]) -> Result<Option<usize>, Broken> {
        let before = self.line.len();
        let room = MAX_LINE - before;
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if self.line.starts_with(b"\r\n") {
            return Ok(Some(2 - before));
        }
        let from = before.saturating_sub(3);
        let Some(found) = self.line[from..].windows(4).position(|four| four == b"\r\n\r\n") else {
            return if self.line.len() == MAX_LINE { Err(Broken) } else { Ok(None) };
        };
        let end = from + found + 4;
        self.trailers = Some(headers(&self.line[..end])?);
        Ok(Some(end - before))
    }
}

/// Reads lines of headers with the blank one behind them.
fn headers(lines: &[u8]) -> Result<HeaderMap, Broken> {
    let mut parsed = [httparse::EMPTY_HEADER; crate::limits::MAX_HEADERS];
    let Ok(httparse::Status::Complete((_, found))) = httparse::parse_headers(lines, &mut parsed)
    else {
        return Err(Broken);
    };
    let mut map = HeaderMap::with_capacity(found.len());
    for line in found {
        let name = HeaderName::from_bytes(line.name.as_bytes()).map_err(|_| Broken)?;
        map.append(name, HeaderValue::from_bytes(line.value).map_err(|_| Broken)?);
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Passes bytes in pieces: the body, how many bytes belonged to the message, its trailers.
    fn pass(
        framing: &mut Framing,
        pieces: &[&[u8]],
    ) -> Result<(Vec<u8>, usize, Option<HeaderMap>), Broken> {
        let (mut body, mut n, mut trailers) = (Vec::new(), 0, None);
        for piece in pieces {
            let scanned = framing.scan(piece, |range| body.extend_from_slice(&piece[range]))?;
            n += scanned.len;
            trailers = trailers.or(scanned.trailers);
        }
        Ok((body, n, trailers))
    }

    const CHUNKED: &[u8] =
        b"5\r\nhello\r\n1;name=value\r\n \r\n00000a\r\n0123456789\r\n0\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\nGET /";

    #[test]
    fn chunks_are_found_however_they_are_cut() {
        let len = CHUNKED.len() - 5;
        for first in 0..len {
            for second in first..len {
                let mut framing = Framing::Chunked(Chunks::default());
                let pieces = [&CHUNKED[..first], &CHUNKED[first..second], &CHUNKED[second..]];
                let (body, n, trailers) = pass(&mut framing, &pieces).unwrap();
                assert_eq!((&*body, n), (&b"hello 0123456789"[..], len), "{first} {second}");
                let sums: Vec<_> = trailers.unwrap().get_all("x-sum").iter().cloned().collect();
                assert_eq!(sums, ["1", "2"]);
                assert!(framing.is_done());
            }
        }
    }

    #[test]
    fn a_chunked_body_without_trailers_ends_with_a_blank_line() {
        let body = b"0\r\n\r\nrest";
        for cut in 0..body.len() {
            let mut framing = Framing::Chunked(Chunks::default());
            let (data, n, trailers) = pass(&mut framing, &[&body[..cut], &body[cut..]]).unwrap();
            assert_eq!((data.len(), n, trailers), (0, 5, None), "{cut}");
            assert!(framing.is_done());
        }
    }

    #[test]
    fn what_two_servers_could_read_differently_is_broken() {
        for wrong in [
            "x\r\n",
            "\r\n",
            "5\nhello\r\n",
            "5\r\nhellox\r\n",
            "5\r\nhello\n0\r\n\r\n",
            "-1\r\n",
            "0x5\r\nhello\r\n",
            "1234567890123456\r\n",
            "5,\r\nhello\r\n",
            "5 5\r\nhello\r\n",
            "5 a=b\r\nhello\r\n",
            "5;a\rb\r\nhello\r\n",
            "5;a\0b\r\nhello\r\n",
            "0\r\nno colon\r\n\r\n",
        ] {
            let mut framing = Framing::Chunked(Chunks::default());
            assert_eq!(pass(&mut framing, &[wrong.as_bytes()]).err(), Some(Broken), "{wrong:?}");
        }
        let mut framing = Framing::Chunked(Chunks::default());
        let endless = vec![b'1'; MAX_LINE + 1];
        assert_eq!(pass(&mut framing, &[&endless]).err(), Some(Broken));
        let mut framing = Framing::Chunked(Chunks::default());
        let trailers = [&b"0\r\n"[..], &vec![b'a'; MAX_LINE + 1]].concat();
        assert_eq!(pass(&mut framing, &[&trailers]).err(), Some(Broken));
    }

    #[test]
    fn a_length_ends_where_it_says_and_a_close_never() {
        let mut framing = Framing::Length(5);
        let (body, n, _) = pass(&mut framing, &[b"he", b"llo!"]).unwrap();
        assert_eq!((&*body, n, framing.is_done()), (&b"hello"[..], 5, true));
        let mut framing = Framing::UntilClose;
        let (body, n, _) = pass(&mut framing, &[b"he", b"llo!"]).unwrap();
        assert_eq!((&*body, n, framing.is_done()), (&b"hello!"[..], 6, false));
    }
}
