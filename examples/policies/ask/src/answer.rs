//! What the service said, in a form that can be remembered.

use adit_policy_sdk::outbound::Answer;
use adit_policy_sdk::prelude::*;

/// An answer.
#[derive(Serialize, Deserialize)]
pub(crate) enum Remembered {
    Yes(Yes),
    No(No),
}

/// Come in.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Yes {
    /// Who it is, if the service says so.
    pub(crate) identity: Option<String>,
    /// What the upstream gets.
    pub(crate) headers: Vec<(String, String)>,
}

/// Stay out, and what the visitor is told.
#[derive(Serialize, Deserialize)]
pub(crate) struct No {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// Headers of a no that the visitor gets.
const SHOWN: [&str; 3] = ["content-type", "www-authenticate", "location"];
/// Longest text of a no, in octets. What is remembered has 64 KiB at most.
const MAX_BODY: usize = 16 * 1024;

impl Remembered {
    /// Nothing if it is neither: a redirect of the service itself, say.
    pub(crate) fn of(answer: Answer, forward: &[String]) -> Option<Self> {
        let named = |name: &str| Some((name.to_owned(), answer.header(name)?));
        match answer.status {
            200..=299 => Some(Self::Yes(Yes {
                identity: answer.header("x-identity"),
                headers: forward.iter().filter_map(|name| named(name)).collect(),
            })),
            status @ (401 | 403) if answer.body.len() <= MAX_BODY => Some(Self::No(No {
                status,
                headers: SHOWN.iter().filter_map(|name| named(name)).collect(),
                body: String::from_utf8_lossy(&answer.body).into_owned(),
            })),
            _ => None,
        }
    }
}

impl From<No> for Reply {
    fn from(no: No) -> Self {
        let No { status, headers, body } = no;
        let reply = Self::new(status).body(body);
        headers.iter().fold(reply, |reply, (name, value)| reply.header(name, value))
    }
}
