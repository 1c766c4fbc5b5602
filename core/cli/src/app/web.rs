//! The web service: bound before anything is dialled, and answering before the log says so.

use std::sync::Arc;

use adit_config::{Config, config::WebAddr};
use adit_inspect::{
    api::{self, Serving, Shown, Web},
    capture::Store,
};
use anyhow::{Context, Result};
use tracing::info;

use super::control::Controls;

/// Takes the address of the web service; `None` if there shall be none.
///
/// # Errors
/// The address that was configured cannot be had.
pub(super) async fn bind(config: &Config) -> Result<Option<Web>> {
    let wanted = match &config.web_addr {
        WebAddr::Off => return Ok(None),
        WebAddr::Default => api::WebAddr::Default,
        WebAddr::At(at) => api::WebAddr::At { host: at.value.host.clone(), port: at.value.port },
    };
    Ok(Some(Web::bind(&wanted).await?))
}

/// Answers from now on, and says where.
pub(super) fn serve(
    web: Web,
    config: &Config,
    control: Arc<Controls>,
    store: Option<Arc<Store>>,
) -> Result<Serving> {
    let addr = web.addr();
    let allow_hosts: Vec<_> =
        config.web_allow_hosts.iter().map(|host| host.value.clone()).collect();
    let allowed = format!("[{}]", allow_hosts.join(","));
    let replayer = Arc::<Controls>::clone(&control);
    let mut shown = Shown::new(control).replayer(replayer).allow_hosts(allow_hosts);
    if let Some(store) = store {
        shown = shown.store(store);
    }
    let serving = web.serve(shown).context("cannot start the web service")?;
    info!(obj = "web", %addr, allow_hosts = allowed, "starting web service");
    Ok(serving)
}
