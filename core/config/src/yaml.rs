//! From bytes to [`Node`]s. The only module that meets the YAML parser.
//!
//! The parser's events are turned into a tree with a stack of our own, so that neither depth, nor
//! aliases, nor size can hurt: each has a limit that is checked before memory is taken.

pub(crate) mod outline;
mod remedy;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use crate::{
    diagnostic::{Diagnostic, Diagnostics},
    node::{Key, Node, Pos, Scalar, Style, Value},
};

/// Longest file that is read, in bytes. A thousand endpoints take about half of one MiB.
pub const MAX_FILE_LEN: u64 = 8 * 1024 * 1024;
/// Deepest nesting. The deepest documented value, a policy's action, sits at 10.
pub const MAX_DEPTH: usize = 64;
/// What all aliases of a file together may expand to, in bytes (a node counts as [`NODE_COST`]).
const MAX_ALIAS_COST: usize = 8 * 1024 * 1024;
/// About what a node takes in memory besides its text.
const NODE_COST: usize = 96;

/// The file's one document; `None` when it is empty.
///
/// Repeated keys are reported and their first value kept, so that reading can go on.
pub(crate) fn parse(
    file: &Arc<str>,
    bytes: &[u8],
    problems: &mut Diagnostics,
) -> Result<Option<Node>, Diagnostic> {
    if bytes.len() as u64 > MAX_FILE_LEN {
        let at = Pos { line: 1, column: 1 }.in_file(file);
        return Err(Diagnostic::new(at, format!("the file is longer than {MAX_FILE_LEN} bytes")));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| not_utf8(file, bytes, e.valid_up_to()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder::new(file, problems);
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|e| remedy::refusal(&e, text, file))?;
        builder.event(event, pos(span.start))?;
    }
    Ok(builder.root)
}

/// Lines count from 1 in the parser, columns from 0.
fn pos(mark: Marker) -> Pos {
    let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Pos { line: clamp(mark.line().max(1)), column: clamp(mark.col()).saturating_add(1) }
}

fn not_utf8(file: &Arc<str>, bytes: &[u8], at: usize) -> Diagnostic {
    let before = String::from_utf8_lossy(bytes.get(..at).unwrap_or_default());
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count());
    let place = pos(Marker::new(0, line, column)).in_file(file);
    Diagnostic::new(place, "the file is not UTF-8").hint("save it with UTF-8 encoding")
}

struct Builder<'a> {
    file: &'a Arc<str>,
    problems: &'a mut Diagnostics,
    open: Vec<Open>,
    anchors: HashMap<usize, Anchor>,
    alias_cost: usize,
    root: Option<Node>,
}

/// A collection whose end has not been seen.
struct Open {
    pos: Pos,
    anchor: usize,
    items: Items,
}

enum Items {
    List(Vec<Node>),
    Map { entries: Vec<(Key, Node)>, seen: HashSet<String>, key: Option<Key>, merges: Vec<Node> },
}

struct Anchor {
    node: Node,
    cost: usize,
    depth: usize,
}

impl<'a> Builder<'a> {
    fn new(file: &'a Arc<str>, problems: &'a mut Diagnostics) -> Self {
        let (open, anchors) = (Vec::new(), HashMap::new());
        Self { file, problems, open, anchors, alias_cost: 0, root: None }
    }

