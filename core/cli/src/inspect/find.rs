//! Where the agent's local API is.

use adit_config::{addr::HostPort, config::WebAddr, file::File};
use anyhow::{Context, Result, bail};

use crate::{args::GlobalArgs, load};

/// What the user says, else what the configuration says, else the usual place.
pub(super) fn address(global: &GlobalArgs, said: Option<&str>) -> Result<HostPort> {
    if let Some(said) = said {
        return parse(said).with_context(|| format!("--addr {said:?}"));
    }
    let config = load::read(global, File::default())?.config;
    Ok(match config.web_addr {
        WebAddr::At(addr) => reachable(addr.value),
        WebAddr::Off => bail!("the configuration says web_addr: false, so there is no local API"),
        _ => WebAddr::default_addr(),
    })
}

fn parse(said: &str) -> Result<HostPort> {
    let rest = said.strip_prefix("http://").unwrap_or(said);
    let rest = rest.split('/').next().unwrap_or_default();
    if let Ok(port) = rest.parse() {
        return Ok(HostPort::new("127.0.0.1", port));
    }
    Ok(reachable(rest.parse::<HostPort>()?))
}

/// Who listens everywhere listens on loopback too.
fn reachable(addr: HostPort) -> HostPort {
    match addr.host.as_str() {
        "0.0.0.0" => HostPort::new("127.0.0.1", addr.port),
        "::" => HostPort::new("::1", addr.port),
        _ => addr,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_whatever_names_one() {
        let parsed = |said| parse(said).unwrap().to_string();
        assert_eq!(parsed("4041"), "127.0.0.1:4041");
        assert_eq!(parsed("localhost:4040"), "localhost:4040");
        assert_eq!(parsed("http://127.0.0.1:4040/inspect/http"), "127.0.0.1:4040");
        assert_eq!(parsed("0.0.0.0:1"), "127.0.0.1:1");
        assert_eq!(parsed("[::]:1"), "[::1]:1");
        assert!(parse("nowhere").unwrap_err().to_string().contains("has no port"));
    }
}
