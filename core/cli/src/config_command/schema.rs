//! `adit config schema`: what the file may say, for editors.

use std::process::ExitCode;

use adit_config::schema;
use anyhow::Result;

use super::args::SchemaOf;
use crate::output::line;

pub(super) fn run(of: SchemaOf) -> Result<ExitCode> {
    let schema = match of {
        SchemaOf::Agent => schema::agent(),
        SchemaOf::Edge => schema::edge(),
    };
    line(serde_json::to_string_pretty(&schema)?);
    Ok(ExitCode::SUCCESS)
}
