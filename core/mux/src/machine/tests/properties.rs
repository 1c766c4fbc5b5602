//! What holds whatever the schedule and whatever the bytes.

use std::collections::BTreeSet;

use proptest::{collection::vec, prelude::*};

use super::*;

#[derive(Clone, Copy, Debug)]
enum Step {
    Open { by_edge: bool },
    Write { by_edge: bool, stream: usize, len: usize },
    Read { by_edge: bool, stream: usize, max_chunks: usize },
    Finish { by_edge: bool, stream: usize },
    Drop { by_edge: bool, stream: usize },
    Deliver { to_edge: bool, len: usize },
    Wait { ms: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let stream = 0..6_usize;
    prop_oneof![
        1 => any::<bool>().prop_map(|by_edge| Step::Open { by_edge }),
        6 => (any::<bool>(), stream.clone(), 0..100_000_usize)
            .prop_map(|(by_edge, stream, len)| Step::Write { by_edge, stream, len }),
        6 => (any::<bool>(), stream.clone(), 1..8_usize)
            .prop_map(|(by_edge, stream, max_chunks)| Step::Read { by_edge, stream, max_chunks }),
        1 => (any::<bool>(), stream.clone())
            .prop_map(|(by_edge, stream)| Step::Finish { by_edge, stream }),
        1 => (any::<bool>(), stream).prop_map(|(by_edge, stream)| Step::Drop { by_edge, stream }),
        8 => (any::<bool>(), prop_oneof![0..40_usize, 0..200_000_usize])
            .prop_map(|(to_edge, len)| Step::Deliver { to_edge, len }),
        2 => (0..300_u64).prop_map(|ms| Step::Wait { ms }),
    ]
}

/// One end: its machine, what arrives for it, and per stream what went in and came out.
struct End {
    machine: Machine,
    inbox: BytesMut,
    partial: BytesMut,
    sent: Vec<(u32, u64, bool)>,
    read: Vec<(u32, u64, bool)>,
    dropped: BTreeSet<u32>,
}

/// The byte at each position of each stream, so that order and place are checked by value.
fn byte(id: u32, at: u64) -> u8 {
    (at.wrapping_mul(31) ^ at >> 8 ^ u64::from(id)).to_le_bytes()[0]
}

impl End {
    fn new(config: Config, now: Instant) -> Self {
        let machine = Machine::new(config, now);
        let (inbox, partial) = (BytesMut::new(), BytesMut::new());
        let (sent, read, dropped) = Default::default();
        Self { machine, inbox, partial, sent, read, dropped }
    }

    fn know(&mut self, id: u32) {
        self.sent.push((id, 0, false));
        self.read.push((id, 0, false));
    }

    fn write(&mut self, stream: usize, len: usize) {
        let n_streams = self.sent.len().max(1);
        let Some((id, at, finished)) = self.sent.get_mut(stream % n_streams) else { return };
        if *finished || self.dropped.contains(id) {
            return;
        }
        if let Poll::Ready(room) = self.machine.poll_room(&cx(), StreamId(*id)) {
            if self.machine.reset_code(StreamId(*id)).is_some() {
                assert!(room.is_err(), "nobody writes after a reset");
                return;
            }
            let n = len.min(room.unwrap());
            let bytes: Bytes = (*at..*at + n as u64).map(|at| byte(*id, at)).collect();
            *at += n as u64;
            self.machine.send(StreamId(*id), bytes).unwrap();
        }
    }

    fn finish(&mut self, stream: usize) {
        let n_streams = self.sent.len().max(1);
        let Some((id, _, finished)) = self.sent.get_mut(stream % n_streams) else { return };
        if !self.dropped.contains(id) {
            *finished = true;
            let result = self.machine.finish(StreamId(*id));
            assert!(result.is_ok() || self.machine.reset_code(StreamId(*id)).is_some());
        }
    }

    fn drop(&mut self, now: Instant, stream: usize) {
        let n_streams = self.sent.len().max(1);
        if let Some((id, ..)) = self.sent.get(stream % n_streams)
            && self.dropped.insert(*id)
        {
            self.machine.detach(now, StreamId(*id));
        }
    }

    /// What was read of the streams that are still held, and of how many bytes the other end sent.
    fn read_of(&self, other: &Self) -> Vec<(u32, u64, Option<u64>)> {
        let sent = |id| other.sent.iter().find(|sent| sent.0 == id).map(|sent| sent.1);
        let held = self.read.iter().filter(|(id, ..)| !self.dropped.contains(id));
        held.map(|(id, at, _)| (*id, *at, sent(*id))).collect()
    }

    fn read(&mut self, now: Instant, stream: usize, max_chunks: usize) {
        while let Poll::Ready(Some(id)) = self.machine.poll_accept(&cx()) {
            self.know(id.as_u32());
        }
        let n_streams = self.read.len().max(1);
        let Some((id, at, ended)) = self.read.get_mut(stream % n_streams) else { return };
        if self.dropped.contains(id) {
            return;
        }
        for _ in 0..max_chunks {
            match self.machine.poll_chunk(&cx(), StreamId(*id)) {
                Poll::Pending => return,
                Poll::Ready(Ok(None)) => *ended = true,
                Poll::Ready(Ok(Some(bytes))) => {
                    assert!(!*ended, "nothing comes after the end");
                    for seen in &bytes {
                        assert_eq!(*seen, byte(*id, *at), "byte {at} of stream {id}");
                        *at += 1;
                    }
                    self.machine.release(now, StreamId(*id), bytes.len());
                }
                Poll::Ready(Err(StreamError::Reset { by: crate::ResetBy::Peer, .. })) => return,
                Poll::Ready(Err(error)) => panic!("{error}"),
            }
        }
    }

