//! Exchanges that pass as they are and those that are served in full come to the same, for the
//! visitor and for whoever watches, however their bytes are cut.

use std::{collections::VecDeque, net::Ipv4Addr, pin::pin};

use adit_chain::Needs;
use adit_net::{Io, Rewind};
use parking_lot::Mutex;
use tokio::{task::yield_now, time::timeout};

use super::{
    super::handling::at_request,
    scripted::{End, Line, Service},
    *,
};
use crate::{ForwardCx, Live, forward_live, rig::PATIENCE};

/// Exchanges of one connection: what the visitor says at once, and for each request what the
/// service hears at its end, what it answers, and whether it leaves then.
type Case = (&'static str, &'static [Answer]);
type Answer = (&'static str, &'static str, bool);

const PUT: &str = "PUT /p HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello";
const CHUNKED: &str = "POST /c HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n\
    2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\nx-sum: 5\r\n\r\n";
const HEAD: &str = "HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n";
const END: &str = "\r\n\r\n";
const EMPTY: &str = "HTTP/1.1 204 No Content\r\nx-a: 1\r\n\r\n";
const CHUNKS: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-end\r\n\r\n\
    2;q=1\r\nok\r\n0a\r\n0123456789\r\n0\r\nx-end: 1\r\n\r\n";

