//! `compress-response`: compresses a response in a coding that the visitor accepts.

use std::mem;

use adit_builtin::compression::{self, Algorithm};
use adit_chain::BoxFuture;
use cel::Value;
use http::header::ACCEPT_ENCODING;

use super::{Action, BuildCx, Done, Failure, Kind};
use crate::{fields::Fields, phase::Phase, problem::code, scope::Scope, value};

pub(super) const KIND: Kind = Kind {
    name: "compress-response",
    namespace: NAMESPACE,
    phases: &[Phase::HttpResponse],
    is_terminating: false,
    build,
};

const NAMESPACE: &str = "compress";

/// There is no such coding.
const UNKNOWN_ALGORITHM: u32 = 2214;

/// What can be asked for, in the order that decides between equally welcome ones.
const ALGORITHMS: [Algorithm; 4] =
    [Algorithm::Gzip, Algorithm::Deflate, Algorithm::Br, Algorithm::Compress];

fn build(fields: &mut Fields<'_>, _: &BuildCx<'_>) -> Option<Box<dyn Action>> {
    let mut seen = Vec::new();
    let offered = fields.each("algorithms", 1..=ALGORITHMS.len(), |fields, path, value| {
        let known = |algorithm: &Algorithm| value.as_str() == Some(algorithm.as_str());
        let Some(algorithm) = ALGORITHMS.into_iter().find(known) else {
            let message = "must be one of gzip, deflate, br, compress";
            fields.error_in(path, UNKNOWN_ALGORITHM, message);
            return None;
        };
        if seen.contains(&algorithm) {
            fields.error_in(path, code::DUPLICATE, format!("{value} is here twice"));
            return None;
        }
        seen.push(algorithm);
        Some(algorithm)
    });
    let offered = offered.unwrap_or_else(|| ALGORITHMS.to_vec());
    Some(Box::new(CompressResponse { offered }))
}

#[derive(Debug)]
struct CompressResponse {
    offered: Vec<Algorithm>,
}

impl CompressResponse {
    fn compress(&self, scope: &mut Scope) {
        let (Some(asked), Some(response)) = (&scope.request, &mut scope.response) else { return };
        let is_encoded = compression::is_encoded(response.headers());
        let accepted = asked.original.accept_encoding.iter().cloned();
        let accepted = accepted.map(|line| (ACCEPT_ENCODING, line)).collect();
        let wanted = compression::wanted(&asked.head.method, &accepted, &self.offered)
            .filter(|_| compression::is_compressible(response));
        if let Some(algorithm) = wanted {
            *response = compression::compress(mem::take(response), algorithm);
        }
        let name = wanted.map_or("", Algorithm::as_str);
        let result = [
            ("already_compressed", is_encoded.into()),
            ("negotiated_algorithm", value::text(name)),
        ];
        scope.set_result(NAMESPACE, value::map::<_, Value>(result));
        scope
            .note(|| format!("compress-response: {}", if name.is_empty() { "none" } else { name }));
    }
}

impl Action for CompressResponse {
    fn run<'a>(&'a self, scope: &'a mut Scope) -> BoxFuture<'a, Result<Done, Failure>> {
        self.compress(scope);
        Box::pin(std::future::ready(Ok(Done::Next)))
    }
}

#[cfg(test)]
mod tests;
