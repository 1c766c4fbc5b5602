//! `restrict-ips`: lets visitors through by the address of their connection, which no header can
//! claim.

use adit_builtin::networks::{self, Networks, Standing};
use adit_chain::{BoxFuture, Refusal, code::IP_RESTRICTED};
use http::StatusCode;
use ipnet::IpNet;

use super::{Action, BuildCx, Done, Failure, Kind, outcome};
use crate::{expr::Template, fields::Fields, phase::Phase, scope::Scope, value};

pub(super) const KIND: Kind = Kind {
    name: "restrict-ips",
    namespace: NAMESPACE,
    phases: &[Phase::TcpConnect, Phase::HttpRequest, Phase::HttpResponse],
    is_terminating: false,
    build,
};

const NAMESPACE: &str = "restrict_ips";

/// How many networks a list may have.
///
/// Reason: each is looked at for each visitor. Published lists of cloud providers have some
/// thousands.
const MAX_NETWORKS: usize = 10_000;

/// A text is not a network.
const BAD_NETWORK: u32 = 2217;
/// There is no such list of rules.
const UNKNOWN_POLICY: u32 = 2216;

fn build(fields: &mut Fields<'_>, _: &BuildCx<'_>) -> Option<Box<dyn Action>> {
    let is_enforced = fields.bool_or("enforce", true);
    let (allow, deny) = (List::read(fields, "allow"), List::read(fields, "deny"));
    if fields.strings("ip_policies", 0..=MAX_NETWORKS).is_some_and(|ids| !ids.is_empty()) {
        let message = "names rules that are kept elsewhere; list the networks under allow and deny";
        fields.error("ip_policies", UNKNOWN_POLICY, message);
    }
    let networks = Networks { allow: allow.fixed, deny: deny.fixed };
    Some(Box::new(RestrictIps { networks, allow: allow.made, deny: deny.made, is_enforced }))
}

/// Networks of one list.
#[derive(Default)]
struct List {
    fixed: Vec<IpNet>,
    /// Those that are known only when they are needed.
    made: Vec<Template>,
}

impl List {
    fn read(fields: &mut Fields<'_>, name: &'static str) -> Self {
        let mut list = Self::default();
        let templates = fields.template_list(name, 0..=MAX_NETWORKS).unwrap_or_default();
        for (i, template) in templates.into_iter().enumerate() {
            let Some(text) = template.literal() else {
                list.made.push(template);
                continue;
            };
            if let Some(net) = networks::parse(text) {
                list.fixed.push(net);
            } else {
                let how = "write 192.0.2.0/24 or 2001:db8::/32";
                let message = format!("{text:?} is not a network; {how}");
                fields.error_in(&[name, &i.to_string()], BAD_NETWORK, message);
            }
        }
        list
    }
}

#[derive(Debug)]
struct RestrictIps {
    networks: Networks,
    allow: Vec<Template>,
    deny: Vec<Template>,
    is_enforced: bool,
}

impl RestrictIps {
    fn standing(&self, scope: &Scope) -> Result<Standing, Failure> {
        let address = scope.conn.client.ip();
        if self.allow.is_empty() && self.deny.is_empty() {
            return Ok(self.networks.standing(address));
        }
        let made = |templates: &[Template]| -> Result<Vec<IpNet>, Failure> {
            templates.iter().map(|template| network(template, scope)).collect()
        };
        let made = Networks { allow: made(&self.allow)?, deny: made(&self.deny)? };
        Ok(match (self.networks.standing(address), made.standing(address)) {
            (denied @ Standing::Denied(_), _) | (_, denied @ Standing::Denied(_)) => denied,
            (allowed @ Standing::Allowed(_), _) | (_, allowed) => allowed,
        })
    }

    fn decide(&self, scope: &mut Scope) -> Result<Done, Failure> {
        let standing = self.standing(scope)?;
        let is_allowed = standing.is_allowed();
        let matched = standing.network().map(|net| net.to_string()).unwrap_or_default();
        let error =
            if is_allowed { outcome::no_error() } else { outcome::error(IP_RESTRICTED.0, REFUSED) };
        let result = [
            ("action", value::text(if is_allowed { "allow" } else { "deny" })),
            ("matched_cidr", value::text(&matched)),
            ("error", error),
        ];
        scope.set_result(NAMESPACE, value::map(result));
        if is_allowed || !self.is_enforced {
            return Ok(Done::Next);
        }
        Ok(match scope.phase {
            Phase::TcpConnect => Done::Close,
            _ => {
                let refusal = Refusal::new(StatusCode::FORBIDDEN, REFUSED);
                Done::Refuse(refusal.with_code(IP_RESTRICTED))
            }
        })
    }
}

const REFUSED: &str = "Connections from your address are not allowed.";

fn network(template: &Template, scope: &Scope) -> Result<IpNet, Failure> {
    let text = template.text(scope)?;
    let not_one = || Failure::new(Failure::GENERAL, "a text came out that is not a network");
    networks::parse(&text).ok_or_else(not_one)
}

impl Action for RestrictIps {
    fn run<'a>(&'a self, scope: &'a mut Scope) -> BoxFuture<'a, Result<Done, Failure>> {
        Box::pin(std::future::ready(self.decide(scope)))
    }
}

#[cfg(test)]
mod tests;
