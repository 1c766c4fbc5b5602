//! Two things at once: what was decided about an agent is outdated by the time it is done.

use adit_proto::rpc;
use tokio::io::AsyncWriteExt as _;

use crate::{rig::*, session::eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_agent_that_goes_while_it_is_let_in_leaves_no_session() {
    let edge = edge().await;
    let asked = rpc::first_bytes(&auth("", ""));
    let len = u32::try_from(asked.len()).unwrap();
    // DATA with SYN, stream 3.
    let frame = [&(len << 8 | 0x12).to_be_bytes()[..], &3u32.to_be_bytes(), &asked].concat();
    let mut agents = tokio::task::JoinSet::new();
    for n in 0..4000 {
        let mut io = edge.join();
        let frame = frame.clone();
        agents.spawn(async move {
            io.write_all(&frame).await.unwrap();
            for _ in 0..n % 32 {
                tokio::task::yield_now().await;
            }
        });
    }
    agents.join_all().await;
    eventually(|| edge.sessions().is_empty()).await;
}
