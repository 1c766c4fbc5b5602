//! An end without an agent.

/// An end without an agent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) status: Option<u16>,
    pub(crate) duration_ns: u64,
    pub(crate) octets_to_upstream: u64,
    pub(crate) octets_to_client: u64,
    pub(crate) failure: Option<String>,
}

impl Outcome {
    pub(crate) fn status(&self) -> Option<u16> {
        self.status
    }

    pub(crate) fn duration_ns(&self) -> u64 {
        self.duration_ns
    }

    pub(crate) fn octets_to_upstream(&self) -> u64 {
        self.octets_to_upstream
    }

    pub(crate) fn octets_to_client(&self) -> u64 {
        self.octets_to_client
    }

    pub(crate) fn failure(&self) -> Option<String> {
        self.failure.clone()
    }
}
