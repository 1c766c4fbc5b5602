//! Puts a service on a URL of an edge: `adit-example-embed HOST:PORT CA.pem TOKEN UPSTREAM`.
#![expect(clippy::print_stdout, reason = "the URL is for the person who runs it")]

use adit_agent::{Agent, EndpointSpec, Roots};
use adit_chain::Registry;
use anyhow::Context;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let mut next = || args.next().context("usage: adit-example-embed HOST:PORT CA TOKEN UPSTREAM");
    let agent = Agent::builder()
        .connect(&next()?)
        .roots(Roots::File(next()?.into()))
        .authtoken(&next()?)
        .registry(Registry::default().with(adit_builtin::all()))
        .build()?;
    let session = agent.start().await?;
    let spec = EndpointSpec::http(&next()?).basic_auth("ann", "correct-horse");
    let endpoint = session.bind(spec).await?;
    println!("Forwarding  {} -> {}", endpoint.url(), endpoint.upstream());
    session.handle().stopped().await;
    Ok(())
}
