//! What only the frames show: an agent that speaks them by itself, without a multiplexer.

use adit_edge::Edge;
use adit_proto::{
    message::{Message, Proto, SrvInfo},
    rpc,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream},
    net::TcpStream,
    time::timeout,
};

use crate::rig::*;

const DATA: u8 = 0x10;
const RST: u8 = 0x00;
const WNDINC: u8 = 0x20;
const GOAWAY: u8 = 0x30;
const SYN: u8 = 0x02;
const FIN: u8 = 0x01;

/// What a stream may be sent before anything was granted. Fact: an unwritten agreement of all clients.
const FIRST_WINDOW: usize = 262_144;

#[derive(Debug)]
struct Frame {
    /// Type and flags.
    kind: u8,
    id: u32,
    payload: Vec<u8>,
}

struct Wire {
    io: DuplexStream,
    /// The next stream of the agent.
    next_id: u32,
}

impl Wire {
    fn join(edge: &Edge) -> Self {
        Self { io: edge.join(), next_id: 3 }
    }

    /// An agent that is in.
    async fn enter(edge: &Edge) -> Self {
        let mut wire = Self::join(edge);
        assert_eq!(wire.call(&auth("", "")).await["Error"], "");
        wire
    }

    async fn send(&mut self, kind: u8, id: u32, payload: &[u8]) {
        let len = u32::try_from(payload.len()).unwrap() << 8;
        let head = [(len | u32::from(kind)).to_be_bytes(), id.to_be_bytes()].concat();
        self.io.write_all(&[&head, payload].concat()).await.unwrap();
    }

    async fn next(&mut self) -> Frame {
        let read = async {
            let (head, id) = (self.io.read_u32().await?, self.io.read_u32().await?);
            let mut payload = vec![0; usize::try_from(head >> 8).unwrap()];
            self.io.read_exact(&mut payload).await?;
            let kind = head.to_be_bytes()[3];
            Ok::<_, std::io::Error>(Frame { kind, id, payload })
        };
        timeout(PATIENCE, read).await.expect("a frame in time").expect("the connection lives")
    }

    /// The next frame of a stream that is not about credit.
    async fn next_on(&mut self, id: u32) -> Frame {
        loop {
            let frame = self.next().await;
            if frame.id == id && frame.kind != WNDINC {
                return frame;
            }
        }
    }

    /// Calls, takes the answer with its FIN, and sends ours. Returns what else came meanwhile, too.
    async fn call_beside<M: Message>(&mut self, message: &M) -> (Value, Vec<Frame>) {
        let id = self.next_id;
        self.next_id += 2;
        self.send(DATA | SYN, id, &rpc::first_bytes(message)).await;
        let mut others = Vec::new();
        loop {
            let frame = self.next().await;
            if frame.id == id && frame.kind != WNDINC {
                assert_eq!(frame.kind, DATA | FIN, "an answer and its end are one frame");
                self.send(DATA | FIN, id, &[]).await;
                return (serde_json::from_slice(&frame.payload).unwrap(), others);
            }
            others.push(frame);
        }
    }

    async fn call<M: Message>(&mut self, message: &M) -> Value {
        self.call_beside(message).await.0
    }

    /// Binds any `tcp` address, and says where visitors have to connect.
    async fn bind_tcp(&mut self) -> String {
        let answer = self.call(&bind(Proto::Tcp, json!({}))).await;
        answer["URL"].as_str().unwrap().replace("tcp://edge.test", "127.0.0.1")
    }

    /// The frame that opens the next visitor's stream.
    async fn opening(&mut self) -> Frame {
        loop {
            let frame = self.next().await;
            if frame.kind & SYN != 0 && frame.payload.starts_with(&[0, 0, 0, 3]) {
                return frame;
            }
        }
    }
}

/// Sends more than the sockets on the way may hold.
async fn upload(mut visitor: TcpStream) {
    let _ = visitor.write_all(&vec![7; 64 * FIRST_WINDOW]).await;
}

#[tokio::test]
async fn a_visitor_s_stream_opens_with_its_type_and_all_of_its_header() {
    let edge = edge().await;
    let mut agent = Wire::enter(&edge).await;
    let addr = agent.bind_tcp().await;
    for n in 0..3 {
        let visitor = TcpStream::connect(&addr).await.unwrap();
        let first = agent.opening().await;
        assert_eq!((first.kind, first.id % 2), (DATA | SYN, 0), "visitor {n}");
        let (len, text) = first.payload[4..].split_first_chunk::<8>().unwrap();
        assert_eq!(i64::from_le_bytes(*len), i64::try_from(text.len()).unwrap());
        let header: Value = serde_json::from_slice(text).unwrap();
        assert_eq!(header["ClientAddr"], visitor.local_addr().unwrap().to_string());
        assert_eq!((&header["Proto"], &header["EdgeType"]), (&json!("tcp"), &json!("0")));
        assert_eq!(header["PassthroughTLS"], false);
    }
}

