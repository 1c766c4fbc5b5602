//! The pure parts of the multiplexer, and two drivers over loopback TCP.
//!
//! `mux_*` benches are one thread and no system calls; `driver_*` add the runtime and the kernel.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    hint::black_box,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use adit_mux::{
    Config, PeerTraits, Session, Stream,
    frame::{Decoder, Event, Header, Kind, StreamId},
    machine::{Batch, Machine},
    session,
};
use bytes::{Buf, Bytes, BytesMut};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    task::JoinSet,
};

const TYPE: Bytes = Bytes::from_static(b"\0\0\0\x03");

fn codec(c: &mut Criterion) {
    let mut wire = BytesMut::new();
    for id in 1..=64_u32 {
        let header = Header { len: 1024, kind: Kind::Data, flags: 0, id };
        wire.extend_from_slice(&header.encode());
        wire.extend_from_slice(&[7; 1024]);
    }
    let mut group = c.benchmark_group("mux_codec");
    group.throughput(Throughput::Elements(64));
    group.bench_function("decode_64_frames_of_1kib", |b| {
        b.iter_batched_ref(
            || (Decoder::new(262_144), wire.clone()),
            |(decoder, input)| {
                let mut n_bytes = 0;
                while let Ok(Some(event)) = decoder.next(input) {
                    if let Event::Payload { bytes, .. } = event {
                        n_bytes += bytes.len();
                    }
                }
                n_bytes
            },
            criterion::BatchSize::SmallInput,
        );
    });
    group.bench_function("encode_64_headers", |b| {
        b.iter(|| {
            for id in 1..=64 {
                black_box(Header { len: 1024, kind: Kind::Data, flags: 0, id }.encode());
            }
        });
    });
    group.finish();
}

/// Two machines and the bytes between them, without a link in between.
struct Pair {
    now: Instant,
    edge: Machine,
    agent: Machine,
    batch: Batch,
    wire: BytesMut,
}

impl Pair {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            now,
            edge: Machine::new(Config::edge(), now),
            agent: Machine::new(Config::agent(), now),
            batch: Batch::vectored(),
            wire: BytesMut::new(),
        }
    }

    fn exchange(&mut self) {
        for _ in 0..2 {
            self.edge.pull(self.now, &mut self.batch);
            while self.batch.has_remaining() {
                self.wire.extend_from_slice(self.batch.chunk());
                self.batch.advance(self.batch.chunk().len());
            }
            self.agent.receive(self.now, &mut self.wire);
            std::mem::swap(&mut self.edge, &mut self.agent);
        }
    }

    fn open(&mut self) -> StreamId {
        let id = self.edge.open(self.now, TYPE).unwrap();
        self.exchange();
        let _ = self.agent.poll_accept(&cx());
        self.drain(id);
        id
    }

    fn drain(&mut self, id: StreamId) {
        while let Poll::Ready(Ok(Some(bytes))) = self.agent.poll_chunk(&cx(), id) {
            self.agent.release(self.now, id, bytes.len());
        }
    }
}

fn cx() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn pair(c: &mut Criterion) {
    let mut group = c.benchmark_group("mux_pair");
    let chunk = Bytes::from(vec![7; 16 * 1024]);
    let mut pair = Pair::new();
    let ids: Vec<_> = (0..64).map(|_| pair.open()).collect();
    group.throughput(Throughput::Bytes(64 * 16 * 1024));
    group.bench_function("64_streams_16kib_each", |b| {
        b.iter(|| {
            for id in &ids {
                pair.edge.send(*id, chunk.clone()).unwrap();
            }
            while pair.edge.has_output() {
                pair.exchange();
            }
            for id in &ids {
                pair.drain(*id);
            }
            pair.exchange();
        });
    });
    group.throughput(Throughput::Elements(1));
    group.bench_function("open_exchange_close", |b| {
        b.iter(|| {
            let id = pair.edge.open(pair.now, TYPE).unwrap();
            pair.exchange();
            let _ = pair.agent.poll_accept(&cx());
            pair.drain(id);
            pair.agent.send(id, Bytes::from_static(&[1; 200])).unwrap();
            pair.agent.finish(id).unwrap();
            pair.edge.finish(id).unwrap();
            pair.exchange();
            pair.exchange();
            pair.edge.detach(pair.now, id);
            pair.agent.detach(pair.now, id);
        });
    });
    group.finish();
}

