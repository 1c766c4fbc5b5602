//! Values of any shape, with templates in their texts.

use std::fmt;

use cel::Value;
use serde_json::Value as Json;

use super::Fields;
use crate::{
    expr::{ExprError, Template},
    scope::Scope,
    value,
};

/// A value of any shape. Every text in it may hold `${…}`; one that is nothing else takes the type
/// of its expression. Keys are as they stand.
pub(crate) enum Tree {
    /// A list.
    List(Vec<Self>),
    /// An object.
    Map(Vec<(String, Self)>),
    /// Neither text nor anything with texts in it.
    Plain(Value),
    /// A text.
    Text(Template),
}

impl Tree {
    /// The value of now. `broken` says what stands for a text whose expression failed.
    pub(crate) fn value(
        &self,
        scope: &Scope,
        broken: fn(ExprError) -> Result<Value, ExprError>,
    ) -> Result<Value, ExprError> {
        match self {
            Self::Plain(value) => Ok(value.clone()),
            Self::Text(template) => template.value(scope).or_else(broken),
            Self::List(items) => {
                let items: Result<Vec<_>, _> =
                    items.iter().map(|item| item.value(scope, broken)).collect();
                items.map(value::list)
            }
            Self::Map(entries) => {
                let entry =
                    |(key, tree): &(String, Self)| Ok((key.clone(), tree.value(scope, broken)?));
                let entries: Result<Vec<_>, _> = entries.iter().map(entry).collect();
                entries.map(value::map)
            }
        }
    }
}

impl fmt::Debug for Tree {
    /// Its shape only: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(items) => f.debug_list().entries(items).finish(),
            Self::Map(entries) => {
                f.debug_map().entries(entries.iter().map(|(k, v)| (k, v))).finish()
            }
            Self::Plain(_) => f.write_str("Plain"),
            Self::Text(_) => f.write_str("Text"),
        }
    }
}

/// How deep a value may be, and what is wrong with one that is deeper.
#[derive(Clone, Copy)]
pub(crate) struct Depth {
    /// Lists and objects in each other.
    pub(crate) most: usize,
    /// The code for more.
    pub(crate) code: u32,
}

impl Fields<'_> {
    /// A value of any shape that stands there.
    pub(crate) fn tree(&mut self, path: &[&str], json: &Json, depth: Depth) -> Option<Tree> {
        self.branch(path, json, depth, 0)
    }

    fn branch(&mut self, path: &[&str], json: &Json, depth: Depth, level: usize) -> Option<Tree> {
        if level >= depth.most && (json.is_array() || json.is_object()) {
            let message = format!("is nested more than {} deep", depth.most);
            self.error_in(path, depth.code, message);
            return None;
        }
        match json {
            Json::String(text) => self.compile(path, text).map(Tree::Text),
            Json::Array(items) => {
                let items: Vec<_> = items
                    .iter()
                    .enumerate()
                    .map(|(i, item)| {
                        self.branch(
                            &[path, &[i.to_string().as_str()]].concat(),
                            item,
                            depth,
                            level + 1,
                        )
                    })
                    .collect();
                items.into_iter().collect::<Option<_>>().map(Tree::List)
            }
            Json::Object(map) => {
                let entries: Vec<_> = map
                    .iter()
                    .map(|(key, item)| {
                        let tree =
                            self.branch(&[path, &[key.as_str()]].concat(), item, depth, level + 1)?;
                        Some((key.clone(), tree))
                    })
                    .collect();
                entries.into_iter().collect::<Option<_>>().map(Tree::Map)
            }
            Json::Null | Json::Bool(_) | Json::Number(_) => {
                Some(Tree::Plain(value::from_json(json)))
            }
        }
    }
}
