//! Files that change while they are used: the configuration, and policies.

use std::{path::Path, sync::Arc, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::{info, warn};

use super::App;
use crate::plugins::{Seen, Stamp, stamp};

/// How often files are looked at.
///
/// Reason: a change is taken up once it was seen twice, and it shall take less than a second; and
/// looking works on every file system, which being told does not.
const PERIOD: Duration = Duration::from_millis(100);

/// The files of the configuration.
struct Files {
    paths: Vec<String>,
    /// As they were when they were read.
    known: Vec<Stamp>,
    /// As they were seen the last time.
    seen: Vec<Stamp>,
}

impl Files {
    /// Looks at these files from now on, each with how it was when it was read.
    fn set_paths(&mut self, files: Vec<(String, Stamp)>) {
        if self.paths.iter().eq(files.iter().map(|(path, _)| path)) {
            return;
        }
        let before = |stamps: &[Stamp], (path, read): &(String, Stamp)| {
            let n = self.paths.iter().position(|known| known == path);
            n.map_or(*read, |n| stamps.get(n).copied().flatten())
        };
        self.known = files.iter().map(|file| before(&self.known, file)).collect();
        self.seen = files.iter().map(|file| before(&self.seen, file)).collect();
        self.paths = files.into_iter().map(|(path, _)| path).collect();
    }

    fn new(paths: Vec<String>) -> Self {
        let stamps = look(&paths);
        Self { paths, known: stamps.clone(), seen: stamps }
    }

    /// Whether one has changed, and all have stopped changing: they may still be being written. One
    /// that is gone will come back.
    fn have_changed(&mut self) -> bool {
        let now = look(&self.paths);
        let before = std::mem::replace(&mut self.seen, now.clone());
        let is_settled = now == before && now.iter().all(Option::is_some);
        if !is_settled || now == self.known {
            return false;
        }
        self.known = now;
        true
    }
}

fn look(paths: &[String]) -> Vec<Stamp> {
    paths.iter().map(|path| stamp(Path::new(path))).collect()
}

/// Takes up changes of files, for as long as it is polled.
pub(super) async fn watch(app: Arc<App>) {
    let (mut files, mut seen) = (Files::new(app.files.clone()), Seen::default());
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        files.set_paths(paths(&app));
        if files.have_changed() {
            // What is wrong has been told.
            let _ = app.reload().await;
        }
        for policy in app.plugins.look(&mut seen) {
            take_up(&app, &policy).await;
        }
    }
}

/// The files of the configuration, and those that hold the traffic policies of endpoints.
fn paths(app: &App) -> Vec<(String, Stamp)> {
    // These were looked at before anything else.
    let mut paths: Vec<_> = app.files.iter().map(|path| (path.clone(), None)).collect();
    for entry in app.table.served().iter() {
        paths.extend(entry.wanted().policy_file().map(|(path, stamp)| (path.to_owned(), stamp)));
    }
    paths
}

/// Loads a policy anew. A bad one changes nothing.
async fn take_up(app: &Arc<App>, policy: &str) {
    let began = Instant::now();
    let renewed = async {
        let renewed = app.plugins.renew(policy).await?;
        app.table.change().await.renew(&app.ground, policy, renewed).await
    };
    match renewed.await {
        Ok(n_endpoints) => {
            let took = began.elapsed();
            info!(obj = "policies", policy, n_endpoints, ?took, "policy reloaded");
        }
        Err(error) => {
            let err = format!("{error:#}");
            warn!(obj = "policies", policy, err, "policy not reloaded; the one of before goes on");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_still_being_written_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("adit.yml");
        std::fs::write(&path, "a").unwrap();
        let mut files = Files::new(vec![path.display().to_string()]);
        assert!(!files.have_changed());
        std::fs::write(&path, "ab").unwrap();
        assert!(!files.have_changed(), "it was seen once");
        std::fs::write(&path, "abc").unwrap();
        assert!(!files.have_changed(), "it is another one again");
        assert!(files.have_changed());
        assert!(!files.have_changed(), "it is known now");
        std::fs::remove_file(&path).unwrap();
        assert!(!files.have_changed());
        assert!(!files.have_changed(), "nothing to read");
        std::fs::write(&path, "abcd").unwrap();
        assert!(!files.have_changed());
        assert!(files.have_changed());
        let policy = dir.path().join("policy.yml");
        std::fs::write(&policy, "a").unwrap();
        let read = stamp(&policy);
        std::fs::write(&policy, "ab").unwrap();
        let name = |path: &Path| path.display().to_string();
        files.set_paths(vec![(name(&path), None), (name(&policy), read)]);
        assert!(!files.have_changed(), "it was seen once");
        assert!(files.have_changed(), "it is not as it was read");
        assert!(!files.have_changed());
    }
}
