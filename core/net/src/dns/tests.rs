#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use tokio::net::TcpListener;

use super::*;

/// The answer to `query`: its question, then these records, each named by a pointer to it.
fn answer(query: &[u8], flags: [u8; 2], records: &[(u16, &[u8])]) -> Vec<u8> {
    let mut out = query.to_vec();
    out[2..4].copy_from_slice(&flags);
    out[7] = u8::try_from(records.len()).unwrap();
    for (kind, data) in records {
        out.extend([0xc0, 0x0c]);
        out.extend(kind.to_be_bytes());
        out.extend([0, 1, 0, 0, 0, 60, 0, u8::try_from(data.len()).unwrap()]);
        out.extend(*data);
    }
    out
}

/// A DNS server that answers what `reply` says.
async fn serve(n_questions: usize, reply: impl Fn(&[u8]) -> Vec<u8>, socket: UdpSocket) {
    let mut buf = [0; 512];
    for _ in 0..n_questions {
        let (n, from) = socket.recv_from(&mut buf).await.unwrap();
        socket.send_to(&reply(&buf[..n]), from).await.unwrap();
    }
}

async fn server() -> (UdpSocket, Resolver) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let resolver = Resolver::Servers([socket.local_addr().unwrap()].into());
    (socket, resolver)
}

fn is_aaaa(query: &[u8]) -> bool {
    query[query.len() - 3] == 28
}

#[tokio::test]
async fn both_families_are_asked_for_and_aliases_are_passed_over() {
    let (socket, resolver) = server().await;
    let reply = |query: &[u8]| {
        if is_aaaa(query) {
            return answer(query, [0x81, 0x80], &[(28, &[1; 16])]);
        }
        answer(query, [0x81, 0x80], &[(5, b"\x01a\x00"), (1, &[192, 0, 2, 1])])
    };
    let (addrs, ()) = tokio::join!(resolver.lookup("a.example.", 443), serve(2, reply, socket));
    let addrs: Vec<_> = addrs.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(addrs, ["[101:101:101:101:101:101:101:101]:443", "192.0.2.1:443"]);
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_not_found() {
    let (socket, resolver) = server().await;
    let reply = |query: &[u8]| answer(query, [0x81, 0x83], &[]);
    let (addrs, ()) = tokio::join!(resolver.lookup("a.example", 443), serve(2, reply, socket));
    assert_eq!(addrs.unwrap_err().kind(), io::ErrorKind::NotFound);
}

#[tokio::test]
async fn a_failing_server_is_followed_by_the_next() {
    let (bad, _) = server().await;
    let (good, _) = server().await;
    let servers = [bad.local_addr().unwrap(), good.local_addr().unwrap()];
    let resolver = Resolver::Servers(servers.into());
    let fails = |query: &[u8]| answer(query, [0x81, 0x82], &[]);
    let works = |query: &[u8]| {
        let ip: &[(u16, &[u8])] = if is_aaaa(query) { &[] } else { &[(1, &[192, 0, 2, 1])] };
        answer(query, [0x81, 0x80], ip)
    };
    let lookup = resolver.lookup("a.example", 1);
    let (addrs, (), ()) = tokio::join!(lookup, serve(2, fails, bad), serve(2, works, good));
    assert_eq!(addrs.unwrap(), ["192.0.2.1:1".parse().unwrap()]);
}

#[tokio::test]
async fn an_answer_that_was_cut_is_asked_for_over_tcp() {
    // The same port for both; a port that the system chose for one may be taken for the other.
    let (udp, resolver, tcp) = loop {
        let (udp, resolver) = server().await;
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
            break (udp, resolver, tcp);
        }
    };
    let over_tcp = async {
        let (mut stream, _) = tcp.accept().await.unwrap();
        let mut query = vec![0; usize::from(stream.read_u16().await.unwrap())];
        stream.read_exact(&mut query).await.unwrap();
        let answer = answer(&query, [0x81, 0x80], &[(1, &[192, 0, 2, 1])]);
        stream.write_u16(u16::try_from(answer.len()).unwrap()).await.unwrap();
        stream.write_all(&answer).await.unwrap();
    };
    let reply =
        |query: &[u8]| answer(query, if is_aaaa(query) { [0x81, 0x80] } else { [0x83, 0x80] }, &[]);
    let (addrs, (), ()) =
        tokio::join!(resolver.lookup("a.example", 1), serve(2, reply, udp), over_tcp);
    assert_eq!(addrs.unwrap(), ["192.0.2.1:1".parse().unwrap()]);
}

#[test]
fn what_cannot_be_a_name_is_not_asked_for() {
    for host in ["", ".", "a..b", &"x".repeat(64), &"x.".repeat(130), "ä.example"] {
        let error = Query::new(host, Kind::A, 0).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{host}");
    }
}

#[test]
fn answers_to_other_questions_are_ignored() {
    let query = Query::new("a.example", Kind::A, 7).unwrap();
    for (host, id) in [("b.example", 7), ("a.example", 8)] {
        let other = Query::new(host, Kind::A, id).unwrap();
        assert!(query.parse(&answer(other.as_bytes(), [0x81, 0x80], &[])).is_none());
    }
    assert!(query.parse(query.as_bytes()).is_none(), "a question is no answer");
}

#[test]
fn no_server_named_means_the_system() {
    assert!(matches!(Resolver::servers([]), Resolver::System));
}

proptest! {
    #[test]
    fn no_answer_panics(tail in proptest::collection::vec(any::<u8>(), 0..100), n in any::<u8>()) {
        let query = Query::new("a.example", Kind::Aaaa, 7).unwrap();
        let mut message = answer(query.as_bytes(), [0x81, 0x80], &[]);
        message[7] = n;
        message.extend(tail);
        prop_assert!(query.parse(&message).is_some());
    }
}