    fn event(&mut self, event: Event<'_>, pos: Pos) -> Result<(), Diagnostic> {
        match event {
            Event::DocumentStart(_) if self.root.is_some() => {
                Err(self.error(pos, "a second document starts here").hint("keep one per file"))
            }
            Event::Scalar(text, style, anchor, tag) => {
                let style = self.style(style, tag.as_deref(), pos)?;
                let value = Value::Scalar(Scalar { text: text.into_owned(), style });
                self.value(Node { pos, value }, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_tag(tag.as_deref(), pos)?;
                self.open(pos, anchor, Items::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_tag(tag.as_deref(), pos)?;
                self.open(pos, anchor, Items::map())
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => {
                    let value = open.items.close();
                    self.value(Node { pos: open.pos, value }, open.anchor)
                }
                None => Ok(()),
            },
            Event::Alias(id) => self.alias(id, pos),
            _ => Ok(()),
        }
    }

    fn open(&mut self, pos: Pos, anchor: usize, items: Items) -> Result<(), Diagnostic> {
        if self.open.len() >= MAX_DEPTH {
            return Err(self.error(pos, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.open.push(Open { pos, anchor, items });
        Ok(())
    }

    /// A finished value goes to where it stands: a list, a key, after a key, or the top.
    fn value(&mut self, node: Node, anchor: usize) -> Result<(), Diagnostic> {
        if anchor > 0 {
            let (cost, depth) = measure(&node);
            self.anchors.insert(anchor, Anchor { node: node.clone(), cost, depth });
        }
        match self.open.last_mut().map(|open| &mut open.items) {
            None => self.root = Some(node),
            Some(Items::List(items)) => items.push(node),
            Some(Items::Map { key: slot @ None, .. }) => match node {
                Node { pos, value: Value::Scalar(Scalar { text, style }) } => {
                    *slot = Some(Key { text, style, pos });
                }
                Node { pos, .. } => {
                    return Err(self.error(pos, "a key must be a string").hint("quote it"));
                }
            },
            Some(Items::Map { entries, seen, key, merges }) => {
                let Some(key) = key.take() else { return Ok(()) };
                if key.text == "<<" && key.style == Style::Plain {
                    merges.push(node);
                } else if seen.insert(key.text.clone()) {
                    entries.push((key, node));
                } else {
                    let message = format!("key {:?} is written twice in this map", key.text);
                    self.problems.push(Diagnostic::new(key.pos.in_file(self.file), message));
                }
            }
        }
        Ok(())
    }

    fn alias(&mut self, id: usize, pos: Pos) -> Result<(), Diagnostic> {
        let Some(anchor) = self.anchors.get(&id) else {
            return Err(self.error(pos, "an alias cannot stand inside its own anchor"));
        };
        if self.open.len() + anchor.depth > MAX_DEPTH {
            return Err(self.error(pos, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.alias_cost = self.alias_cost.saturating_add(anchor.cost);
        if self.alias_cost > MAX_ALIAS_COST {
            return Err(self.error(pos, format!("aliases expand to over {MAX_ALIAS_COST} bytes")));
        }
        let node = anchor.node.clone();
        self.value(node, 0)
    }

    fn style(&self, style: ScalarStyle, tag: Option<&Tag>, pos: Pos) -> Result<Style, Diagnostic> {
        match tag {
            Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => {
                return Ok(Style::Text);
            }
            tag => self.refuse_tag(tag, pos)?,
        }
        Ok(if style == ScalarStyle::Plain { Style::Plain } else { Style::Text })
    }

    /// `!!int` and its like say what the schema says anyway; other tags mean nothing to us.
    fn refuse_tag(&self, tag: Option<&Tag>, pos: Pos) -> Result<(), Diagnostic> {
        match tag {
            Some(tag) if !tag.is_yaml_core_schema() => {
                let message = format!("the YAML tag \"{tag}\" has no meaning here");
                Err(self.error(pos, message).hint("quote a value that starts with !"))
            }
            _ => Ok(()),
        }
    }

    fn error(&self, pos: Pos, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(pos.in_file(self.file), message)
    }
}

impl Items {
    fn map() -> Self {
        Self::Map { entries: Vec::new(), seen: HashSet::new(), key: None, merges: Vec::new() }
    }

    /// Applies `<<` last: what the map says itself wins over what it merges in.
    fn close(self) -> Value {
        match self {
            Self::List(items) => Value::List(items),
            Self::Map { mut entries, mut seen, merges, .. } => {
                let flat = merges.into_iter().flat_map(|node| match node.value {
                    Value::List(items) => items,
                    value => vec![Node { pos: node.pos, value }],
                });
                for node in flat {
                    let Value::Map(merged) = node.value else { continue };
                    entries.extend(merged.into_iter().filter(|(k, _)| seen.insert(k.text.clone())));
                }
                Value::Map(entries)
            }
        }
    }
}

/// Cost and depth of a tree. It is at most [`MAX_DEPTH`] deep, so recursion is safe.
fn measure(node: &Node) -> (usize, usize) {
    let mut cost = NODE_COST;
    let mut depth = usize::from(!matches!(node.value, Value::Scalar(_)));
    let mut add = |child: &Node, key_len: usize| {
        let (c, d) = measure(child);
        cost = cost.saturating_add(c).saturating_add(key_len);
        depth = depth.max(d + 1);
    };
    match &node.value {
        Value::Scalar(s) => cost += s.text.len(),
        Value::List(items) => items.iter().for_each(|n| add(n, 0)),
        Value::Map(entries) => entries.iter().for_each(|(k, n)| add(n, k.text.len() + NODE_COST)),
    }
    (cost, depth)
}

#[cfg(test)]
mod tests;
