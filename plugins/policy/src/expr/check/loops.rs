//! Macros that loop, written out as the loops that the engine knows, with every step counted.

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, ListExpr, operators};

use super::{
    Checker, Checks, Typed,
    nodes::{boolean, call, choice, counted, ident, number},
};
use crate::expr::{ExprError, limits::MAX_LOOP_DEPTH, ty::Type};

/// What a loop adds up; no name that can be written.
const RESULT: &str = "@result";
/// What `sortBy` sorts, evaluated once.
const INPUT: &str = "@input";

/// Whether a call is one of a loop.
pub(super) fn is_loop(call: &CallExpr) -> bool {
    let n_args = match call.func_name.as_str() {
        "all" | "exists" | "exists_one" | "existsOne" | "filter" | "sortBy" => 2..=2,
        "map" => 2..=3,
        _ => return false,
    };
    call.target.is_some() && n_args.contains(&call.args.len())
}

impl Checker<'_> {
    /// Checks a loop and writes it out.
    pub(super) fn looping(&mut self, id: u64, written: CallExpr) -> Checks {
        let CallExpr { func_name: name, target: Some(range), mut args } = written else {
            return Err(self.fail(id, "nothing to loop over"));
        };
        let range = self.check(*range)?;
        let element = self.element_of(id, range.ty, &name)?;
        let Expr::Ident(variable) = args.remove(0).expr else {
            let message = format!("the first argument of {name}() is a name for the elements");
            return Err(self.fail(id, message));
        };
        if self.loop_depth == MAX_LOOP_DEPTH {
            return Err(self.fail(id, format!("loops nest more than {MAX_LOOP_DEPTH} deep")));
        }
        self.loop_depth += 1;
        self.bound.push((variable.clone(), element));
        let bodies = self.all(args);
        self.bound.pop();
        self.loop_depth -= 1;
        self.write_out(id, &name, range, &variable, element, bodies?)
    }

    fn write_out(
        &self,
        id: u64,
        name: &str,
        range: Typed,
        variable: &str,
        element: Type,
        mut bodies: Vec<Typed>,
    ) -> Checks {
        let Some(body) = bodies.pop() else { return Err(self.fail(id, "a loop without a body")) };
        let condition = match name {
            "map" => bodies.first().map(|condition| condition.ty),
            "sortBy" => None,
            _ => Some(body.ty),
        };
        if let Some(ty) = condition.filter(|ty| ty.is_surely_not_bool()) {
            return Err(self.fail(id, format!("{name}() needs true or false, and this is {ty}")));
        }
        let body_ty = body.ty;
        let range_ty = range.ty;
        let range = self.looked_through(range);
        let (node, ty) = match name {
            "all" => (every(id, range, variable, operators::LOGICAL_AND, body.node), Type::Bool),
            "exists" => (every(id, range, variable, operators::LOGICAL_OR, body.node), Type::Bool),
            "filter" => {
                let item = Typed { node: ident(id, variable), ty: element };
                let ty = match range_ty {
                    Type::List(_) => range_ty,
                    _ => Type::List(element.to_static()),
                };
                (collect(id, range, variable, Some(body.node), item), ty)
            }
            "map" => {
                let condition = bodies.pop().map(|condition| condition.node);
                (collect(id, range, variable, condition, body), Type::List(body_ty.to_static()))
            }
            "sortBy" => {
                let keys = collect(id, ident(id, INPUT), variable, None, body);
                (sort_by(id, range, keys), range_ty)
            }
            _ => (exactly_one(id, range, variable, body.node), Type::Bool),
        };
        Ok(Typed { node, ty })
    }

    /// The type of what a loop looks at one after the other: of a map, its keys.
    fn element_of(&self, id: u64, range: Type, name: &str) -> Result<Type, ExprError> {
        match range {
            Type::Any => Ok(Type::Any),
            Type::List(ty) => Ok(*ty),
            Type::Map(_) | Type::Multi(_) | Type::Object(_) if name != "sortBy" => Ok(Type::String),
            ty => {
                Err(self.fail(id, format!("{name}() goes over a list or a map, and this is {ty}")))
            }
        }
    }
}

