//! `url-rewrite`: asks the upstream for something else than the visitor did, who sees nothing of
//! it. Host and upstream stay.

use std::borrow::Cow;

use adit_chain::BoxFuture;
use http::{Uri, uri::PathAndQuery};
use url::Url;

use super::{
    Action, BuildCx, Done, Failure, Kind,
    rewriting::{self, Rewriting},
};
use crate::{facts, fields::Fields, phase::Phase, scope::Scope};

pub(super) const KIND: Kind = Kind {
    name: "url-rewrite",
    namespace: NAMESPACE,
    phases: &[Phase::HttpRequest],
    is_terminating: false,
    build,
};

const NAMESPACE: &str = "url_rewrite";

fn build(fields: &mut Fields<'_>, _: &BuildCx<'_>) -> Option<Box<dyn Action>> {
    Some(Box::new(UrlRewrite { rewriting: Rewriting::read(fields)? }))
}

#[derive(Debug)]
struct UrlRewrite {
    rewriting: Rewriting,
}

impl UrlRewrite {
    fn rewrite(&self, scope: &mut Scope) -> Result<(), Failure> {
        let rewritten = self.rewriting.apply(scope)?;
        if let Some(after) = &rewritten.after {
            let target = target(&rewritten.before, after)?;
            let Some(asked) = &mut scope.request else { return Ok(()) };
            let mut parts = asked.head.uri.clone().into_parts();
            parts.path_and_query = Some(target);
            // `http` knows no target with an authority and no scheme that has a path.
            if parts.scheme.is_none() {
                parts.authority = None;
            }
            asked.head.uri = Uri::from_parts(parts).map_err(|error| general(&error))?;
        }
        let url = facts::url(scope);
        scope.set_result(NAMESPACE, rewritten.result(&url));
        Ok(())
    }
}

/// Path and query of what came out, with whatever cannot stand in them escaped.
fn target(before: &str, after: &str) -> Result<PathAndQuery, Failure> {
    let target = match after_authority(after) {
        Some(target) if target.starts_with('/') => Cow::from(target),
        Some(target) => Cow::from(format!("/{target}")),
        None if after.starts_with('/') => Cow::from(after),
        None => Cow::from(beside(after_authority(before).unwrap_or("/"), after)),
    };
    // Any host will do: the one that came out may be none at all, and is not used.
    let url = Url::parse(&format!("http://host{target}")).map_err(|error| general(&error))?;
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    PathAndQuery::try_from(target).map_err(|error| general(&error))
}

/// A target that is written as seen from another one.
fn beside(base: &str, relative: &str) -> String {
    let path = base.split(['?', '#']).next().unwrap_or_default();
    let kept = match relative.bytes().next() {
        None | Some(b'?' | b'#') => path.len(),
        Some(_) => path.rfind('/').map_or(0, |slash| slash + 1),
    };
    let slash = if kept == 0 { "/" } else { "" };
    format!("{slash}{}{relative}", &path[..kept])
}

/// What follows `scheme://authority`. `None`: the URL does not begin so.
fn after_authority(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    if !scheme.chars().all(is_scheme) {
        return None;
    }
    Some(&rest[rest.find(['/', '?', '#']).unwrap_or(rest.len())..])
}

fn general(error: &dyn std::error::Error) -> Failure {
    Failure::new(Failure::GENERAL, format!("no URL came out: {error}"))
}

impl Action for UrlRewrite {
    fn run<'a>(&'a self, scope: &'a mut Scope) -> BoxFuture<'a, Result<Done, Failure>> {
        let done = self.rewrite(scope).map(|()| Done::Next);
        if let Err(failure) = &done {
            scope.set_result(NAMESPACE, rewriting::failed(failure));
        }
        Box::pin(std::future::ready(done))
    }
}

#[cfg(test)]
mod tests;
