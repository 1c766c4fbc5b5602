//! Maps of what rules left: `vars`, and below `actions.ngrok`.

use std::{collections::HashMap, slice};

use adit_chain::Conn;
use cel::{
    Value,
    common::types::{CelMap, CelMapKey},
    objects::Key,
};

use super::{
    conn,
    fact::{Boxed, Fact, val},
    multi::{Multi, Names},
};
use crate::expr::Type;

/// `vars`. A name that was set again has its last value.
pub(super) fn vars(vars: &[(String, Value)]) -> Fact<'_> {
    let vars = vars.iter().map(|(name, value)| (CelMapKey::from(name.as_str()), val(value)));
    Fact::Known(Box::new(CelMap::from(vars.collect::<HashMap<_, Boxed<'_>>>())))
}

/// `actions`.
pub(super) fn actions<'v>(
    ty: Type,
    results: &'v [(&'static str, Value)],
    conn: &'v Conn,
) -> Fact<'v> {
    Fact::object(ty, move |_, ty| {
        Fact::object(ty, move |namespace, ty| {
            let result = results.iter().find(|(name, _)| *name == namespace);
            match result {
                // Who asks for what an action found out before it ran is told so.
                None => Fact::Absent,
                Some(("terminate_tls", value)) => terminate_tls(ty, value, conn),
                Some((_, value)) => typed(ty, value),
            }
        })
    })
}

/// TLS is agreed on when the action is long over: then it is the connection that knows.
fn terminate_tls<'v>(ty: Type, value: &'v Value, conn: &'v Conn) -> Fact<'v> {
    Fact::object(ty, move |name, ty| match (name, conn.tls.get()) {
        ("cipher_suite" | "client" | "server" | "sni" | "version", Some(session)) => {
            conn::agreed(name, ty, session)
        }
        _ => field(name, ty, value),
    })
}

fn field<'v>(name: &str, ty: Type, value: &'v Value) -> Fact<'v> {
    let Value::Map(map) = value else { return Fact::Unknown };
    map.map.get(&Key::from(name)).map_or(Fact::Unknown, |value| typed(ty, value))
}

/// A value of that type: what it leaves out reads as zero.
fn typed<'v>(ty: Type, value: &'v Value) -> Fact<'v> {
    match (ty, value) {
        (Type::Object(_), Value::Map(_)) => {
            Fact::object(ty, move |name, ty| field(name, ty, value))
        }
        (Type::Object(_), _) => Fact::Unknown,
        (Type::Text(_), Value::String(text)) => {
            Fact::with_text(ty, text.as_str(), |_, _| Fact::Unknown)
        }
        (Type::List(item), Value::List(values)) => {
            let items = values.iter().filter_map(|value| match typed(*item, value) {
                Fact::Known(value) => Some(value),
                Fact::Unknown | Fact::Absent => super::fact::zero(*item),
            });
            Fact::list(items.collect())
        }
        (Type::Multi(_), Value::Map(map)) => {
            let headers = map.map.iter().flat_map(|(name, values)| {
                let values = match values {
                    Value::List(values) => values.as_slice(),
                    one => slice::from_ref(one),
                };
                values.iter().map(|value| (name.to_string().to_ascii_lowercase(), val(value)))
            });
            Fact::Known(Box::new(Multi::pairs(headers, Names::Folded)))
        }
        (_, Value::Null) => Fact::Unknown,
        _ => Fact::value(value),
    }
}
