//! What later rules are told of a login.

use std::{sync::Arc, time::SystemTime};

use cel::Value;
use chrono::{DateTime, SecondsFormat, Utc};

use crate::{
    login::{
        secrets::{digest, to_text},
        session::Facts,
        trouble::{Flavor, Trouble},
    },
    value::{map, text},
};

/// What became of a login.
#[derive(Default)]
pub(super) struct Report {
    /// What the provider told of the visitor.
    pub(super) facts: Option<Arc<Facts>>,
    /// The session's name, and when it ends.
    pub(super) session: Option<(String, SystemTime)>,
    pub(super) session_timed_out: bool,
    pub(super) session_max_duration_reached: bool,
    pub(super) userinfo_refreshed: bool,
}

impl Report {
    /// Every field that there is, empty where nothing is known.
    pub(super) fn to_value(&self, flavor: Flavor, trouble: Option<&Trouble>) -> Value {
        let facts = self.facts.as_deref().cloned().unwrap_or_default();
        let (person, tokens) = (facts.person, facts.tokens);
        let id = if person.id.is_empty() {
            String::new()
        } else {
            let own = digest(&[flavor.namespace().as_bytes(), person.id.as_bytes()]);
            format!("idn_{}", to_text(&own[..20]))
        };
        let (session, ends) = match &self.session {
            Some((name, ends)) => (name.as_str(), rfc3339(*ends)),
            None => ("", String::new()),
        };
        let session_field = match flavor {
            Flavor::Oauth => "current_provider_session_id",
            Flavor::Oidc => "current_session_id",
        };
        let identity = map([
            ("id", text(&id)),
            ("email", text(&person.email)),
            ("name", text(&person.name)),
            ("provider_user_id", text(&person.id)),
            (session_field, text(session)),
        ]);
        let code = trouble.map(|trouble| format!("ERR_NGROK_{}", trouble.code));
        let message = trouble.map(|trouble| trouble.message.clone());
        let error = map([
            ("code", text(&code.unwrap_or_default())),
            ("message", text(&message.unwrap_or_default())),
        ]);
        let mut fields = vec![
            ("identity", identity),
            ("error", error),
            ("access_token", text(&tokens.access)),
            ("refresh_token", text(tokens.refresh.as_deref().unwrap_or_default())),
            ("expires_at", text(&ends)),
            ("session_timed_out", self.session_timed_out.into()),
            ("session_max_duration_reached", self.session_max_duration_reached.into()),
            ("userinfo_refreshed", self.userinfo_refreshed.into()),
        ];
        if flavor == Flavor::Oidc {
            fields.push(("identity_token", text(tokens.identity.as_deref().unwrap_or_default())));
            fields.push(("user_info_refreshed", self.userinfo_refreshed.into()));
        }
        map(fields)
    }
}

fn rfc3339(at: SystemTime) -> String {
    DateTime::<Utc>::from(at).to_rfc3339_opts(SecondsFormat::Secs, true)
}
