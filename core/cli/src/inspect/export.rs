//! `adit inspect export`.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use anyhow::{Context, Result, bail};
use http_body_util::BodyExt as _;

use super::{
    args::ExportArgs,
    client::{Api, with_query},
};

pub(super) async fn run(api: &Api, args: &ExportArgs) -> Result<()> {
    let mut query = args.filter.query();
    if !args.ids.is_empty() {
        if !query.is_empty() {
            bail!("say ids or filters, not both");
        }
        query.push(("ids", args.ids.join(",")));
    }
    let secrets = if args.include_secrets { "include" } else { "mask" };
    query.push(("secrets", secrets.to_owned()));
    let mut body = api.stream(&with_query("/api/har", &query)).await?;
    let at = || format!("cannot write {}", args.har.display());
    // Nothing is overwritten before there is something to write.
    let mut out = open(&args.har).with_context(at)?;
    while let Some(frame) = body.frame().await {
        let frame = frame.context("the agent's answer broke off; the file is not whole")?;
        if let Ok(bytes) = frame.into_data() {
            write(&mut *out, &bytes, &args.har)?;
        }
    }
    out.flush().with_context(at)
}

fn write(out: &mut dyn Write, bytes: &[u8], path: &Path) -> Result<()> {
    match out.write_all(bytes) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).with_context(|| format!("cannot write {}", path.display()))
        }
        written => Ok(written?),
    }
}

/// The file, for its owner only: what visitors sent is nobody else's business.
fn open(path: &Path) -> io::Result<Box<dyn Write>> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdout()));
    }
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    Ok(Box::new(file))
}
