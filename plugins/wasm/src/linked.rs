//! A component that is compiled and joined to what it imports: everything that its instances share.

use std::sync::Arc;

use wasmtime::component::{Component, InstancePre, Linker};

use crate::{
    component::{ComponentError, Inspection},
    engine::Machine,
    grants::Grants,
    guests::Indices,
    host::{self, State},
};

/// A component that is compiled and joined to what it imports.
pub(crate) struct Linked {
    pub(crate) machine: Arc<Machine>,
    pub(crate) pre: InstancePre<State>,
    pub(crate) indices: Indices,
    pub(crate) inspection: Inspection,
}

impl std::fmt::Debug for Linked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Linked").field("inspection", &self.inspection).finish_non_exhaustive()
    }
}

/// Whether the file grants what a component imports.
pub(crate) fn check_grants(inspection: &Inspection, grants: &Grants) -> Result<(), ComponentError> {
    match inspection.grants().find(|interface| !grants.allow(interface)) {
        None => Ok(()),
        Some(interface) => Err(ComponentError::NotGranted {
            interface: interface.to_owned(),
            functions: inspection
                .imports
                .get(interface)
                .map_or_else(String::new, |functions| functions.join(", ")),
        }),
    }
}

impl Linked {
    /// Joins a component to what it imports. Only what is granted is there.
    ///
    /// # Errors
    /// It imports something that is not there, or a hook that is not as the contract says.
    pub(crate) fn new(
        machine: Arc<Machine>,
        component: &Component,
        inspection: Inspection,
        grants: &Grants,
    ) -> wasmtime::Result<Self> {
        let mut linker = Linker::new(&machine.engine);
        host::add_to_linker(&mut linker, grants)?;
        let pre = linker.instantiate_pre(component)?;
        let indices = Indices::find(&pre, &inspection.hooks)?;
        Ok(Self { machine, pre, indices, inspection })
    }
}
