//! What a policy did to an exchange, in words, for whoever watches it.

use adit_chain::{Exchange, Notes};

use crate::{
    fault::Fault,
    host::{RequestView, ResponseView},
    policy::Policy,
};

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

/// As [`edits`], of the response.
pub(crate) fn response_edits(policy: &Policy, notes: &Notes, response: Option<&ResponseView>) {
    if notes.are_wanted() {
        for edit in response.into_iter().flat_map(ResponseView::edits) {
            response_text(policy, notes, &edit.to_string());
        }
    }
}

/// As [`fault`], about the response.
pub(crate) fn response_fault(policy: &Policy, notes: &Notes, fault: &Fault) {
    if notes.are_wanted() {
        let kind = fault.kind.as_str();
        response_text(policy, notes, &format!("{kind}: {fault}"));
    }
}

/// As [`text`], about the response.
pub(crate) fn response_text(policy: &Policy, notes: &Notes, text: &str) {
    if notes.are_wanted() {
        notes.note(policy.shared.services().redact(text));
    }
}