#[tokio::test]
async fn a_stream_gets_its_credit_and_not_a_byte_more_and_holds_up_no_other() {
    let edge = edge().await;
    let mut agent = Wire::enter(&edge).await;
    let addr = agent.bind_tcp().await;
    let mut uploads = tokio::task::JoinSet::new();
    uploads.spawn(upload(TcpStream::connect(&addr).await.unwrap()));
    let first = agent.opening().await;
    let mut n_got = first.payload.len();
    while n_got < FIRST_WINDOW {
        n_got += agent.next_on(first.id).await.payload.len();
    }
    assert_eq!(n_got, FIRST_WINDOW);
    let (_, others) = agent.call_beside(&SrvInfo {}).await;
    assert!(others.iter().all(|frame| frame.id != first.id), "{others:?}");

    let mut other = TcpStream::connect(&addr).await.unwrap();
    other.write_all(b"hello").await.unwrap();
    let second = agent.opening().await;
    // What the visitor has sent by then comes in the same frame.
    let mut seen = second.payload.clone();
    while !seen.ends_with(b"hello") {
        seen.extend(agent.next_on(second.id).await.payload);
    }

    agent.send(WNDINC, first.id, &1u32.to_be_bytes()).await;
    assert_eq!(agent.next_on(first.id).await.payload, [7]);
}

#[tokio::test]
async fn an_agent_that_reads_nothing_holds_up_no_other() {
    let edge = edge().await;
    let mut deaf = Wire::enter(&edge).await;
    let addr = deaf.bind_tcp().await;
    // More than one link and its streams may hold.
    let mut uploads = tokio::task::JoinSet::new();
    for _ in 0..8 {
        uploads.spawn(upload(TcpStream::connect(&addr).await.unwrap()));
    }
    let (mut agent, _) = Agent::enter(&edge).await;
    agent.bind(&bind(Proto::Http, json!({"Domain": "a.edge.test"}))).await.unwrap();
    for _ in 0..3 {
        let served = async {
            let (_, mut stream) = agent.visitor().await;
            answer(&mut stream, "well").await
        };
        let (page, _) = tokio::join!(get(&edge, "a.edge.test", "/"), served);
        assert!(page.ends_with("well"), "{page}");
    }
    assert!(uploads.try_join_next().is_none(), "nobody reads them");
}

#[tokio::test]
async fn a_visitor_that_aborts_is_first_fin_and_then_reset() {
    let edge = edge().await;
    let mut agent = Wire::enter(&edge).await;
    let addr = agent.bind_tcp().await;
    let visitor = TcpStream::connect(&addr).await.unwrap();
    let first = agent.opening().await;
    visitor.set_zero_linger().unwrap();
    drop(visitor);
    let (fin, rst) = (agent.next_on(first.id).await, agent.next_on(first.id).await);
    assert_eq!((fin.kind, fin.payload.len()), (DATA | FIN, 0));
    // Code 6: cancelled.
    assert_eq!((rst.kind, &rst.payload[..]), (RST, &[0, 0, 0, 6][..]));
}

#[tokio::test]
async fn what_breaks_the_framing_is_told_with_its_code_and_ends_the_connection() {
    let edge = edge().await;
    let opened = [0, 0, 4, DATA | SYN, 0, 0, 0, 3, 0xff, 0xff, 0xff, 0xff];
    let (protocol, size) = (1, 8);
    for (what, bytes, code) in [
        ("even id", vec![0, 0, 4, DATA | SYN, 0, 0, 0, 2, 0, 0, 0, 8], protocol),
        ("id twice", [opened, opened].concat(), protocol),
        ("data on stream 0", vec![0, 0, 1, DATA, 0, 0, 0, 0, 7], protocol),
        ("short reset", [&opened[..], &[0, 0, 1, RST, 0, 0, 0, 3, 7]].concat(), size),
        ("short grant", [&opened[..], &[0, 0, 1, WNDINC, 0, 0, 0, 3, 7]].concat(), size),
        ("short goodbye", vec![0, 0, 1, GOAWAY, 0, 0, 0, 0, 7], size),
    ] {
        let mut wire = Wire::join(&edge);
        wire.io.write_all(&bytes).await.unwrap();
        let goodbye = loop {
            let frame = wire.next().await;
            if frame.kind == GOAWAY {
                break frame;
            }
        };
        assert_eq!(goodbye.payload[4..8], u32::to_be_bytes(code), "{what}");
        assert!(goodbye.payload.len() >= 16, "{what}: a text of at least 8 bytes");
        assert_eq!(wire.io.read(&mut [0; 1]).await.unwrap(), 0, "{what}: nothing follows");
    }
}

#[tokio::test]
async fn a_goodbye_whose_length_is_eight_too_small_is_one() {
    let edge = edge().await;
    let mut agent = Wire::enter(&edge).await;
    agent.bind_tcp().await;
    // As the published Rust clients write it.
    let goodbye = [&[0, 0, 14, GOAWAY, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1][..], b"session closed"];
    agent.io.write_all(&goodbye.concat()).await.unwrap();
    eventually(|| edge.sessions()[0].n_legs == 0).await;
    assert_eq!(edge.sessions()[0].tunnels.len(), 1, "kept until it comes back");
}
