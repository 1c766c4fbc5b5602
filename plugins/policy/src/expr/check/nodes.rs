//! Nodes of an expression: how many there are, and new ones.

use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators};

use super::Typed;
use crate::expr::{
    ExprError,
    limits::{MAX_DEPTH, MAX_NODES},
    ty::Type,
};

/// Refuses expressions that are too large or too deep to be walked. Does not recurse itself.
pub(super) fn measure(root: &IdedExpr) -> Result<(), ExprError> {
    let mut todo = vec![(root, 1)];
    let mut n_nodes = 0;
    while let Some((node, depth)) = todo.pop() {
        n_nodes += 1;
        if n_nodes > MAX_NODES {
            return Err(ExprError::compile(format!(
                "the expression has more than {MAX_NODES} parts"
            )));
        }
        if depth > MAX_DEPTH {
            return Err(ExprError::compile(format!(
                "the expression nests more than {MAX_DEPTH} deep"
            )));
        }
        let below = depth + 1;
        match &node.expr {
            Expr::Call(call) => {
                todo.extend(call.target.iter().map(|target| (target.as_ref(), below)));
                // A chain of sums becomes one call.
                let is_chain = |arg: &IdedExpr| is_sum(node) && is_sum(arg);
                let depth_of = |arg: &IdedExpr| if is_chain(arg) { depth } else { below };
                todo.extend(call.args.iter().map(|arg| (arg, depth_of(arg))));
            }
            Expr::Select(select) => todo.push((&select.operand, below)),
            Expr::List(list) => todo.extend(list.elements.iter().map(|element| (element, below))),
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        todo.extend([(&entry.key, below), (&entry.value, below)]);
                    }
                }
            }
            Expr::Ident(_)
            | Expr::Literal(_)
            | Expr::Comprehension(_)
            | Expr::Struct(_)
            | Expr::Unspecified => {}
        }
    }
    Ok(())
}

/// Whether a node is `a + b`.
pub(super) fn is_sum(node: &IdedExpr) -> bool {
    matches!(&node.expr, Expr::Call(call) if call.func_name == operators::ADD && call.args.len() == 2)
}

/// A call of a global function.
pub(super) fn call(id: u64, name: &str, args: Vec<IdedExpr>) -> IdedExpr {
    let call = CallExpr { func_name: name.to_owned(), target: None, args };
    IdedExpr { id, expr: Expr::Call(call) }
}

pub(super) fn ident(id: u64, name: &str) -> IdedExpr {
    IdedExpr { id, expr: Expr::Ident(name.to_owned()) }
}

pub(super) fn text(id: u64, text: String) -> IdedExpr {
    IdedExpr { id, expr: Expr::Literal(LiteralValue::String(text.into())) }
}

pub(super) fn boolean(id: u64, is: bool) -> IdedExpr {
    IdedExpr { id, expr: Expr::Literal(LiteralValue::Boolean(is.into())) }
}

pub(super) fn number(id: u64, number: i64) -> IdedExpr {
    IdedExpr { id, expr: Expr::Literal(LiteralValue::Int(number.into())) }
}

/// `condition ? yes : no`.
pub(super) fn choice(id: u64, condition: IdedExpr, yes: IdedExpr, no: IdedExpr) -> IdedExpr {
    call(id, operators::CONDITIONAL, vec![condition, yes, no])
}

/// A node whose value is counted if it can be large.
pub(super) fn counted(Typed { node, ty }: Typed) -> IdedExpr {
    // The engine's names of operators have underscores.
    let is_counted = matches!(&node.expr, Expr::Call(call) if call.func_name.starts_with('@'));
    if is_counted || !can_be_large(&node, ty) {
        return node;
    }
    call(node.id, "@sized", vec![node])
}

/// A node whose value is looked through: the work is counted if it can be large.
pub(super) fn weighed(Typed { node, ty }: Typed) -> IdedExpr {
    if !can_be_large(&node, ty) {
        return node;
    }
    call(node.id, "@weighed", vec![node])
}

fn can_be_large(node: &IdedExpr, ty: Type) -> bool {
    let is_small = matches!(
        ty,
        Type::Bool | Type::Double | Type::Duration | Type::Int | Type::Null | Type::Timestamp
    );
    // What lists and maps are made of is counted.
    !is_small && !matches!(node.expr, Expr::Literal(_) | Expr::List(_) | Expr::Map(_))
}
