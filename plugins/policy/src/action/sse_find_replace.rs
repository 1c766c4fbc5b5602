//! `sse-find-replace`: changes messages of an event stream while they pass.

use adit_chain::BoxFuture;

use super::{
    Action, BuildCx, Done, Failure, Kind,
    replacements::{self, Match, N_REPLACEMENTS, Replacement, failed},
};
use crate::{
    expr::Template,
    fields::Fields,
    phase::Phase,
    problem::code,
    scope::Scope,
    sse::{Field, MAX_MESSAGE_LEN},
};

pub(super) const KIND: Kind = Kind {
    name: "sse-find-replace",
    namespace: NAMESPACE,
    phases: &[Phase::EventStreamMessage],
    is_terminating: false,
    build,
};

const NAMESPACE: &str = "sse_find_replace";
const FIELDS: [(&str, Field); 2] = [("data", Field::Data), ("retry", Field::Retry)];

fn build(fields: &mut Fields<'_>, _: &BuildCx<'_>) -> Option<Box<dyn Action>> {
    let replacements = fields.required("replacements", |fields, name| {
        fields.objects(name, N_REPLACEMENTS, |fields| {
            let of = read_field(fields);
            let replacement = Replacement::read(fields);
            Some((of?, replacement?))
        })
    })?;
    Some(Box::new(SseFindReplace { replacements }))
}

/// Which field of a message a replacement is for.
#[derive(Debug)]
enum Of {
    Fixed(Field),
    Made(Template),
}

fn read_field(fields: &mut Fields<'_>) -> Option<Of> {
    if !fields.has("field") {
        return Some(Of::Fixed(Field::Data));
    }
    let template = fields.template("field")?;
    let Some(name) = template.literal() else { return Some(Of::Made(template)) };
    let field = named(name);
    if field.is_none() {
        fields.error("field", code::CHOICE, "must be data or retry");
    }
    field.map(Of::Fixed)
}

fn named(name: &str) -> Option<Field> {
    FIELDS.iter().find(|(known, _)| *known == name).map(|(_, field)| *field)
}

#[derive(Debug)]
struct SseFindReplace {
    replacements: Vec<(Of, Replacement)>,
}

impl SseFindReplace {
    fn replace(&self, scope: &mut Scope) -> Result<Done, Failure> {
        let mut matches = Vec::new();
        for (index, (of, replacement)) in self.replacements.iter().enumerate() {
            let field = of.field(scope)?;
            let ready = replacement.ready(scope)?;
            let Some(message) = &mut scope.message else { break };
            let Some(value) = message.field(field) else { continue };
            if let Some((value, content)) = ready.apply(&value, MAX_MESSAGE_LEN)? {
                message.set(field, value);
                matches.push(Match { index, content });
            }
        }
        scope.set_result(NAMESPACE, replacements::result(&matches));
        Ok(Done::Next)
    }
}

impl Of {
    fn field(&self, scope: &Scope) -> Result<Field, Failure> {
        let template = match self {
            Self::Fixed(field) => return Ok(*field),
            Self::Made(template) => template,
        };
        let failed = |reason: String| Failure::new(failed::INTERPOLATION, reason);
        let name = template.text(scope).map_err(|error| failed(error.to_string()))?;
        named(&name).ok_or_else(|| failed(format!("{name:?} is not a field of messages")))
    }
}

impl Action for SseFindReplace {
    fn run<'a>(&'a self, scope: &'a mut Scope) -> BoxFuture<'a, Result<Done, Failure>> {
        Box::pin(std::future::ready(self.replace(scope)))
    }
}

#[cfg(test)]
mod tests;
