//! A policy that misbehaves as its configuration says: `{"deed": "spin", "hook": "on_request"}`.
//! In every other hook it does nothing.

use std::hint::black_box;

use adit_policy_sdk::prelude::*;

/// What it does, and where.
#[derive(Deserialize)]
struct Config {
    deed: Deed,
    hook: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Deed {
    /// Nothing.
    Nothing,
    /// Never ends.
    Spin,
    /// Asks for memory until there is none.
    Hoard,
    /// Calls itself until the stack ends.
    Recurse,
    /// Calls the host without end.
    Storm,
    /// Writes ten thousand records.
    Chatter,
    /// Panics.
    Panic,
    /// Answers with a header value of a hundred thousand octets.
    LongHeader,
    /// Answers with a second response in a header.
    Split,
    /// Answers with a header name that is none.
    BadName,
    /// Answers with octets that are no text, where text may stand.
    Octets,
    /// Answers with a status that there is not.
    BadStatus,
    /// Answers with eight megabytes.
    LongBody,
    /// Edits the head, then panics.
    HalfDone,
    /// Tries what only the agent may set.
    Framing,
}

struct Hostile(Config);

#[policy]
impl Hostile {
    fn configure(config: Config) -> Result<Self> {
        let mut policy = Self(config);
        policy.act("configure");
        Ok(policy)
    }

    fn on_connection(&mut self, _: &Connection) {
        self.act("on_connection");
    }

    fn on_request(&mut self, _: &Connection, req: &mut Request) -> Verdict {
        if self.0.hook == "on_request_body" {
            req.await_body(1024);
        } else if self.0.hook == "on_request_chunk" {
            req.watch_body();
        }
        if self.0.hook != "on_request" {
            return Verdict::Next;
        }
        match self.0.deed {
            Deed::HalfDone => {
                req.set_header("x-half", "done");
                req.set_target("/elsewhere");
                panic!("half-way");
            }
            Deed::Framing => {
                let tried = [
                    req.try_set_header("content-length", "0"),
                    req.try_set_header("transfer-encoding", "chunked"),
                    req.try_set_header("x-split", "a\r\nx-injected: yes"),
                    req.try_set_header("x bad", "name"),
                ];
                let refused = tried.iter().filter(|tried| tried.is_err()).count();
                return Verdict::respond(Reply::new(200).text(format!("{refused} refused")));
            }
            _ => {}
        }
        self.answer("on_request")
    }

    fn on_request_body(&mut self, _: &mut Request, _: &[u8], _: bool) {
        self.act("on_request_body");
    }

    fn on_request_chunk(&mut self, _: &Request, _: &[u8], _: bool) {
        self.act("on_request_chunk");
    }

    fn on_response(&mut self, _: &Request, resp: &mut Response) -> Verdict {
        if self.0.hook == "on_response_body" {
            resp.await_body(1024);
        } else if self.0.hook == "on_response_chunk" {
            resp.watch_body();
        }
        self.answer("on_response")
    }

    fn on_response_body(&mut self, _: &Request, _: &mut Response, _: &[u8], _: bool) {
        self.act("on_response_body");
    }

    fn on_response_chunk(&mut self, _: &Request, _: &Response, _: &[u8], _: bool) {
        self.act("on_response_chunk");
    }

    fn on_finish(&mut self, _: &Connection, _: &Request, _: &Outcome) {
        self.act("on_finish");
    }

    fn on_close(&mut self, _: &Connection, _: &Outcome) {
        self.act("on_close");
    }
}

impl Hostile {
    /// Misbehaves, if this is the place.
    fn act(&mut self, hook: &str) {
        if self.0.hook != hook {
            return;
        }
        match self.0.deed {
            Deed::Spin => loop {
                black_box(0);
            },
            Deed::Hoard => {
                let mut all = Vec::new();
                loop {
                    all.push(black_box(vec![1_u8; 1 << 20]));
                }
            }
            Deed::Recurse => {
                black_box(deeper(0));
            }
            Deed::Storm => loop {
                black_box(clock::monotonic());
            },
            Deed::Chatter => {
                for n in 0..10_000 {
                    log::error!("record {n}: {}", "x".repeat(100));
                }
            }
            Deed::Panic => panic!("told to"),
            _ => {}
        }
    }

    /// Misbehaves in what it says.
    fn answer(&mut self, hook: &str) -> Verdict {
        self.act(hook);
        if self.0.hook != hook {
            return Verdict::Next;
        }
        let ok = Reply::new(200);
        Verdict::respond(match self.0.deed {
            Deed::LongHeader => ok.header("x-long", "x".repeat(100_000)),
            Deed::Split => ok.header("x-split", "a\r\n\r\nHTTP/1.1 200 OK\r\nx-injected: yes"),
            Deed::BadName => ok.header("x bad\r\nx-injected", "yes"),
            Deed::Octets => ok.header("x-octets", [0xff, 0xfe, 0x80].as_slice()).body([0xff; 4]),
            Deed::BadStatus => Reply::new(700),
            Deed::LongBody => ok.body(vec![b'x'; 8 << 20]),
            _ => return Verdict::Next,
        })
    }
}

/// Uses stack that the compiler cannot take away.
#[expect(unconditional_recursion, reason = "that is its purpose")]
fn deeper(n: u64) -> u64 {
    let frame = black_box([n; 64]);
    deeper(frame[(n % 64) as usize] + 1) + black_box(frame[0])
}
