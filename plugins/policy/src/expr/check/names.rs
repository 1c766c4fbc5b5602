//! Names, fields and keys.

use cel::common::ast::{Expr, IdedExpr, LiteralValue, SelectExpr};

use super::{Checker, Checks, Typed};
use crate::{
    expr::{
        ExprError, functions,
        suggest::closest,
        ty::{Field, Type},
    },
    facts,
};

/// Names of types, as `type(x)` gives them.
const TYPES: &[&str] = &[
    "bool",
    "bytes",
    "double",
    "int",
    "list",
    "map",
    "null_type",
    "optional_type",
    "string",
    "type",
    "uint",
];
/// The namespace of two more.
const MORE_TYPES: &str = "google";

impl Checker<'_> {
    /// The type of the variable of a loop around.
    pub(super) fn bound(&self, name: &str) -> Option<Type> {
        self.bound.iter().rev().find(|(bound, _)| bound == name).map(|(_, ty)| *ty)
    }

    pub(super) fn ident(&mut self, id: u64, name: String) -> Checks {
        let known = match name.strip_prefix('.') {
            Some(_) => None,
            None => self.bound(&name),
        };
        let ty = match known {
            Some(ty) => ty,
            None => self.root(id, name.trim_start_matches('.'))?,
        };
        Ok(Typed::new(id, Expr::Ident(name), ty))
    }

    /// The type of a name that no loop binds.
    fn root(&mut self, id: u64, name: &str) -> Result<Type, ExprError> {
        if let Some(known) = find(self.further, name) {
            return Ok(known.ty);
        }
        if let Some(root) = facts::SCHEMA.iter().find(|root| root.name == name) {
            if !root.phases.contains(&self.phase) {
                return Err(self.fail(id, format!("{name} is not known in {}", self.phase)));
            }
            if !self.roots.contains(&root.name) {
                self.roots.push(root.name);
            }
            return Ok(root.ty);
        }
        if TYPES.contains(&name) {
            return Ok(Type::Any);
        }
        let roots = || facts::SCHEMA.iter().map(|root| root.name);
        Err(self.fail(
            id,
            match closest(name, roots()) {
                _ if functions::is_namespace(name) => {
                    format!("{name} is no value but a group of functions")
                }
                Some(near) => format!("unknown name {name}; did you mean {near}?"),
                None => {
                    let roots: Vec<_> = roots().collect();
                    format!("unknown name {name}; names start with one of {}", roots.join(", "))
                }
            },
        ))
    }

    pub(super) fn select(&mut self, id: u64, select: SelectExpr) -> Checks {
        let SelectExpr { operand, field, test } = select;
        if path(&operand).is_some_and(|path| path.split('.').next() == Some(MORE_TYPES)) {
            return Ok(Typed::new(
                id,
                Expr::Select(SelectExpr { operand, field, test }),
                Type::Any,
            ));
        }
        let name = path(&operand);
        let operand = self.check(*operand)?;
        let ty = self.field(id, operand.ty, name.as_deref(), &field)?;
        let operand = Box::new(operand.node);
        Ok(Typed::new(id, Expr::Select(SelectExpr { operand, field, test }), ty))
    }

    /// The type of a field of a value, which is called `of` in the source.
    pub(super) fn field(
        &self,
        id: u64,
        ty: Type,
        of: Option<&str>,
        field: &str,
    ) -> Result<Type, ExprError> {
        let fields = match ty {
            Type::Any => return Ok(Type::Any),
            Type::Map(ty) => return Ok(*ty),
            Type::Multi(ty) => return Ok(Type::List(ty)),
            Type::Object(fields) | Type::Text(fields) => fields,
            ty => {
                let of = of.map(|of| format!("{of} is ")).unwrap_or_default();
                return Err(self.fail(id, format!("{of}{ty}, which has no field {field}")));
            }
        };
        if let Some(known) = find(fields, field) {
            return Ok(known.ty);
        }
        let prefix = of.map(|of| format!("{of}.")).unwrap_or_default();
        let names = || fields.iter().map(|field| field.name);
        Err(self.fail(
            id,
            match closest(field, names()) {
                Some(near) => format!("unknown name {prefix}{field}; did you mean {prefix}{near}?"),
                None if fields.is_empty() => format!("unknown name {prefix}{field}"),
                None => {
                    let names: Vec<_> = names().collect();
                    format!("unknown name {prefix}{field}; there are {}", names.join(", "))
                }
            },
        ))
    }

    /// The type of `of[key]`.
    pub(super) fn element(
        &self,
        id: u64,
        of: &Typed,
        name: Option<&str>,
        key: &Typed,
    ) -> Result<Type, ExprError> {
        let is_text = matches!(key.ty, Type::String | Type::Text(_));
        match (of.ty, &key.node.expr) {
            (Type::List(_), _) if is_text => {
                Err(self.fail(id, "an element of a list is found by its number, not by a text"))
            }
            (Type::List(ty), _) => Ok(*ty),
            (Type::Map(ty), _) => Ok(*ty),
            (Type::Multi(ty), _) => Ok(Type::List(ty)),
            (ty @ (Type::Object(_) | Type::Text(_)), Expr::Literal(LiteralValue::String(key))) => {
                self.field(id, ty, name, key.inner())
            }
            (Type::Any | Type::Object(_) | Type::Text(_), _) => Ok(Type::Any),
            (ty, _) => Err(self.fail(id, format!("{ty} has no elements"))),
        }
    }
}

fn find(fields: &'static [Field], name: &str) -> Option<&'static Field> {
    fields.iter().find(|field| field.name == name)
}

/// A dotted name, as it was written; the keys in it too.
pub(super) fn path(node: &IdedExpr) -> Option<String> {
    match &node.expr {
        Expr::Ident(name) => Some(name.trim_start_matches('.').to_owned()),
        Expr::Select(select) => Some(format!("{}.{}", path(&select.operand)?, select.field)),
        _ => None,
    }
}
