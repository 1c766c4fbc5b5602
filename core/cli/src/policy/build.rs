//! `adit policy build`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use super::{
    args::{BuildArgs, ProfileArgs},
    artifact,
    cargo::Crate,
    component,
    contents::Contents,
    module, text,
};
use crate::output::line;

/// A policy that was compiled just now.
pub(super) struct Built {
    pub(super) file: PathBuf,
    pub(super) contents: Contents,
}

pub(super) fn run(args: &BuildArgs) -> Result<()> {
    let built = match &args.module {
        Some(file) => module::build(file, args)?,
        None => {
            let (dir, manifest) = (&args.source.dir, &args.source.manifest_path);
            let of = Crate::find(dir.as_deref(), manifest.as_deref())?;
            build(&of, args.profile, args.output.as_deref())?
        }
    };
    line(format_args!("{}", built.file.display()));
    line(text::contents(&built.contents).trim_end());
    line(format_args!("\n{}", artifact::entry(&built.contents, &built.file).trim_end()));
    Ok(())
}

/// Compiles a crate and writes its component.
pub(super) fn build(of: &Crate, profile: ProfileArgs, to: Option<&Path>) -> Result<Built> {
    let compiled = of.compile(!profile.dev)?;
    let at = || compiled.module.display().to_string();
    let module = fs::read(&compiled.module).with_context(at)?;
    let mut bytes = component::componentize(&module).with_context(|| of.name.clone())?;
    component::label(&mut bytes, of, &compiled);
    let file = to.map_or_else(|| artifact::beside(of.dir(), &of.name), Path::to_owned);
    finish(&bytes, &of.name, &file)
}

/// Writes a component, if it is a policy.
pub(super) fn finish(bytes: &[u8], name: &str, file: &Path) -> Result<Built> {
    let contents = Contents::of(bytes).with_context(|| name.to_owned())?;
    if let Some(problem) = contents.not_a_policy() {
        bail!("{name} is no policy: {problem}");
    }
    write(file, bytes)?;
    Ok(Built { file: file.to_owned(), contents })
}

/// Whoever watches the file sees the old one or the new one, never a part.
fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    let part = file.with_extension(format!("wasm.part{}", std::process::id()));
    let written = fs::write(&part, bytes).and_then(|()| fs::rename(&part, file));
    written
        .inspect_err(|_| drop(fs::remove_file(&part)))
        .with_context(|| format!("cannot write {}", file.display()))
}
