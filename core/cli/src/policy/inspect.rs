//! `adit policy inspect`.

use anyhow::Result;

use super::{args::InspectArgs, artifact, contents::Contents, text};
use crate::output::line;

pub(super) fn run(args: &InspectArgs) -> Result<()> {
    let contents = Contents::of_file(&args.file)?;
    if args.json {
        line(format_args!("{:#}", contents.json()));
        return Ok(());
    }
    line(text::contents(&contents).trim_end());
    if contents.not_a_policy().is_none() {
        line(format_args!("\n{}", artifact::entry(&contents, &args.file).trim_end()));
    }
    Ok(())
}
