//! Small changes that an agent asks for.

use std::sync::{Arc, atomic::Ordering};

use adit_proto::{ErrorCode, ErrorText, message::PatchTunnelState};

use super::Control;
use crate::{address::invalid, lower, shared::Shared, tunnel::Tunnel};

impl Control {
    /// Gives an address back. Ids that nobody knows are given back all the same.
    pub(crate) fn unbind(&mut self, shared: &Shared, client_id: &str, id: &str) {
        if self.remove_tunnel(shared, client_id, id).is_some() {
            return;
        }
        let Some(session) = self.sessions.get_mut(client_id) else { return };
        if let Some(labelled) = session.labelled.remove(id) {
            labelled.paths.close();
        }
        let account = Arc::clone(&session.account.id);
        self.retired.remove(&(account, id.to_owned()));
    }

    /// The tunnel that a patch is about, as it is.
    fn to_patch(
        &self,
        client_id: &str,
        patch: &PatchTunnelState,
    ) -> Result<Arc<Tunnel>, ErrorText> {
        let session = self.sessions.get(client_id);
        let found = session.and_then(|session| {
            session.tunnels.values().find(|tunnel| tunnel.tunnel_id == patch.tunnel_id)
        });
        found.map(Arc::clone).ok_or_else(gone)
    }

    /// Puts a tunnel in the place of one that only its policy tells it from.
    fn exchange(&mut self, shared: &Shared, old: &Arc<Tunnel>, new: &Arc<Tunnel>) {
        let Some(session) = self.sessions.get_mut(&old.client_id) else { return };
        session.tunnels.insert(new.id.clone(), Arc::clone(new));
        if let Some(held) = self.pools.get(&old.address.key(&old.account)) {
            let members = held.pool.members();
            let renewed = |member| Arc::clone(if Arc::ptr_eq(member, old) { new } else { member });
            held.pool.set_members(members.iter().map(renewed).collect());
        }
        shared.routes.touch();
    }

    /// Changes what is said about a tunnel of this session. `renewed`: the tunnel of before, and
    /// the one with another policy that takes its place.
    fn patch(
        &mut self,
        shared: &Shared,
        client_id: &str,
        patch: PatchTunnelState,
        renewed: Option<(Arc<Tunnel>, Arc<Tunnel>)>,
    ) -> Result<(), ErrorText> {
        let tunnel = self.to_patch(client_id, &patch)?;
        let max = shared.settings.limits.metadata_len;
        let texts = [&patch.name, &patch.description, &patch.metadata];
        if texts.into_iter().flatten().any(|text| text.len() > max) {
            return Err(invalid(format!(
                "Metadata, names and descriptions have at most {max} bytes."
            )));
        }
        let tunnel = match renewed {
            None => tunnel,
            Some((old, new)) if Arc::ptr_eq(&tunnel, &old) => {
                self.exchange(shared, &old, &new);
                new
            }
            Some(_) => {
                let message = "The tunnel was changed meanwhile; try again.";
                return Err(ErrorText::new(ErrorCode::TRANSIENT, message));
            }
        };
        let mut about = tunnel.about.lock();
        about.name = patch.name.unwrap_or_else(|| std::mem::take(&mut about.name));
        about.description =
            patch.description.unwrap_or_else(|| std::mem::take(&mut about.description));
        about.metadata = patch.metadata.unwrap_or_else(|| std::mem::take(&mut about.metadata));
        if let Some(pooling) = patch.pooling_enabled {
            tunnel.pooling.store(pooling, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Carries a patch out. A policy is built before anything is changed, and without the lock.
pub(crate) fn patch(
    shared: &Shared,
    client_id: &str,
    patch: PatchTunnelState,
) -> Result<(), ErrorText> {
    let renewed = match &patch.traffic_policy {
        None => None,
        Some(text) => {
            let old = shared.control.lock().to_patch(client_id, &patch)?;
            let policy = lower::policy::of_text(text.expose())?;
            let new = old.with_policy(shared, policy)?;
            Some((old, Arc::new(new)))
        }
    };
    shared.control.lock().patch(shared, client_id, patch, renewed)
}

fn gone() -> ErrorText {
    ErrorText::new(ErrorCode::TUNNEL_NOT_FOUND, "The session has no such tunnel.")
}