const CASES: &[Case] = &[
    (GET, &[(END, OK, false)]),
    (GET, &[(END, CHUNKS, false)]),
    (GET, &[(END, "HTTP/1.1 200 OK\r\nx-a: 1\r\n\r\nto the end", true)]),
    (GET, &[(END, "HTTP/1.0 200 Fine\r\ncontent-length: 2\r\n\r\nok", true)]),
    (GET, &[(END, "HTTP/1.0 200 Fine\r\n\r\nto the end", true)]),
    (GET, &[(END, "HTTP/1.1 304 Not Modified\r\netag: \"a\"\r\n\r\n", false)]),
    (GET, &[(END, "HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nok", false)]),
    (GET, &[(END, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok and more", false)]),
    (GET, &[(END, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok", true)]),
    (GET, &[(END, "HTTP/1.1 200 OK\r\nngrok-error-code: X\r\ncontent-length: 2\r\n\r\nok", false)]),
    (
        GET,
        &[(
            END,
            "HTTP/1.1 103 Hint\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
            false,
        )],
    ),
    (GET, &[(END, "HTTP/1.1 200 OK\nx-a: 1\ncontent-length: 2\n\nok", false)]),
    (GET, &[(END, "SSH-2.0-server\r\n\r\n", false)]),
    (
        GET,
        &[(
            END,
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
            false,
        )],
    ),
    (GET, &[(END, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok", false)]),
    (GET, &[(END, "HTTP/1.1 200 O", true)]),
    (GET, &[(END, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok", true)]),
    (GET, &[(END, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n", true)]),
    (
        GET,
        &[(END, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n", false)],
    ),
    (GET, &[(END, "HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\nok", false)]),
    (GET, &[(END, "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nto the end", true)]),
    (GET, &[(END, "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", true)]),
    (GET, &[(END, "HTTP/1.1 200 OK\r\nkeep-alive: timeout=5\r\ncontent-length: 0\r\n\r\n", false)]),
    (GET, &[(END, "HTTP/1.1 200 OK\r\nx-a : 1\r\ncontent-length: 0\r\n\r\n", false)]),
    (GET, &[(END, "HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n", false)]),
    (GET, &[(END, "\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", false)]),
    (GET, &[(END, "", true)]),
    (HEAD, &[(END, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", false)]),
    (HEAD, &[(END, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", false)]),
    (PUT, &[("hello", EMPTY, false)]),
    (PUT, &[("hell", EMPTY, false)]),
    (CHUNKED, &[("x-sum: 5\r\n\r\n", CHUNKS, false)]),
    ("POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", &[]),
    ("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n", &[(END, OK, false)]),
    ("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n", &[(END, CHUNKS, false)]),
    ("GET / HTTP/1.0\r\nHost: a.test\r\n\r\n", &[(END, CHUNKS, false)]),
    ("GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n", &[]),
    ("\r\nGET /x#y HTTP/1.1\r\nHost: a.test\r\n\r\n", &[(END, OK, false)]),
    (
        "PUT /1 HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nheHEAD /2 HTTP/1.1\r\n\
         Host: a.test\r\n\r\nGET /3 HTTP/1.1\r\nHost: a.test\r\n\r\n",
        &[
            ("\r\n\r\nhe", CHUNKS, false),
            (END, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", false),
            (END, OK, false),
        ],
    ),
    (
        "GET /1 HTTP/1.1\r\nHost: a.test\r\n\r\nGET /2 HTTP/1.1\r\nHost: a.test\r\n\r\n",
        &[(END, OK, true), (END, EMPTY, false)],
    ),
    (
        "GET /1 HTTP/1.1\r\nHost: a.test\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a.test\r\n\
         Content-Length: 2\r\n\r\nhe",
        &[(END, OK, true), ("\r\n\r\nhe", EMPTY, false)],
    ),
    (
        "GET /1 HTTP/1.1\r\nHost: a.test\r\n\r\nGET /2 HTTP/1.1\r\nHost: a.test\r\n\
         Upgrade: x\r\nConnection: upgrade\r\n\r\n",
        &[(END, OK, false), (END, CHUNKS, false)],
    ),
];

/// What came of a case.
#[derive(Debug, PartialEq, Eq)]
struct Came {
    /// Each answer: its status, headers and body. How much passes of one that breaks off is open.
    answers: Vec<(String, Vec<String>, String)>,
    /// What was noted of each exchange.
    noted: Vec<Vec<String>>,
}

#[derive(Clone, Copy, Debug)]
enum How {
    Full,
    Verbatim { is_pipe: bool },
}

/// How bytes are cut into pieces.
#[derive(Clone, Copy, Debug)]
enum Cut {
    Not,
    At(usize),
    /// What the service says, byte by byte.
    Answers,
}

fn cut(text: &str, at: usize) -> impl Iterator<Item = Bytes> {
    let bytes = Bytes::copy_from_slice(text.as_bytes());
    let rest = bytes.slice(at.min(bytes.len())..);
    [bytes.slice(..bytes.len() - rest.len()), rest].into_iter().filter(|piece| !piece.is_empty())
}

async fn play(asks: &str, answers: &[Answer], by: Cut, how: How) -> Came {
    let at = if let Cut::At(at) = by { at } else { usize::MAX };
    let script = answers.iter().map(|(heard, says, leaves)| Line {
        heard,
        pieces: match by {
            Cut::Answers => says.bytes().map(|byte| Bytes::from(vec![byte])).collect(),
            Cut::At(_) | Cut::Not => cut(says, at).collect(),
        },
        leaves: *leaves,
    });
    let upstream: Arc<dyn Upstream> =
        Arc::new(Service(Arc::new(Mutex::new(script.collect::<VecDeque<_>>()))));
    let (tell, mut told) = mpsc::channel(8);
    let tap: Option<Arc<dyn Tap>> = Some(Arc::new(Notebook(tell)));
    let options = RouteOptions { tap, ..RouteOptions::new(Side::Agent) };
    let links = match how {
        How::Full => vec![at_request(Needs::REQUEST_HEAD, |_| adit_chain::OnRequest::Next)],
        How::Verbatim { .. } => Vec::new(),
    };
    let endpoint = endpoint("a.test", Protocol::Http);
    let live = Arc::new(Live::new(Route::new(endpoint, Chain::new(links), upstream, options)));
    let (route, cx) = (live.route(), ForwardCx::default());
    let addr = (Ipv4Addr::LOCALHOST, 1).into();
    let conn = Arc::new(Conn::new(addr, addr, Arc::clone(&route.endpoint)));
    let end = End::visitor(cut(asks, at).collect());
    let heard = Arc::clone(&end.heard);
    let io = match how {
        How::Verbatim { is_pipe: false } => Io::other(end),
        How::Full | How::Verbatim { is_pipe: true } => Io::pipe(end),
    };
    let stop = cx.stop.clone();
    let asked = asks.matches(" HTTP/1.").count();
    let mut forwarding = pin!(forward_live(conn, Rewind::new(io), route, live, &cx));
    let (mut noted, mut n_turns) = (Vec::new(), 0);
    let going = async {
        loop {
            tokio::select! {
                _ = &mut forwarding => break,
                Some(lines) = told.recv() => noted.push(essence(&lines)),
                // The last answer is noted before it has gone out.
                () = yield_now(), if noted.len() == asked => {
                    n_turns += 1;
                    if n_turns == 100 {
                        stop.drain.cancel();
                    }
                }
            }
        }
    };
    assert!(timeout(PATIENCE, going).await.is_ok(), "{how:?}, {by:?} hangs: {asks} {answers:?}");
    while let Ok(lines) = told.try_recv() {
        noted.push(essence(&lines));
    }
    let heard = std::mem::take(&mut *heard.lock());
    let mut answers = parse(&String::from_utf8(heard).unwrap(), asks);
    let breaks =
        |lines: &Vec<String>| lines.iter().any(|line| line == "end Some(200) bad-response");
    answers.truncate(noted.iter().position(breaks).unwrap_or(answers.len()));
    Came { answers, noted }
}

/// What was noted, but for what tells how it was served and in which pieces.
fn essence(lines: &[String]) -> Vec<String> {
    let mut all = Vec::<String>::new();
    for line in lines {
        let is_data = |line: &str| line.starts_with("> ") && !line.starts_with("> end");
        match all.last_mut() {
            _ if line.starts_with("phases ") || line.starts_with("test ") => {}
            Some(last) if is_data(line) && is_data(last) => last.push_str(&line[2..]),
            _ => all.push(line.replace("HTTP/1.0 [", "HTTP/1.1 [")),
        }
    }
    // An answer may come at any time while the request is on its way.
    all.sort_by_key(|line| line.starts_with('<'));
    let (data, mut all): (Vec<_>, Vec<_>) = all.into_iter().partition(|line| {
        line.starts_with("< ") && !line.contains(" by ") && !line.starts_with("< end [")
    });
    let data: String = data.iter().map(|line| &line[2..]).collect();
    all.push(if data.contains(" bytes") { "a page".into() } else { data });
    all
}

/// Takes answers apart.
fn parse(text: &str, asks: &str) -> Vec<(String, Vec<String>, String)> {
    let mut methods = asks.split_inclusive(" HTTP/1.").map(|ask| ask.contains("HEAD /"));
    let mut all = Vec::new();
    // Lines may end without a carriage return.
    let lf = text.replace("\r\n", "\n");
    let mut text = &*lf;
    while let Some((head, rest)) = text.split_once("\n\n") {
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
        text = rest;
        if status.starts_with('1') {
            continue;
        }
        let mut headers: Vec<_> = lines.map(str::to_lowercase).collect();
        let is_chunked = headers.iter().any(|line| line == "transfer-encoding: chunked");
        let length = headers.iter().find_map(|line| line.strip_prefix("content-length: "));
        let length = length.and_then(|line| line.split(',').next()?.parse::<usize>().ok());
        let is_empty = methods.next().unwrap() || ["204", "304"].contains(&&*status);
        let body = match length {
            _ if is_empty => "",
            _ if is_chunked => match rest.find("\n0\n").map(|i| (i, rest[i..].find("\n\n"))) {
                Some((i, Some(n))) => &rest[..i + n + 2],
                _ => rest,
            },
            Some(n) => &rest[..n.min(rest.len())],
            None => rest,
        };
        text = &rest[body.len()..];
        let framed =
            ["date:", "transfer-", "content-length", "connection", "keep-alive", "trailer:"];
        headers.retain(|line| !framed.iter().any(|name| line.starts_with(name)));
        headers.sort();
        let mut body = if is_chunked { unchunk(body) } else { body.to_owned() };
        if let Some(id) = body.find("<small>") {
            body.truncate(id);
        }
        all.push((status, headers, body));
    }
    all
}

/// The data of chunks.
fn unchunk(mut body: &str) -> String {
    let mut data = String::new();
    while let Some((size, rest)) = body.split_once('\n') {
        let Ok(n) = usize::from_str_radix(size.split(';').next().unwrap(), 16) else { break };
        if n == 0 {
            break; // trailers go to those who say that they want them, or to everybody
        }
        data.push_str(&rest[..n.min(rest.len())]);
        body = rest.get(n + 1..).unwrap_or_default();
    }
    data
}

#[tokio::test]
async fn exchanges_come_to_the_same_however_they_are_served_and_cut() {
    for (asks, answers) in CASES {
        let longest = answers.iter().map(|answer| answer.1.len()).chain([asks.len()]).max();
        let expected = play(asks, answers, Cut::Not, How::Full).await;
        for by in (1..=longest.unwrap()).map(Cut::At).chain([Cut::Answers]) {
            for is_pipe in [true, false] {
                let came = play(asks, answers, by, How::Verbatim { is_pipe }).await;
                assert_eq!(came, expected, "{by:?}, pipe: {is_pipe}: {asks} {answers:?}");
            }
        }
    }
}

#[tokio::test]
async fn an_exchange_does_not_change_what_comes_of_the_next_one() {
    for first in CASES {
        for second in CASES {
            let asks = [first.0, second.0].concat();
            let answers = [first.1, second.1].concat();
            let expected = play(&asks, &answers, Cut::Not, How::Full).await;
            // What a service says unasked, and only once it is asked again, answers that.
            let says_more = |answer: &&Answer| {
                answer.1.ends_with("more") || answer.1.contains(" 204 ") && answer.1.ends_with("ok")
            };
            let by_byte = first.1.iter().find(says_more).is_none().then_some(Cut::Answers);
            for by in by_byte.into_iter().chain([Cut::Not]) {
                let came = play(&asks, &answers, by, How::Verbatim { is_pipe: true }).await;
                // A connection that ends with its first answer is not kept for another request.
                let is_same = came == expected
                    || came.noted.len() == first.0.matches(" HTTP/1.").count()
                        && expected.answers.starts_with(&came.answers)
                        && expected.noted.starts_with(&came.noted);
                assert!(is_same, "{by:?}: {asks} {answers:?}\n{came:#?}\n{expected:#?}");
            }
        }
    }
}