/// An edge session whose streams are all echoed at the other end of a loopback connection.
async fn echoing(tasks: &mut JoinSet<()>) -> Session {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (far, _) = listener.accept().await.unwrap();
    near.set_nodelay(true).unwrap();
    far.set_nodelay(true).unwrap();
    let config = Config { peer: PeerTraits::accumulating(), ..Config::edge() };
    let (edge, _, edge_driver) = session(near, config);
    let (_agent, mut incoming, agent_driver) = session(far, Config::agent());
    tasks.spawn(async move { edge_driver.await.unwrap_or_default() });
    tasks.spawn(async move { agent_driver.await.unwrap_or_default() });
    tasks.spawn(async move {
        let mut echoes = JoinSet::new();
        while let Some(mut stream) = incoming.accept().await {
            echoes.spawn(async move {
                while let Ok(Some(chunk)) = stream.chunk().await {
                    if stream.send_chunk(chunk).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    edge
}

async fn connected(edge: &Session) -> Stream {
    let mut stream = edge.open(TYPE).unwrap();
    stream.read_u32().await.unwrap();
    stream
}

async fn round_trips(stream: &mut Stream, len: usize, n: u64) {
    let mut buf = vec![7; len];
    for _ in 0..n {
        stream.write_all(&buf).await.unwrap();
        stream.read_exact(&mut buf).await.unwrap();
    }
}

fn driver(c: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let mut tasks = JoinSet::new();
    let edge = runtime.block_on(echoing(&mut tasks));
    let mut group = c.benchmark_group("driver_tcp");
    group.bench_function("echo_1kib_single", |b| {
        b.to_async(&runtime).iter_custom(|n| {
            let edge = edge.clone();
            async move {
                let mut stream = connected(&edge).await;
                let begun = Instant::now();
                // In a task: the main thread is no worker, and waking it would be measured.
                JoinSet::from_iter([async move { round_trips(&mut stream, 1024, n).await }])
                    .join_all()
                    .await;
                begun.elapsed()
            }
        });
    });
    group.throughput(Throughput::Elements(64));
    group.bench_function("echo_1kib_parallel_64", |b| {
        b.to_async(&runtime).iter_custom(|n| {
            let edge = edge.clone();
            async move {
                let mut streams = Vec::new();
                for _ in 0..64 {
                    streams.push(connected(&edge).await);
                }
                let begun = Instant::now();
                let tasks = streams.into_iter().map(|mut stream| async move {
                    round_trips(&mut stream, 1024, n).await;
                });
                JoinSet::from_iter(tasks).join_all().await;
                begun.elapsed()
            }
        });
    });
    group.throughput(Throughput::Bytes(16 * 1024 * 1024));
    group.bench_function("echo_16mib_single", |b| {
        b.to_async(&runtime).iter(|| async {
            let (mut rx, mut tx) = tokio::io::split(connected(&edge).await);
            let chunk = vec![7; 256 * 1024];
            let write = async {
                for _ in 0..64 {
                    tx.write_all(&chunk).await.unwrap();
                }
            };
            let mut back = vec![0; 256 * 1024];
            let read = async {
                for _ in 0..64 {
                    rx.read_exact(&mut back).await.unwrap();
                }
            };
            tokio::join!(write, read);
        });
    });
    group.finish();
    drop(edge);
    runtime.block_on(tasks.shutdown());
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = codec, pair, driver
}
criterion_main!(benches);
