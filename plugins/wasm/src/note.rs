//! What a policy did to a request, in words, for whoever watches an exchange.

use adit_chain::Exchange;

use crate::{fault::Fault, host::RequestView, policy::Policy};

/// Notes what a call changed. Costs a comparison of heads, and that only while somebody watches.
pub(crate) fn edits(policy: &Policy, exchange: &mut Exchange, request: Option<&RequestView>) {
    if exchange.trace.is_recording() {
        for edit in request.into_iter().flat_map(RequestView::edits) {
            text(policy, exchange, &edit.to_string());
        }
    }
}

/// Notes how the policy broke.
pub(crate) fn fault(policy: &Policy, exchange: &mut Exchange, fault: &Fault) {
    if exchange.trace.is_recording() {
        let kind = fault.kind.as_str();
        text(policy, exchange, &format!("{kind}: {fault}"));
    }
}

/// Notes a text, without the secrets that may stand in it.
pub(crate) fn text(policy: &Policy, exchange: &mut Exchange, text: &str) {
    if exchange.trace.is_recording() {
        exchange.trace.note(policy.shared.services().redact(text));
    }
}
