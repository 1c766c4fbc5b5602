//! Operators.

use cel::common::ast::{CallExpr, Expr, IdedExpr, ListExpr, operators};

use super::{
    Checker, Checks, Typed,
    names::path,
    nodes::{self, is_sum},
};
use crate::expr::{ExprError, ty::Type};

impl Checker<'_> {
    /// Checks an operator. `Err` hands back the call of anything else.
    pub(super) fn operator(&mut self, id: u64, call: CallExpr) -> Result<Checks, CallExpr> {
        if call.target.is_some() {
            return Err(call);
        }
        Ok(match call.func_name.as_str() {
            operators::ADD if call.args.len() == 2 => self.sum(id, call.args),
            operators::INDEX | operators::OPT_INDEX | operators::OPT_SELECT
                if call.args.len() == 2 =>
            {
                self.index(id, call)
            }
            operators::CONDITIONAL
            | operators::LOGICAL_AND
            | operators::LOGICAL_OR
            | operators::LOGICAL_NOT
            | operators::EQUALS
            | operators::NOT_EQUALS
            | operators::LESS
            | operators::LESS_EQUALS
            | operators::GREATER
            | operators::GREATER_EQUALS
            | operators::IN
            | operators::SUBSTRACT
            | operators::MULTIPLY
            | operators::DIVIDE
            | operators::MODULO
            | operators::NEGATE => self.plain(id, call),
            _ => return Err(call),
        })
    }

    /// An operator that stays what it is.
    fn plain(&mut self, id: u64, call: CallExpr) -> Checks {
        let CallExpr { func_name, args, .. } = call;
        let args = self.all(args)?;
        let types: Vec<Type> = args.iter().map(|arg| arg.ty).collect();
        let ty = match (func_name.as_str(), types.as_slice()) {
            (operators::CONDITIONAL, [condition, yes, no]) => {
                self.needs_bool(id, &[*condition], "?")?;
                if yes == no { *yes } else { Type::Any }
            }
            (operators::LOGICAL_AND, types) => self.needs_bool(id, types, "&&")?,
            (operators::LOGICAL_OR, types) => self.needs_bool(id, types, "||")?,
            (operators::LOGICAL_NOT, types) => self.needs_bool(id, types, "!")?,
            (operators::IN, [_, within]) if !within.has_members() => {
                return Err(self.fail(
                    id,
                    format!("in looks into a list or a map, and this is {within}; use contains()"),
                ));
            }
            (operators::NEGATE, [ty]) => *ty,
            (operators::SUBSTRACT, [Type::Timestamp, Type::Timestamp]) => Type::Duration,
            (
                operators::SUBSTRACT | operators::MULTIPLY | operators::DIVIDE | operators::MODULO,
                [left, right],
            ) => {
                if left == right {
                    *left
                } else {
                    Type::Any
                }
            }
            _ => Type::Bool,
        };
        // Comparing goes through the left side, and `in` through the right one.
        let searched = match func_name.as_str() {
            operators::IN => 1,
            operators::EQUALS
            | operators::NOT_EQUALS
            | operators::LESS
            | operators::LESS_EQUALS
            | operators::GREATER
            | operators::GREATER_EQUALS => 0,
            _ => usize::MAX,
        };
        let args = args.into_iter().enumerate();
        let args =
            args.map(|(at, arg)| if at == searched { self.looked_through(arg) } else { arg.node });
        Ok(Typed { node: nodes::call(id, &func_name, args.collect()), ty })
    }

    fn needs_bool(&self, id: u64, types: &[Type], operator: &str) -> Result<Type, ExprError> {
        match types.iter().find(|ty| ty.is_surely_not_bool()) {
            Some(ty) => {
                Err(self.fail(id, format!("{operator} needs true or false, and this is {ty}")))
            }
            None => Ok(Type::Bool),
        }
    }

    /// `a + b + c`, whatever is added.
    fn sum(&mut self, id: u64, args: Vec<IdedExpr>) -> Checks {
        let mut operands = Vec::new();
        let mut rest = args;
        while let Ok([left, right]) = <[IdedExpr; 2]>::try_from(rest) {
            operands.push(right);
            let is_chain = is_sum(&left);
            match left.expr {
                Expr::Call(call) if is_chain => rest = call.args,
                expr => {
                    operands.push(IdedExpr { id: left.id, expr });
                    break;
                }
            }
        }
        operands.reverse();
        let operands = self.all(operands)?;
        let ty = sum_type(&operands);
        let is_small = matches!(ty, Type::Int | Type::Double | Type::Duration);
        if operands.len() > 2 {
            // A list holds copies of its elements: they are counted one by one.
            let elements = operands.into_iter().map(nodes::counted).collect();
            let list = IdedExpr { id, expr: Expr::List(ListExpr::new(elements)) };
            return Ok(Typed { node: nodes::call(id, "@sum", vec![list]), ty });
        }
        let operands = operands.into_iter().map(|operand| operand.node).collect();
        let sum = nodes::call(id, operators::ADD, operands);
        let node = if is_small { sum } else { nodes::counted(Typed { node: sum, ty: Type::Any }) };
        Ok(Typed { node, ty })
    }

    /// `of[key]`, `of[?key]` and `of.?key`.
    fn index(&mut self, id: u64, call: CallExpr) -> Checks {
        let CallExpr { func_name, args, .. } = call;
        let Ok([of, key]) = <[IdedExpr; 2]>::try_from(args) else {
            return Err(self.fail(id, "an index has one key"));
        };
        let name = path(&of);
        let of = self.check(of)?;
        let key = self.check(key)?;
        let ty = self.element(id, &of, name.as_deref(), &key)?;
        if func_name == operators::INDEX {
            return Ok(Typed { node: nodes::call(id, &func_name, vec![of.node, key.node]), ty });
        }
        let node = nodes::call(id, &func_name, vec![of.node.clone(), key.node.clone()]);
        if !matches!(of.ty, Type::Multi(_)) {
            return Ok(Typed { node, ty: Type::Any });
        }
        // Reading an absent key of these is an empty list, and no key at all for an optional.
        let has = nodes::call(id, "@has", vec![of.node, key.node]);
        let none = nodes::call(id, "optional.none", Vec::new());
        Ok(Typed { node: nodes::choice(id, has, node, none), ty: Type::Any })
    }
}

fn sum_type(operands: &[Typed]) -> Type {
    let are = |test: fn(Type) -> bool| operands.iter().all(|operand| test(operand.ty));
    if are(|ty| matches!(ty, Type::String | Type::Text(_))) {
        return Type::String;
    }
    if are(|ty| matches!(ty, Type::List(_))) {
        return Type::List(&Type::Any);
    }
    let first = operands.first().map_or(Type::Any, |operand| operand.ty);
    let is_same = operands.iter().all(|operand| operand.ty == first);
    if is_same { first } else { Type::Any }
}
