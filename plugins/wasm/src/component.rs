//! What a component is, read from its bytes alone: what it imports and exports, and whether it is
//! a policy at all.

mod known;
mod manifest;
mod read;

use std::{collections::BTreeMap, fmt};

use crate::hook::{Hook, HookInterface};

pub use self::manifest::Manifest;

/// The contract that this agent serves, without the patch number, which matches either way.
const CONTRACT: &str = "adit:policy";
const SERVED: &str = "0.1.";

/// What a component asks for and offers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// SHA-256 of the file.
    pub digest: [u8; 32],
    /// Octets of the file.
    pub size: usize,
    /// Functions that it calls, by interface of the contract: `rate` → `take`.
    pub imports: BTreeMap<String, Vec<String>>,
    /// Imports that are not of the contract, by their whole name: `wasi:cli/environment@0.2.6`.
    pub foreign: Vec<String>,
    /// Hooks that it exports.
    pub hooks: Vec<HookInterface>,
    /// Whether it exports `configure`.
    pub has_setup: bool,
    /// Version of the contract that it was built for: `0.1.0`.
    pub abi: Option<String>,
    /// What its builder wrote into it.
    pub manifest: Option<Manifest>,
}

/// A file is no component that this agent can run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ComponentError {
    /// A module that nobody made a component of.
    #[error("this is a core module; run `adit policy build`")]
    CoreModule,
    /// Machine code. It would have to be trusted.
    #[error("this is precompiled code, which is never taken from a file; give the .wasm")]
    Precompiled,
    /// Something else.
    #[error("this is not a WebAssembly component: {0}")]
    NotWasm(String),
    /// No function that starts it.
    #[error("exports no `setup`: it is not a policy")]
    NoSetup,
    /// A policy that does nothing.
    #[error("exports no hook: it would never be called")]
    NoHook,
    /// It could never be told what it asks for.
    #[error("calls `{call}` but exports no `{hook}`")]
    NoBodyHook {
        /// The function that it calls.
        call: &'static str,
        /// The interface that it would be called by.
        hook: HookInterface,
    },
    /// A power that the file does not grant.
    #[error(
        "needs {interface} ({functions}), which is not granted; write `grants: {{ {interface}: [...] }}`"
    )]
    NotGranted {
        /// The interface.
        interface: String,
        /// What it calls of it.
        functions: String,
    },
    /// Functions that came after this agent.
    #[error("needs adit {least} or newer (uses {uses}); this is adit {this}")]
    TooOld {
        /// The version that it says it needs.
        least: String,
        /// A function that there is not.
        uses: String,
        /// This agent's version.
        this: &'static str,
    },
    /// Another line of the contract.
    #[error("was built for version {0} of the policy contract; this agent serves 0.1")]
    OtherContract(String),
    /// The world outside.
    #[error("{0}")]
    Foreign(Foreign),
}

/// Imports that no policy has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign(pub Vec<String>);

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.0.first().map_or("", String::as_str);
        write!(f, "imports {first}")?;
        if self.0.len() > 1 {
            write!(f, " and {} more", self.0.len() - 1)?;
        }
        f.write_str(", which is not part of the policy contract")?;
        if self.0.iter().any(|name| name.starts_with("wasi:")) {
            f.write_str(
                ": a policy has no files, environment or sockets; build it for \
                 wasm32-unknown-unknown, and look for a dependency that pulls WASI in",
            )?;
        }
        Ok(())
    }
}

impl Inspection {
    /// Whether it calls a function of the contract.
    pub fn calls(&self, interface: &str, function: &str) -> bool {
        let functions = self.imports.get(interface);
        functions.is_some_and(|functions| functions.iter().any(|known| known == function))
    }

    /// Interfaces that the file must grant: those of `kv`, `rate`, `secrets` and `outbound` that it
    /// imports.
    pub fn grants(&self) -> impl Iterator<Item = &str> {
        ["kv", "rate", "secrets", "outbound"]
            .into_iter()
            .filter(|interface| self.imports.contains_key(*interface))
    }

    /// Whether it is a policy that this agent can run, once it is granted what it needs.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> Result<(), ComponentError> {
        if !self.foreign.is_empty() {
            let names = &self.foreign;
            let other = names.iter().find_map(|name| {
                let (package, version) = name.split_once('@')?;
                package.starts_with("adit:policy/").then(|| version.to_owned())
            });
            return Err(match other {
                Some(version) => ComponentError::OtherContract(version),
                None => ComponentError::Foreign(Foreign(names.clone())),
            });
        }
        if let Some(uses) = known::first_unknown(&self.imports) {
            let manifest = self.manifest.as_ref();
            let least = manifest.and_then(|manifest| manifest.min_agent.clone());
            let least = least.unwrap_or_else(|| "a later release".to_owned());
            let this = env!("CARGO_PKG_VERSION");
            return Err(ComponentError::TooOld { least, uses, this });
        }
        if !self.has_setup {
            return Err(ComponentError::NoSetup);
        }
        if self.hooks.is_empty() {
            return Err(ComponentError::NoHook);
        }
        self.check_bodies()
    }

    fn check_bodies(&self) -> Result<(), ComponentError> {
        let asks = [
            ("request.await-body", HookInterface::RequestBody),
            ("request.watch-body", HookInterface::RequestBody),
            ("response.await-body", HookInterface::ResponseBody),
            ("response.watch-body", HookInterface::ResponseBody),
        ];
        for (call, hook) in asks {
            if self.calls("http", call) && !self.hooks.contains(&hook) {
                return Err(ComponentError::NoBodyHook { call, hook });
            }
        }
        Ok(())
    }

    /// Calls that the agent makes to it.
    pub fn calls_made(&self) -> impl Iterator<Item = Hook> + '_ {
        self.hooks
            .iter()
            .flat_map(|hook| match hook {
                HookInterface::Connection => &[Hook::Connection][..],
                HookInterface::Close => &[Hook::Close],
                HookInterface::Stream => &[Hook::Data],
                HookInterface::Request => &[Hook::Request],
                HookInterface::RequestBody => &[Hook::RequestBody, Hook::RequestChunk],
                HookInterface::Response => &[Hook::Response],
                HookInterface::ResponseBody => &[Hook::ResponseBody, Hook::ResponseChunk],
                HookInterface::Finish => &[Hook::Finish],
            })
            .copied()
    }
}

/// Reads what a component asks for and offers. It may be any component: what is foreign in it is
/// told, not refused.
///
/// # Errors
/// It is no component.
pub fn inspect(bytes: &[u8]) -> Result<Inspection, ComponentError> {
    read::inspect(bytes)
}
