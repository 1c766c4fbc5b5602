//! A whole session end against a stranger's bytes, while its own side reads, writes and drops.
//!
//! The first byte of each input says which end is attacked; then, again and again, one byte says
//! what our side does and how many of the following bytes arrive.
#![no_main]

use std::{
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use adit_mux::{
    Config, ErrorCode, Limits,
    frame::StreamId,
    machine::{Batch, Machine},
};
use bytes::{Buf, Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((end, mut rest)) = data.split_first() else { return };
    let config = if end & 1 == 0 { Config::agent() } else { Config::edge() };
    let mut now = Instant::now();
    let mut machine = Machine::new(config, now);
    if end & 2 != 0 {
        machine.set_limits(Limits::before_auth(), now);
    }
    let cx = Context::from_waker(Waker::noop());
    let mut input = BytesMut::new();
    let mut streams: Vec<StreamId> = Vec::new();
    while let Some((step, more)) = rest.split_first() {
        let n = usize::from(step >> 3).min(more.len());
        input.extend_from_slice(&more[..n]);
        rest = &more[n..];
        machine.receive(now, &mut input);
        while let Poll::Ready(Some(id)) = machine.poll_accept(&cx) {
            streams.push(id);
        }
        let at = usize::from(*step >> 3) % streams.len().max(1);
        match (step & 7, streams.get(at).copied()) {
            (0, _) => streams.extend(machine.open(now, Bytes::from_static(&[0; 9]))),
            (1, Some(id)) => {
                if let Poll::Ready(Ok(Some(bytes))) = machine.poll_chunk(&cx, id) {
                    machine.release(now, id, bytes.len());
                }
            }
            (2, Some(id)) => {
                if let Poll::Ready(Ok(room)) = machine.poll_room(&cx, id) {
                    machine.send(id, vec![0; room.min(40_000)].into()).expect("there was room");
                }
            }
            (3, Some(id)) => drop(machine.finish(id)),
            (4, Some(id)) => machine.abort(id, ErrorCode::StreamCancelled),
            (5, Some(id)) => {
                machine.detach(now, id);
                streams.swap_remove(at);
            }
            (6, _) => {
                now += Duration::from_millis(u64::from(*step));
                machine.on_time(now);
            }
            _ => {
                let mut batch = Batch::vectored();
                machine.pull(now, &mut batch);
                batch.advance(batch.remaining());
            }
        }
        machine.take_wakes();
    }
    let stats = machine.stats();
    assert!(stats.extra_window <= 64 * 1024 * 1024);
    assert!(stats.n_streams <= 8192);
});