    fn deliver(&mut self, now: Instant, len: usize) {
        let n = len.min(self.inbox.len());
        self.partial.extend_from_slice(&self.inbox.split_to(n));
        self.machine.receive(now, &mut self.partial);
        self.machine.check();
    }
}

fn exchange(now: Instant, agent: &mut End, edge: &mut End) {
    edge.inbox.extend_from_slice(&wire(&mut agent.machine, now));
    agent.inbox.extend_from_slice(&wire(&mut edge.machine, now));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_byte_arrives_once_and_in_order(
        steps in vec(step(), 1..120),
        max_send_credit in crate::INITIAL_WINDOW..2 * crate::INITIAL_WINDOW,
    ) {
        let mut now = Instant::now();
        let mut agent = End::new(Config::agent(), now);
        let peer = PeerTraits::accumulating();
        let edge_config = Config { peer, max_send_credit, ..Config::edge() };
        let mut edge = End::new(edge_config, now);
        for step in steps {
            match step {
                Step::Open { by_edge } => {
                    let end = if by_edge { &mut edge } else { &mut agent };
                    if end.sent.len() < 6 {
                        let first: Vec<u8> = Vec::from_iter((0..4).map(|at| byte(end_id(end), at)));
                        let id = end.machine.open(now, first.into()).unwrap().as_u32();
                        end.know(id);
                        end.sent.last_mut().unwrap().1 = 4;
                    }
                }
                Step::Write { by_edge, stream, len } => {
                    (if by_edge { &mut edge } else { &mut agent }).write(stream, len);
                }
                Step::Read { by_edge, stream, max_chunks } => {
                    (if by_edge { &mut edge } else { &mut agent }).read(now, stream, max_chunks);
                }
                Step::Finish { by_edge, stream } => {
                    (if by_edge { &mut edge } else { &mut agent }).finish(stream);
                }
                Step::Drop { by_edge, stream } => {
                    (if by_edge { &mut edge } else { &mut agent }).drop(now, stream);
                }
                Step::Deliver { to_edge, len } => {
                    exchange(now, &mut agent, &mut edge);
                    (if to_edge { &mut edge } else { &mut agent }).deliver(now, len);
                }
                Step::Wait { ms } => {
                    now += Duration::from_millis(ms);
                    agent.machine.on_time(now);
                    edge.machine.on_time(now);
                }
            }
            prop_assert!(agent.machine.ended().is_none() && edge.machine.ended().is_none());
        }
        // Everything ends well once everybody reads.
        for _ in 0..200 {
            exchange(now, &mut agent, &mut edge);
            agent.deliver(now, usize::MAX);
            edge.deliver(now, usize::MAX);
            for stream in 0..12 {
                agent.read(now, stream, 100);
                edge.read(now, stream, 100);
                agent.finish(stream);
                edge.finish(stream);
            }
            now += Duration::from_millis(150);
            agent.machine.on_time(now);
            edge.machine.on_time(now);
        }
        agent.machine.check_windows();
        edge.machine.check_windows();
        prop_assert_eq!(agent.machine.stats().n_streams, 0);
        prop_assert_eq!(edge.machine.stats().n_streams, 0);
        for (reader, sender) in [(&agent, &edge), (&edge, &agent)] {
            for (id, n_read, n_sent) in reader.read_of(sender) {
                prop_assert_eq!(Some(n_read), n_sent, "bytes of stream {}", id);
            }
            for (id, ..) in &sender.sent {
                let is_known = reader.read.iter().any(|read| read.0 == *id);
                prop_assert!(is_known || sender.dropped.contains(id), "stream {} was lost", id);
            }
        }
    }

    #[test]
    fn no_bytes_from_a_stranger_panic(
        parts in vec(
            prop_oneof![
                vec(any::<u8>(), 0..24),
                (0..5_u8, 0..4_u8, 0..8_u32, vec(any::<u8>(), 0..64)).prop_map(
                    |(kind, flags, id, payload)| {
                        let mut frame = data(id, 0, &payload);
                        frame[3] = kind << 4 | flags;
                        frame
                    }
                ),
            ],
            0..40,
        )
    ) {
        let now = Instant::now();
        let mut edge = Machine::new(Config::edge(), now);
        let mine = edge.open(now, TYPE.to_vec().into()).unwrap();
        let mut input = BytesMut::new();
        for part in parts {
            input.extend_from_slice(&part);
            edge.receive(now, &mut input);
            while let Poll::Ready(Some(id)) = edge.poll_accept(&cx()) {
                let _ = edge.poll_chunk(&cx(), id);
                edge.detach(now, id);
            }
            let _ = edge.send(mine, Bytes::from_static(b"x"));
            wire(&mut edge, now);
        }
        edge.on_time(now + Duration::from_secs(60));
    }
}

/// The id that the end's next stream will have.
fn end_id(end: &End) -> u32 {
    end.machine.next_id
}
