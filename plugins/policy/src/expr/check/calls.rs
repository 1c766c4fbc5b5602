//! Calls of functions.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue};

use super::{
    Checker, Checks, Typed, loops,
    names::path,
    nodes::{self, counted},
};
use crate::{
    expr::{
        ExprError,
        functions::{self, Form, Function, On},
        regexes::{self, Pattern},
        suggest::closest,
        ty::Type,
    },
    facts,
};

/// Functions of requests and responses: the fact that each looks into, and how.
const OF_MESSAGES: &[(&str, &str, Look)] = &[
    ("getReqHeader", "req.headers", Look::All),
    ("hasReqHeader", "req.headers", Look::Has),
    ("getReqCookie", "req.cookies", Look::Cookie),
    ("hasReqCookie", "req.cookies", Look::Has),
    ("getQueryParam", "req.url.query_params", Look::All),
    ("hasQueryParam", "req.url.query_params", Look::Has),
    ("getResHeader", "res.headers", Look::All),
    ("hasResHeader", "res.headers", Look::Has),
    ("getResCookie", "res.cookies", Look::First),
    ("hasResCookie", "res.cookies", Look::Has),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    All,
    /// The first, with the fields of a response's cookie.
    Cookie,
    First,
    Has,
}

impl Checker<'_> {
    pub(super) fn call(&mut self, id: u64, call: CallExpr) -> Checks {
        let call = match self.operator(id, call) {
            Ok(checked) => return checked,
            Err(call) => call,
        };
        if loops::is_loop(&call) {
            return self.looping(id, call);
        }
        let CallExpr { func_name: name, target, args } = call;
        let Some(target) = target else {
            return self.global(id, name.trim_start_matches('.'), args);
        };
        if let Some(space) = self.namespace(&target) {
            return self.global(id, &format!("{space}.{name}"), args);
        }
        let Some(function) = functions::find(&name, Form::Member, args.len()) else {
            return Err(self.unknown(id, &name, Form::Member));
        };
        let target = self.check(*target)?;
        if !function.on.takes(target.ty) {
            return Err(self.fail(id, format!("{name}() is not for {}", target.ty)));
        }
        self.function(id, function, Some(target), args)
    }

    /// The namespace that the target of a call is, if no loop binds its name.
    fn namespace(&self, target: &IdedExpr) -> Option<String> {
        let path = path(target)?;
        (functions::is_namespace(&path) && self.bound(&path).is_none()).then_some(path)
    }

    fn global(&mut self, id: u64, name: &str, args: Vec<IdedExpr>) -> Checks {
        if name == "has" {
            return self.presence(id, args);
        }
        if let Some((name, fact, look)) = OF_MESSAGES.iter().find(|(known, ..)| *known == name) {
            return self.of_message(id, name, fact, *look, args);
        }
        match functions::find(name, Form::Global, args.len()) {
            Some(function) => self.function(id, function, None, args),
            None => Err(self.unknown(id, name, Form::Global)),
        }
    }

    fn function(
        &mut self,
        id: u64,
        function: &Function,
        target: Option<Typed>,
        args: Vec<IdedExpr>,
    ) -> Checks {
        if !function.n_args.contains(&args.len()) {
            let (name, wants, n) = (function.name, function.wants(), args.len());
            return Err(self.fail(id, format!("{name}() takes {wants}, not {n}")));
        }
        let args = self.all(args)?;
        if let Some(arg) = args.iter().take(function.n_texts).find(|arg| !arg.ty.is_text()) {
            return Err(
                self.fail(id, format!("{}() takes a text, and this is {}", function.name, arg.ty))
            );
        }
        let func_name = function.ours.unwrap_or(function.name).to_owned();
        // Ours count the work themselves.
        let (target, mut args): (_, Vec<IdedExpr>) = match function.ours {
            Some(_) => (None, target.into_iter().chain(args).map(|arg| arg.node).collect()),
            None => {
                let args = args.into_iter().map(|arg| self.looked_through(arg)).collect();
                (target.map(|target| Box::new(self.looked_through(target))), args)
            }
        };
        if func_name == "@matches" {
            self.compile_pattern(id, &mut args)?;
        }
        let ty = function.result;
        let checked = Typed::new(id, Expr::Call(CallExpr { func_name, target, args }), ty);
        // Ours count what they return.
        let node = if function.ours.is_some() { checked.node } else { counted(checked) };
        Ok(Typed { node, ty })
    }

    /// Puts the compiled pattern in place of a literal one.
    fn compile_pattern(&mut self, id: u64, args: &mut [IdedExpr]) -> Result<(), ExprError> {
        let Some(IdedExpr { expr, .. }) = args.get_mut(1) else { return Ok(()) };
        let Expr::Literal(LiteralValue::String(pattern)) = expr else { return Ok(()) };
        let regex = regexes::compile(pattern.inner());
        let regex = regex.map_err(|error| self.fail(id, format!("a bad pattern: {error}")))?;
        let name = format!("@pattern{}", self.patterns.len());
        *expr = Expr::Ident(name.clone());
        self.patterns.push((name, Pattern(regex.into())));
        Ok(())
    }

    /// `has(of.field)` and `has(of[key])`.
    fn presence(&mut self, id: u64, args: Vec<IdedExpr>) -> Checks {
        let [arg] = <[IdedExpr; 1]>::try_from(args)
            .map_err(|args| self.fail(id, format!("has() takes 1 argument, not {}", args.len())))?;
        let (of, key) = match arg.expr {
            Expr::Select(select) => (*select.operand, nodes::text(id, select.field)),
            Expr::Call(CallExpr { func_name, target: None, args })
                if func_name == cel::common::ast::operators::INDEX =>
            {
                let [of, key] = <[IdedExpr; 2]>::try_from(args)
                    .map_err(|_| self.fail(id, "an index has one key"))?;
                (of, key)
            }
            _ => {
                let message = "has() takes a field or a key, as in has(x.field) or has(x['key'])";
                return Err(self.fail(id, message));
            }
        };
        let name = path(&of);
        let of = self.check(of)?;
        let key = self.check(key)?;
        self.element(id, &of, name.as_deref(), &key)?;
        Ok(Typed { node: nodes::call(id, "@has", vec![of.node, key.node]), ty: Type::Bool })
    }

    fn of_message(
        &mut self,
        id: u64,
        name: &str,
        fact: &str,
        look: Look,
        args: Vec<IdedExpr>,
    ) -> Checks {
        let [key] = <[IdedExpr; 1]>::try_from(args).map_err(|args| {
            self.fail(id, format!("{name}() takes 1 argument, not {}", args.len()))
        })?;
        // The leading dot: a loop may have bound the name to something else.
        let mut names = fact.split('.');
        let root = nodes::ident(id, &format!(".{}", names.next().unwrap_or_default()));
        let of = names.fold(root, |operand, field| {
            let operand = Box::new(operand);
            let select =
                cel::common::ast::SelectExpr { operand, field: field.to_owned(), test: false };
            IdedExpr { id, expr: Expr::Select(select) }
        });
        let of = self
            .check(of)
            .map_err(|_| self.fail(id, format!("{name}() is not known in {}", self.phase)))?;
        let key = self.check(key)?;
        if !key.ty.is_text() {
            return Err(self.fail(id, format!("{name}() takes a name, and this is {}", key.ty)));
        }
        let (of, Type::Multi(element), key) = (of.node, of.ty, key.node) else {
            return Err(self.fail(id, format!("{name}() cannot be used")));
        };
        let all = |of, key| nodes::call(id, cel::common::ast::operators::INDEX, vec![of, key]);
        let (node, ty) = match look {
            Look::All => (all(of, key), Type::List(element)),
            Look::First => (nodes::call(id, "@first", vec![all(of, key)]), *element),
            Look::Cookie => (nodes::call(id, "@cookie", vec![all(of, key)]), cookie()),
            Look::Has => (nodes::call(id, "@has", vec![of, key]), Type::Bool),
        };
        Ok(Typed { node, ty })
    }

    fn unknown(&self, id: u64, name: &str, form: Form) -> ExprError {
        let of_messages = OF_MESSAGES.iter().map(|(name, ..)| *name);
        let known = functions::names(form).chain(of_messages.filter(|_| form == Form::Global));
        if let Some(near) = closest(name, known) {
            return self.fail(id, format!("unknown function {name}(); did you mean {near}()?"));
        }
        let other = match form {
            Form::Global => Form::Member,
            Form::Member => Form::Global,
        };
        match (functions::find(name, other, 0), form) {
            (Some(_), Form::Global) => {
                self.fail(id, format!("{name}() is called as in x.{name}()"))
            }
            (Some(_), Form::Member) => self.fail(id, format!("{name}() is called as in {name}(x)")),
            (None, _) => self.fail(id, format!("unknown function {name}()")),
        }
    }
}

/// The type of a response's cookie.
fn cookie() -> Type {
    let res = facts::SCHEMA.iter().find(|root| root.name == "res").map(|root| root.ty);
    let Some(Type::Object(fields)) = res else { return Type::Any };
    match fields.iter().find(|field| field.name == "cookies").map(|field| field.ty) {
        Some(Type::Multi(cookie)) => *cookie,
        _ => Type::Any,
    }
}

impl On {
    /// Whether a function of this kind may be called on a value of that type.
    fn takes(self, ty: Type) -> bool {
        let is_list = matches!(ty, Type::List(_));
        match self {
            _ if ty == Type::Any => true,
            Self::Anything => true,
            Self::List => is_list,
            // Reason: what optionals hold is followed nowhere, so their type is unknown.
            Self::Optional => false,
            Self::Sequence => is_list || ty.is_text(),
            Self::String => ty.is_text(),
            Self::Time => matches!(ty, Type::Duration | Type::Timestamp),
            Self::Timestamp => ty == Type::Timestamp,
        }
    }
}
