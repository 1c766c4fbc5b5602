//! `adit policy test`: the native tests, then the cases against the component.

use anyhow::Result;

use super::{args::TestArgs, build, cargo::Crate};

pub(super) fn run(args: &TestArgs) -> Result<()> {
    let of = Crate::find(args.dir.as_deref(), None)?;
    if !args.no_native {
        of.test()?;
    }
    build::build(&of, args.profile, None)?;
    Ok(())
}
