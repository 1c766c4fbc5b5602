//! Secrets that the test gave.

use adit_policy_rules::Refused;

use super::try_ask;
use crate::backend::types::Error;

pub(crate) fn get(name: &str) -> Result<Vec<u8>, Error> {
    try_ask(|world| {
        let secret = world.secrets.get(name).cloned();
        secret.ok_or_else(|| {
            Refused::denied(format!("secrets {name:?} is not granted; see the policy's grants"))
        })
    })
}
