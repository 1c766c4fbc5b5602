//! Small changes that an agent asks for.

use std::sync::atomic::Ordering;

use adit_proto::{ErrorCode, ErrorText, message::PatchTunnelState};

use super::Control;
use crate::{address::invalid, shared::Shared};

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
        let account = std::sync::Arc::clone(&session.account.id);
        self.retired.remove(&(account, id.to_owned()));
    }

    /// Changes what is said about a tunnel of this session.
    pub(crate) fn patch(
        &mut self,
        shared: &Shared,
        client_id: &str,
        patch: PatchTunnelState,
    ) -> Result<(), ErrorText> {
        let session = self.sessions.get(client_id);
        let found = session.and_then(|session| {
            session.tunnels.values().find(|tunnel| tunnel.tunnel_id == patch.tunnel_id)
        });
        let Some(tunnel) = found else {
            let message = "The session has no such tunnel.";
            return Err(ErrorText::new(ErrorCode::TUNNEL_NOT_FOUND, message));
        };
        if patch.traffic_policy.is_some_and(|policy| !policy.expose().trim().is_empty()) {
            return Err(invalid("TrafficPolicy is not supported by this edge; remove it."));
        }
        let max = shared.settings.limits.metadata_len;
        let texts = [&patch.name, &patch.description, &patch.metadata];
        if texts.into_iter().flatten().any(|text| text.len() > max) {
            return Err(invalid(format!(
                "Metadata, names and descriptions have at most {max} bytes."
            )));
        }
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
