//! What is at hand while a document is read.

use crate::{
    problem::{Problems, code},
    services::Services,
};

/// What is at hand while a document is read.
pub(super) struct Loading<'a> {
    pub(super) chain: &'a adit_chain::BuildCx,
    pub(super) services: &'a Services,
    pub(super) problems: &'a mut Problems,
    /// Where actions stand that sign visitors in.
    logins: Vec<Vec<String>>,
}

impl<'a> Loading<'a> {
    pub(super) const fn new(
        chain: &'a adit_chain::BuildCx,
        services: &'a Services,
        problems: &'a mut Problems,
    ) -> Self {
        Self { chain, services, problems, logins: Vec::new() }
    }

    /// Remembers an action, for what is checked over the whole document.
    pub(super) fn met(&mut self, kind: &str, at: &[String]) {
        // Two of them would fight over the visitor's cookies and the paths that they reserve.
        if matches!(kind, "oauth" | "openid-connect") {
            self.logins.push(at.to_vec());
        }
    }

    /// Tells of every action after the first that signs visitors in.
    pub(super) fn check_logins(&mut self) {
        for at in self.logins.iter().skip(1) {
            let message =
                "only one action of a policy can sign visitors in (oauth, openid-connect)";
            self.problems.error(at, code::SECOND_LOGIN, message);
        }
    }
}