fn step(id: u64) -> IdedExpr {
    call(id, "@tick", Vec::new())
}

fn empty(id: u64) -> IdedExpr {
    IdedExpr { id, expr: Expr::List(ListExpr::new(Vec::new())) }
}

fn comprehension(id: u64, comprehension: ComprehensionExpr) -> IdedExpr {
    IdedExpr { id, expr: Expr::Comprehension(Box::new(comprehension)) }
}

/// `all` with `&&` and `exists` with `||`: ends at the first element that decides. An error of one
/// element does not count if a later one decides.
fn every(id: u64, range: IdedExpr, variable: &str, operator: &str, body: IdedExpr) -> IdedExpr {
    let is_all = operator == operators::LOGICAL_AND;
    let undecided = match is_all {
        true => ident(id, RESULT),
        false => call(id, operators::LOGICAL_NOT, vec![ident(id, RESULT)]),
    };
    let undecided = call(id, operators::NOT_STRICTLY_FALSE, vec![undecided]);
    comprehension(
        id,
        ComprehensionExpr {
            iter_range: range,
            iter_var: variable.to_owned(),
            iter_var2: None,
            accu_var: RESULT.to_owned(),
            accu_init: boolean(id, is_all),
            // Not `&&`, which could make an exhausted count `false` and go on.
            loop_cond: choice(id, step(id), undecided, boolean(id, false)),
            loop_step: call(id, operator, vec![ident(id, RESULT), body]),
            result: ident(id, RESULT),
        },
    )
}

/// `exists_one`: counts.
fn exactly_one(id: u64, range: IdedExpr, variable: &str, body: IdedExpr) -> IdedExpr {
    let one_more = call(id, operators::ADD, vec![ident(id, RESULT), number(id, 1)]);
    comprehension(
        id,
        ComprehensionExpr {
            iter_range: range,
            iter_var: variable.to_owned(),
            iter_var2: None,
            accu_var: RESULT.to_owned(),
            accu_init: number(id, 0),
            loop_cond: step(id),
            loop_step: choice(id, body, one_more, ident(id, RESULT)),
            result: call(id, operators::EQUALS, vec![ident(id, RESULT), number(id, 1)]),
        },
    )
}

/// `filter` and `map`: `@tick() ? @result + [item] : @result`, whose shape the engine knows and
/// appends in place.
fn collect(
    id: u64,
    range: IdedExpr,
    variable: &str,
    condition: Option<IdedExpr>,
    item: Typed,
) -> IdedExpr {
    let guard = match condition {
        Some(condition) => choice(id, step(id), condition, boolean(id, false)),
        None => step(id),
    };
    let item = IdedExpr { id, expr: Expr::List(ListExpr::new(vec![counted(item)])) };
    let longer = call(id, operators::ADD, vec![ident(id, RESULT), item]);
    comprehension(
        id,
        ComprehensionExpr {
            iter_range: range,
            iter_var: variable.to_owned(),
            iter_var2: None,
            accu_var: RESULT.to_owned(),
            accu_init: empty(id),
            loop_cond: boolean(id, true),
            loop_step: choice(id, guard, longer, ident(id, RESULT)),
            result: ident(id, RESULT),
        },
    )
}

/// Binds the list to a name, and sorts it by the keys that are made of it. A loop over nothing is
/// how the engine binds.
fn sort_by(id: u64, list: IdedExpr, keys: IdedExpr) -> IdedExpr {
    let sorted = Expr::Call(CallExpr {
        func_name: "@sortByAssociatedKeys".to_owned(),
        target: Some(Box::new(ident(id, INPUT))),
        args: vec![keys],
    });
    comprehension(
        id,
        ComprehensionExpr {
            iter_range: empty(id),
            iter_var: "@nothing".to_owned(),
            iter_var2: None,
            accu_var: INPUT.to_owned(),
            accu_init: list,
            loop_cond: boolean(id, false),
            loop_step: ident(id, INPUT),
            result: IdedExpr { id, expr: sorted },
        },
    )
}
