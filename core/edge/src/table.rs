//! From a name or port to the tunnels that serve it.
//!
//! Visitors read a snapshot without a lock; whoever changes it makes a new one. A number that grows
//! with each change lets a connection keep what it found until something has changed.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use adit_chain::InsideUrl;
use adit_proto::message::Proto;
use adit_runtime::Route;
use arc_swap::ArcSwap;
use tokio::sync::watch;

use crate::{address::Key, tunnel::Tunnel};

/// The tunnels behind one address.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) proto: Proto,
    members: ArcSwap<Vec<Arc<Tunnel>>>,
    next: AtomicUsize,
}

impl Pool {
    pub(crate) fn new(proto: Proto) -> Self {
        Self { proto, members: ArcSwap::default(), next: AtomicUsize::new(0) }
    }

    pub(crate) fn members(&self) -> Arc<Vec<Arc<Tunnel>>> {
        self.members.load_full()
    }

    pub(crate) fn set_members(&self, members: Vec<Arc<Tunnel>>) {
        self.members.store(Arc::new(members));
    }

    /// The next tunnel in turn, of those that can be reached soonest and answer pings. The others have
    /// no turn: theirs would all fall to the member behind them.
    pub(crate) fn pick(&self) -> Option<Arc<Route>> {
        let members = self.members.load();
        let tunnel = match members.as_slice() {
            [] => return None,
            [only] => only, // nothing to choose: the route waits for it
            [first, ..] => {
                let delay = |tunnel: &Arc<Tunnel>| (tunnel.paths.reach(), tunnel.paths.is_silent());
                let least = members.iter().map(delay).min();
                let soonest = || members.iter().filter(|tunnel| Some(delay(tunnel)) == least);
                let turn = self.next.fetch_add(1, Ordering::Relaxed);
                // They may have become fewer since they were counted.
                soonest().nth(turn % soonest().count().max(1)).unwrap_or(first)
            }
        };
        Some(Arc::clone(&tunnel.route))
    }
}

#[derive(Clone, Debug, Default)]
struct Table {
    plain: HashMap<String, Arc<Pool>>,
    secure: HashMap<String, Arc<Pool>>,
    /// By account; with ports.
    internal: HashMap<Arc<str>, HashMap<String, Arc<Pool>>>,
}

/// The names. Public ports have listeners of their own.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    table: ArcSwap<Table>,
    generation: AtomicU64,
    changed: watch::Sender<()>,
}

impl Routes {
    /// Who serves a name without TLS.
    pub(crate) fn plain(&self, host: &str) -> Option<Arc<Pool>> {
        find(&self.table.load().plain, host)
    }

    /// Who serves a name with TLS.
    pub(crate) fn secure(&self, host: &str) -> Option<Arc<Pool>> {
        find(&self.table.load().secure, host)
    }

    /// Who serves an internal name of an account: the name itself, else the closest wildcard.
    pub(crate) fn internal(&self, account: &str, url: &InsideUrl) -> Option<Arc<Pool>> {
        let table = self.table.load();
        let (names, port) = (table.internal.get(account)?, url.port());
        let mut candidates = url.candidates();
        candidates.find_map(|host| names.get(&format!("{host}:{port}")).map(Arc::clone))
    }

    /// Changes with every change of names, members, or of who can be reached.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Tells connections to look again.
    pub(crate) fn touch(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.changed.send_replace(());
    }

    /// Tells of each change from now on.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Writers are serialised by whoever owns the tunnels.
    pub(crate) fn insert(&self, key: &Key, pool: &Arc<Pool>) {
        self.change(key, |names, host| {
            names.insert(host.to_owned(), Arc::clone(pool));
        });
    }

    pub(crate) fn remove(&self, key: &Key) {
        self.change(key, |names, host| {
            names.remove(host);
        });
    }

    fn change(&self, key: &Key, edit: impl FnOnce(&mut HashMap<String, Arc<Pool>>, &str)) {
        let mut table = Table::clone(&self.table.load());
        match key {
            Key::Plain(host) => edit(&mut table.plain, host),
            Key::Secure(host) => edit(&mut table.secure, host),
            Key::Internal(account, host) => {
                let names = table.internal.entry(Arc::clone(account)).or_default();
                edit(names, host);
                if names.is_empty() {
                    table.internal.remove(account);
                }
            }
            Key::Port(_) => return,
        }
        self.table.store(Arc::new(table));
        self.touch();
    }
}

/// The name itself, else the closest wildcard above it.
fn find(names: &HashMap<String, Arc<Pool>>, host: &str) -> Option<Arc<Pool>> {
    if let Some(pool) = names.get(host) {
        return Some(Arc::clone(pool));
    }
    let mut rest = host;
    while let Some((_, parent)) = rest.split_once('.') {
        if let Some(pool) = names.get(&format!("*.{parent}")) {
            return Some(Arc::clone(pool));
        }
        rest = parent;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_name_wins() {
        let routes = Routes::default();
        let names = ["a.example", "*.a.example", "*.b.a.example"];
        let pools: Vec<_> = names.iter().map(|_| Arc::new(Pool::new(Proto::Https))).collect();
        for (name, pool) in names.iter().zip(&pools) {
            routes.insert(&Key::Secure((*name).to_owned()), pool);
        }
        let found = |host: &str| {
            let found = routes.secure(host)?;
            pools.iter().position(|pool| Arc::ptr_eq(pool, &found))
        };
        assert_eq!(found("a.example"), Some(0));
        assert_eq!(found("x.a.example"), Some(1));
        assert_eq!(found("x.b.a.example"), Some(2));
        assert_eq!(found("y.x.b.a.example"), Some(2));
        assert_eq!(found("example"), None);
        assert!(routes.plain("a.example").is_none());
        routes.remove(&Key::Secure("*.b.a.example".to_owned()));
        assert_eq!(found("x.b.a.example"), Some(1));
        assert_eq!(routes.generation(), 4);
    }

    #[test]
    fn internal_names_are_those_of_one_account() {
        let routes = Routes::default();
        let account: Arc<str> = "acme".into();
        let names = ["a.internal:443", "*.a.internal:443", "a.internal:8443"];
        let pools: Vec<_> = names.iter().map(|_| Arc::new(Pool::new(Proto::Https))).collect();
        for (name, pool) in names.iter().zip(&pools) {
            routes.insert(&Key::Internal(Arc::clone(&account), (*name).to_owned()), pool);
        }
        let found = |account: &str, url: &str| {
            let found = routes.internal(account, &InsideUrl::parse(url).unwrap())?;
            pools.iter().position(|pool| Arc::ptr_eq(pool, &found))
        };
        assert_eq!(found("acme", "https://a.internal"), Some(0));
        assert_eq!(found("acme", "https://x.y.a.internal"), Some(1));
        assert_eq!(found("acme", "https://a.internal:8443"), Some(2));
        assert_eq!(found("acme", "https://x.a.internal:8443"), None);
        assert_eq!(found("other", "https://a.internal"), None);
        for name in names {
            routes.remove(&Key::Internal(Arc::clone(&account), name.to_owned()));
        }
        assert!(routes.table.load().internal.is_empty());
    }

    #[test]
    fn an_empty_pool_has_nobody() {
        assert!(Pool::new(Proto::Http).pick().is_none());
    }
}
