//! Finds mistakes in an expression before it runs, and makes of it what the engine evaluates.
//!
//! One walk does both: names and functions are looked up, types are followed as far as they are
//! known, macros and functions of ours are written out, and what may grow or loop is counted.

mod calls;
mod loops;
mod names;
mod nodes;
mod operators;

use cel::common::ast::{
    EntryExpr, Expr, IdedEntryExpr, IdedExpr, ListExpr, LiteralValue, MapEntryExpr, MapExpr,
    SourceInfo,
};

use super::{
    ExprError,
    regexes::Pattern,
    ty::{Field, Type},
};
use crate::phase::Phase;

/// An expression that may run.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) ast: IdedExpr,
    pub(super) ty: Type,
    /// The names of facts that it starts from.
    pub(super) roots: Vec<&'static str>,
    /// The patterns in it, by the names that stand for them.
    pub(super) patterns: Vec<(String, Pattern)>,
}

/// Checks an expression as it was parsed, without macros.
pub(super) fn check(
    ast: IdedExpr,
    source: &SourceInfo,
    phase: Phase,
    further: &'static [Field],
) -> Result<Checked, ExprError> {
    nodes::measure(&ast)?;
    let mut checker = Checker {
        phase,
        further,
        source,
        bound: Vec::new(),
        loop_depth: 0,
        roots: Vec::new(),
        patterns: Vec::new(),
    };
    let Typed { node, ty } = checker.check(ast)?;
    let Checker { roots, patterns, .. } = checker;
    Ok(Checked { ast: node, ty, roots, patterns })
}

struct Checker<'a> {
    phase: Phase,
    /// Names that only this expression knows.
    further: &'static [Field],
    source: &'a SourceInfo,
    /// The variables of the loops around, innermost last.
    bound: Vec<(String, Type)>,
    loop_depth: usize,
    roots: Vec<&'static str>,
    patterns: Vec<(String, Pattern)>,
}

/// A node that was checked.
struct Typed {
    node: IdedExpr,
    ty: Type,
}

impl Typed {
    fn new(id: u64, expr: Expr, ty: Type) -> Self {
        Self { node: IdedExpr { id, expr }, ty }
    }
}

type Checks = Result<Typed, ExprError>;

impl Checker<'_> {
    fn check(&mut self, node: IdedExpr) -> Checks {
        let IdedExpr { id, expr } = node;
        match expr {
            Expr::Literal(literal) => {
                let ty = literal_type(&literal);
                Ok(Typed::new(id, Expr::Literal(literal), ty))
            }
            Expr::Ident(name) => self.ident(id, name),
            Expr::Select(select) => self.select(id, select),
            Expr::Call(call) => self.call(id, call),
            Expr::List(list) => self.list(id, list),
            Expr::Map(map) => self.map(id, map),
            Expr::Struct(object) => Err(self.fail(
                id,
                format!("there is no type {}; a map is written {{'key': value}}", object.type_name),
            )),
            Expr::Comprehension(_) | Expr::Unspecified => Err(self.fail(id, "not an expression")),
        }
    }

    /// A node whose value is looked through, which matters where it is done over and over.
    fn looked_through(&self, typed: Typed) -> IdedExpr {
        if self.loop_depth > 0 { nodes::weighed(typed) } else { typed.node }
    }

    fn all(&mut self, nodes: Vec<IdedExpr>) -> Result<Vec<Typed>, ExprError> {
        nodes.into_iter().map(|node| self.check(node)).collect()
    }

    fn list(&mut self, id: u64, list: ListExpr) -> Checks {
        let ListExpr { elements, optional_indices } = list;
        let elements = self.all(elements)?;
        let first = elements.first().map(|element| element.ty);
        let same = first.filter(|ty| elements.iter().all(|element| element.ty == *ty));
        let ty = match same {
            Some(ty) if optional_indices.is_empty() => Type::List(ty.to_static()),
            _ => Type::List(&Type::Any),
        };
        let elements = elements.into_iter().map(nodes::counted).collect();
        Ok(Typed::new(id, Expr::List(ListExpr { elements, optional_indices }), ty))
    }

    fn map(&mut self, id: u64, map: MapExpr) -> Checks {
        let mut entries = Vec::with_capacity(map.entries.len());
        for IdedEntryExpr { id, expr } in map.entries {
            let EntryExpr::MapEntry(MapEntryExpr { key, value, optional }) = expr else {
                return Err(self.fail(id, "not an entry of a map"));
            };
            let key = nodes::counted(self.check(key)?);
            let value = nodes::counted(self.check(value)?);
            let expr = EntryExpr::MapEntry(MapEntryExpr { key, value, optional });
            entries.push(IdedEntryExpr { id, expr });
        }
        Ok(Typed::new(id, Expr::Map(MapExpr { entries }), Type::Map(&Type::Any)))
    }

    /// What is wrong, with its place.
    fn fail(&self, id: u64, message: impl std::fmt::Display) -> ExprError {
        let start = self.source.offset_for(id).map(|(start, _)| start as usize);
        let Some(start) = start else {
            return ExprError::compile(message.to_string());
        };
        let before: String = self.source.source.chars().take(start).collect();
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        match before.matches('\n').count() {
            0 => ExprError::compile(format!("{message} (column {column})")),
            line => ExprError::compile(format!("{message} (line {}, column {column})", line + 1)),
        }
    }
}

fn literal_type(literal: &LiteralValue) -> Type {
    match literal {
        LiteralValue::Boolean(_) => Type::Bool,
        LiteralValue::Bytes(_) => Type::Bytes,
        LiteralValue::Double(_) => Type::Double,
        LiteralValue::Int(_) | LiteralValue::UInt(_) => Type::Int,
        LiteralValue::Null => Type::Null,
        LiteralValue::String(_) => Type::String,
    }
}
