//! Over a real session in memory.

use adit_mux::{Config, session};
use tokio::io::AsyncReadExt;

use super::*;
use crate::{
    ErrorCode as Code, ErrorText,
    heartbeat::{self, MAX_PINGS_PER_SECOND, Pulse},
    message::{
        Bind, BindResp, BindRespExtra, CommandResp, Proto, SrvInfo, SrvInfoResp, Stop, Unbind,
        UnbindResp,
    },
    options::{HttpOptions, Options},
    peer::HeartbeatTiming,
    proxy::ProxyHeader,
    rpc::PeerEnd,
};

const LIMIT: Duration = Duration::from_secs(10);

/// Runs a story between an agent and an edge, and the drivers beside it.
async fn between<F: Future>(
    story: impl FnOnce(Session, TypedStreams, Session, TypedStreams) -> F,
) -> F::Output {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let (agent, from_edge, agent_driver) = session(near, Config::agent());
    let (edge, from_agent, edge_driver) = session(far, Config::edge());
    let (from_edge, from_agent) = (TypedStreams::new(from_edge), TypedStreams::new(from_agent));
    let story = story(agent, from_edge, edge, from_agent);
    tokio::select! {
        out = story => out,
        ended = async { tokio::join!(agent_driver, edge_driver) } => panic!("{ended:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_goes_there_and_back() {
    between(|agent, _from_edge, _edge, mut from_agent| async move {
        let serve = async {
            let (stream_type, mut stream) = from_agent.next().await.unwrap();
            assert_eq!(stream_type, StreamType::SRV_INFO);
            rpc::request::<SrvInfo, _>(&mut stream, LIMIT).await.unwrap();
            let resp = SrvInfoResp { region: "local".into() };
            respond(stream, &resp, LIMIT).await.unwrap().peer_end(LIMIT).await
        };
        let ask = async { call(&agent, &SrvInfo {}, LIMIT).await.unwrap().finish().await };
        let (resp, end) = tokio::join!(ask, serve);
        assert_eq!((resp.region.as_str(), end), ("local", PeerEnd::Finished));
        assert_eq!(agent.n_streams(), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_request_larger_than_a_frame_arrives_whole() {
    between(|agent, _from_edge, _edge, mut from_agent| async move {
        let http =
            HttpOptions { traffic_policy: "x".repeat(900_000).into(), ..HttpOptions::default() };
        let bind = Bind::new(Proto::Http, Options::from_typed(&http));
        let serve = async {
            let (_, mut stream) = from_agent.next().await.unwrap();
            let bind: Bind = rpc::request(&mut stream, LIMIT).await.unwrap();
            let resp = BindResp {
                id: "t1".into(),
                url: "http://a.test".into(),
                proto: bind.proto,
                opts: bind.opts.chosen(bind.proto, "http://a.test", "a.test"),
                extra: BindRespExtra::default(),
            };
            respond(stream, &resp, LIMIT).await.unwrap().peer_end(LIMIT).await
        };
        let ask = async { call(&agent, &bind, LIMIT).await.unwrap().finish().await };
        let (resp, _) = tokio::join!(ask, serve);
        assert_eq!(resp.opts.http().unwrap().traffic_policy.expose().len(), 900_000);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_reaches_the_caller() {
    between(|agent, _from_edge, _edge, mut from_agent| async move {
        let serve = async {
            let (_, stream) = from_agent.next().await.unwrap();
            let text = ErrorText::new(Code::TRANSIENT, "Not now.");
            refuse(stream, &text, LIMIT).await.unwrap().peer_end(LIMIT).await
        };
        let (refused, end) = tokio::join!(call(&agent, &SrvInfo {}, LIMIT), serve);
        let Err(CallError::Refused(text)) = refused else { panic!("{refused:?}") };
        assert_eq!((text.code(), end), (Some(Code::TRANSIENT), PeerEnd::Finished));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_edge_gets_its_command_answered() {
    between(|_agent, mut from_edge, edge, _from_agent| async move {
        let obey = async {
            let (stream_type, mut stream) = from_edge.next().await.unwrap();
            assert_eq!(stream_type, StreamType::STOP);
            let Stop {} = rpc::request(&mut stream, LIMIT).await.unwrap();
            respond(stream, &CommandResp {}, LIMIT).await.unwrap().peer_end(LIMIT).await
        };
        let (answer, end) = tokio::join!(command(&edge, &Stop {}, LIMIT), obey);
        assert_eq!(answer.unwrap(), CommandResp {});
        assert_eq!(end, PeerEnd::Finished);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stopped_tunnel_is_told_and_not_answered() {
    between(|_agent, mut from_edge, edge, _from_agent| async move {
        let sent = StopTunnel { id: "t1".into(), message: "gone".into(), ..StopTunnel::default() };
        let mut closing = stop_tunnel(&edge, &sent, LIMIT).await.unwrap();
        let (stream_type, mut stream) = from_edge.next().await.unwrap();
        assert_eq!(stream_type, StreamType::STOP_TUNNEL);
        let got: StopTunnel = rpc::request(&mut stream, LIMIT).await.unwrap();
        assert_eq!(got, sent);
        let mut agent_side = Closing::start(stream, LIMIT).await.unwrap();
        let ends = tokio::join!(closing.peer_end(LIMIT), agent_side.peer_end(LIMIT));
        assert_eq!(ends, (PeerEnd::Finished, PeerEnd::Finished));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_proxied_connection_starts_with_its_header() {
    between(|_agent, mut from_edge, edge, _from_agent| async move {
        let header = ProxyHeader { id: "t1".into(), ..ProxyHeader::default() };
        let mut out = open_proxy(&edge, &header, b"ping").unwrap();
        let (stream_type, mut stream) = from_edge.next().await.unwrap();
        assert_eq!(stream_type, StreamType::PROXY);
        assert_eq!(ProxyHeader::read(&mut stream).await.unwrap(), header);
        let mut word = [0; 4];
        stream.read_exact(&mut word).await.unwrap();
        assert_eq!(&word, b"ping");
        stream.write_all(b"pong").await.unwrap();
        out.read_exact(&mut word).await.unwrap();
        assert_eq!(&word, b"pong");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_leaves_a_command_open_loses_the_stream() {
    between(|_agent, mut from_edge, edge, _from_agent| async move {
        let go = async {
            let (_, mut stream) = from_edge.next().await.unwrap();
            let Stop {} = rpc::request(&mut stream, LIMIT).await.unwrap();
            stream.write_all(b"{}\n").await.unwrap();
            stream
        };
        let (answer, stream) = tokio::join!(command(&edge, &Stop {}, LIMIT), go);
        assert_eq!(answer.unwrap(), CommandResp {});
        assert_eq!(edge.n_streams(), 0);
        drop(stream);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn streams_of_known_and_unknown_types_are_handed_out() {
    between(|agent, _from_edge, _edge, mut from_agent| async move {
        let _beat = open_heartbeat(&agent).unwrap();
        let unknown = agent.open(Bytes::from_static(&[0, 0, 0, 11])).unwrap();
        assert_eq!(from_agent.next().await.unwrap().0, StreamType::HEARTBEAT);
        assert_eq!(from_agent.next().await.unwrap().0, StreamType(11));
        drop(unknown);
    })
    .await;
}

/// Speaks frames by hand: a stream is opened with `first` only.
fn open_frame(id: u8, first: &[u8]) -> Vec<u8> {
    let len = u8::try_from(first.len()).unwrap();
    [&[0, 0, len, 0x12, 0, 0, 0, id], first].concat()
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_its_type_delays_no_other_and_is_refused() {
    let (mut near, far) = tokio::io::duplex(64 * 1024);
    let (_edge, from_agent, driver) = session(far, Config::edge());
    let within = Duration::from_secs(2);
    let mut from_agent = TypedStreams::new(from_agent).with_type_timeout(within);
    let story = async {
        near.write_all(&open_frame(3, &[0, 0])).await.unwrap();
        near.write_all(&open_frame(5, &[0, 0, 0, 8])).await.unwrap();
        let (stream_type, _stream) = from_agent.next().await.unwrap();
        assert_eq!(stream_type, StreamType::SRV_INFO);

        // The rest of the type, in time.
        near.write_all(&[0, 0, 2, 0x10, 0, 0, 0, 3, 0, 2]).await.unwrap();
        assert_eq!(from_agent.next().await.unwrap().0, StreamType::UNBIND);

        near.write_all(&open_frame(7, &[0])).await.unwrap();
        let start = tokio::time::Instant::now();
        let mut seen = Vec::new();
        let refused = [0, 0, 4, 0, 0, 0, 0, 7, 0, 0, 0, 5];
        let read = async {
            while !seen.ends_with(&refused) {
                assert_ne!(near.read_buf(&mut seen).await.unwrap(), 0);
            }
        };
        tokio::select! {
            () = read => {}
            typed = from_agent.next() => panic!("{typed:?}"),
        }
        assert_eq!(start.elapsed(), within);
    };
    tokio::select! {
        () = story => {}
        ended = driver => panic!("{ended:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_and_its_end_share_a_frame() {
    let (mut near, far) = tokio::io::duplex(64 * 1024);
    let (_edge, from_agent, driver) = session(far, Config::edge());
    let mut from_agent = TypedStreams::new(from_agent);
    let story = async {
        near.write_all(&open_frame(3, b"\0\0\0\x02{\"Id\":\"t1\"}")).await.unwrap();
        let (_, mut stream) = from_agent.next().await.unwrap();
        let unbind: Unbind = rpc::request(&mut stream, LIMIT).await.unwrap();
        assert_eq!(unbind.id, "t1");
        let _closing = respond(stream, &UnbindResp::default(), LIMIT).await.unwrap();
        let mut seen = Vec::new();
        let mut answer = vec![0, 0, 25, 0x11, 0, 0, 0, 3];
        answer.extend_from_slice(br#"{"Extra":null,"Error":""}"#);
        while !seen.ends_with(&answer) {
            assert_ne!(near.read_buf(&mut seen).await.unwrap(), 0);
        }
    };
    tokio::select! {
        () = story => {}
        ended = driver => panic!("{ended:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn heartbeats_cross_a_session_both_ways() {
    between(|agent, mut from_edge, edge, mut from_agent| async move {
        let timing = HeartbeatTiming::default();
        let (pulse, ignored) = (Pulse::new(), Pulse::new());
        let (to_edge, to_agent) = (open_heartbeat(&agent).unwrap(), open_heartbeat(&edge).unwrap());
        let (_, at_edge) = from_agent.next().await.unwrap();
        let (_, at_agent) = from_edge.next().await.unwrap();
        let (mut n_agent, mut n_edge) = (0, 0);
        tokio::select! {
            error = heartbeat::keep_alive(to_edge, timing, |_| n_agent += 1) => panic!("{error}"),
            error = heartbeat::ping(to_agent, timing.interval, &pulse, |_| n_edge += 1) => {
                panic!("{error}")
            }
            ended = heartbeat::echo(at_edge, Some(MAX_PINGS_PER_SECOND), &pulse) => {
                panic!("{ended:?}")
            }
            ended = heartbeat::echo(at_agent, None, &ignored) => panic!("{ended:?}"),
            () = tokio::time::sleep(Duration::from_secs(35)) => {}
        }
        assert_eq!((n_agent, n_edge), (4, 4));
        assert_eq!(pulse.last().elapsed(), Duration::from_secs(5));
    })
    .await;
}
