//! A network between agent and edge: a relay that can be slow, be cut, or fall silent.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep_until},
};

/// Most chunks that are under way in one direction: 64 KiB each, so 64 MiB.
const MAX_CHUNKS: usize = 1024;

/// Relays connections to one address, each byte `one_way` later, without limiting how many are on
/// their way. Dropping it cuts them.
#[derive(Debug)]
pub struct Path {
    addr: SocketAddr,
    weather: watch::Sender<Weather>,
    _tasks: JoinSet<()>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Weather {
    /// Connections that were made before the last cut end.
    n_cuts: usize,
    /// Connections that were made before this many silences carry nothing more, but stay open.
    n_silences: usize,
}

impl Path {
    /// Starts a relay to `to` on a free port.
    ///
    /// # Errors
    /// If no port could be bound.
    pub async fn to(to: SocketAddr, one_way: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let addr = listener.local_addr()?;
        let (weather, _) = watch::channel(Weather { n_cuts: 0, n_silences: 0 });
        let seen = weather.clone();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut relays = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let mut weather = seen.subscribe();
                let began = *weather.borrow_and_update();
                relays.spawn(async move {
                    tokio::select! {
                        () = relay(near, to, one_way, weather.clone()) => {}
                        _ = weather.wait_for(|now| now.n_cuts != began.n_cuts) => {}
                    }
                });
                while relays.try_join_next().is_some() {}
            }
        });
        Ok(Self { addr, weather, _tasks: tasks })
    }

    /// Where to dial it.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Breaks all connections that there are now.
    pub fn cut(&self) {
        self.weather.send_modify(|weather| weather.n_cuts += 1);
    }

    /// From now on the connections that there are carry nothing more, and both ends believe that
    /// they are fine. Connections that are made later work.
    pub fn fall_silent(&self) {
        self.weather.send_modify(|weather| weather.n_silences += 1);
    }
}

async fn relay(
    near: TcpStream,
    to: SocketAddr,
    one_way: Duration,
    mut weather: watch::Receiver<Weather>,
) {
    let began = *weather.borrow_and_update();
    let Ok(far) = TcpStream::connect(to).await else { return };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
    let both = async {
        tokio::join!(
            direction(near_read, far_write, one_way),
            direction(far_read, near_write, one_way)
        );
    };
    tokio::pin!(both);
    tokio::select! {
        () = &mut both => return,
        changed = weather.wait_for(|now| now.n_silences != began.n_silences) => {
            if changed.is_err() {
                return;
            }
        }
    }
    // Holds both sockets and moves nothing.
    std::future::pending::<()>().await;
}

async fn direction(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, one_way: Duration) {
    let (sender, mut receiver) = mpsc::channel::<(Instant, Vec<u8>)>(MAX_CHUNKS);
    let read = async move {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(n @ 1..) = from.read(&mut buffer).await {
            if sender.send((Instant::now() + one_way, buffer[..n].to_vec())).await.is_err() {
                break;
            }
        }
    };
    let write = async move {
        while let Some((at, chunk)) = receiver.recv().await {
            sleep_until(at).await;
            if to.write_all(&chunk).await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await;
    };
    tokio::join!(read, write);
}
