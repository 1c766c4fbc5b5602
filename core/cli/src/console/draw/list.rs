//! The lower half: the latest requests, and what was decided about the selected one.

use adit_config::file::ConsoleColor;
use jiff::Timestamp;
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Modifier, Style},
};
use unicode_width::UnicodeWidthStr as _;

use super::{
    BOLD, DIM, Look,
    plan::Plan,
    text::{duration, put, put_right},
};
use crate::console::state::{Decision, Exchange, Outcome, State, Weight};

/// Columns of the parts of a line, without the blank behind each.
const METHOD: u16 = 7;
const METHOD_NARROW: u16 = 4;
const STATUS: u16 = 16;
const STATUS_NARROW: u16 = 3;
const STATUS_BROAD: u16 = 21;
const TOOK: u16 = 7;
const DECISION: u16 = 24;
const ENDPOINT: u16 = 14;

/// Columns of the screen from which they are shown.
const WITH_ZONE: u16 = 60;
const WITH_DECISION: u16 = 100;
const WITH_ENDPOINT: u16 = 118;

/// Rows of the list from which the selected exchange's decisions stand below it.
const MIN_SHARED: u16 = 6;

pub(super) fn draw(state: &mut State, look: &Look, plan: &Plan, buffer: &mut Buffer) {
    let (list, detail) = split(state, plan.list);
    let listed: Vec<&Exchange> = state.listed().collect();
    let (rows, count) = (usize::from(list.height), listed.len());
    let selected = state.view.selected.as_deref();
    let selected = selected.and_then(|id| listed.iter().position(|exchange| exchange.id == id));
    let first = match selected {
        Some(at) if at < state.view.first_exchange => at,
        Some(at) if at >= state.view.first_exchange + rows => (at + 1).saturating_sub(rows),
        Some(_) => state.view.first_exchange,
        None => 0,
    };
    let first = first.min(count.saturating_sub(rows));
    heading(state, count, plan.heading, buffer);
    if count == 0 {
        nothing(state, list, buffer);
    }
    let several = state.endpoints.len() > 1;
    for (row, (at, exchange)) in list.rows().zip(listed.iter().enumerate().skip(first)) {
        line(exchange, several, look, row, buffer);
        if Some(at) == selected {
            // A background of the terminal's own is unknown: only reversing is sure to be seen.
            buffer.set_style(
                row,
                match look.color {
                    ConsoleColor::Transparent => Style::new().add_modifier(Modifier::REVERSED),
                    _ => Style::new().bg(Color::Blue).fg(Color::White),
                },
            );
        }
    }
    if let Some(exchange) = selected.and_then(|at| listed.get(at)) {
        decisions(exchange, detail, buffer);
    }
    state.view.first_exchange = first;
    state.view.exchange_rows = rows;
}

/// The rows of the list, and those of the details.
fn split(state: &State, area: Rect) -> (Rect, Rect) {
    let exchange = state.listed().find(|e| Some(&e.id) == state.view.selected.as_ref());
    let (Some(exchange), true) = (exchange, state.view.detail) else {
        return (area, Rect { height: 0, ..area });
    };
    if area.height < MIN_SHARED {
        return (Rect { height: 0, ..area }, area);
    }
    let wanted = 2 + u16::try_from(exchange.decisions.len().max(1)).unwrap_or(u16::MAX);
    let height = wanted.min(area.height / 2);
    let list = Rect { height: area.height - height, ..area };
    (list, Rect { y: list.bottom(), height, ..area })
}

fn heading(state: &State, count: usize, row: Rect, buffer: &mut Buffer) {
    let used = put(buffer, row, "HTTP Requests", BOLD);
    let right = match state.exchanges.len() {
        0 => String::new(),
        all if state.view.filter.is_empty() => format!("{all}"),
        all => format!("{count} of {all}"),
    };
    let rest = Rect { x: row.x + used, width: row.width - used, ..row };
    put_right(buffer, rest, &right, DIM);
}

fn nothing(state: &State, area: Rect, buffer: &mut Buffer) {
    let row = Rect { height: area.height.min(1), ..area };
    if !state.about.captures {
        put(buffer, row, "not listed: inspection is off", DIM);
    } else if !state.exchanges.is_empty() {
        let text = format!("none matches {:?}", state.view.filter.as_str().trim());
        put(buffer, row, &text, DIM);
    } else {
        put(buffer, row, "none yet", DIM);
    }
}

/// The parts of a row from left to right, and from right to left.
struct Cells {
    rest: Rect,
}

impl Cells {
    fn left(&mut self, width: u16) -> Rect {
        let cell = Rect { width: width.min(self.rest.width), ..self.rest };
        let used = (width + 1).min(self.rest.width);
        self.rest = Rect { x: self.rest.x + used, width: self.rest.width - used, ..self.rest };
        cell
    }

    fn right(&mut self, width: u16) -> Rect {
        let used = (width + 1).min(self.rest.width);
        let x = self.rest.right() - used;
        self.rest.width -= used;
        Rect { x: x + 1, width: used.saturating_sub(1), ..self.rest }
    }
}

fn line(exchange: &Exchange, several: bool, look: &Look, row: Rect, buffer: &mut Buffer) {
    let wide = row.width >= WITH_ZONE;
    let mut cells = Cells { rest: row };
    let time = time(exchange.start, look, wide);
    let width = u16::try_from(time.width()).unwrap_or(u16::MAX);
    put(buffer, cells.left(width), &time, DIM);
    let method = cells.left(if wide { METHOD } else { METHOD_NARROW });
    put(buffer, method, &exchange.method, Style::new());
    let settled = exchange.settled_by();
    if row.width >= WITH_DECISION {
        beside(exchange, cells.right(DECISION), buffer);
    }
    if wide && let Outcome::Answered { took: Some(took), .. } = &exchange.outcome {
        put_right(buffer, cells.right(TOOK), &duration(*took), Style::new());
    } else if wide {
        cells.right(TOOK);
    }
    let status = cells.right(match row.width {
        WITH_ENDPOINT.. => STATUS_BROAD,
        WITH_ZONE.. => STATUS,
        _ => STATUS_NARROW,
    });
    let by = settled.filter(|_| row.width < WITH_DECISION);
    match (&exchange.outcome, by) {
        (Outcome::Answered { status: code, .. }, Some(by)) if wide => {
            put(buffer, status, &format!("{code} {}", by.handler), colour(exchange));
        }
        (Outcome::Answered { status: code, .. }, _) if !wide => {
            put(buffer, status, &code.to_string(), colour(exchange));
        }
        _ => {
            put(buffer, status, &exchange.status(), colour(exchange));
        }
    }
    if several && row.width >= WITH_ENDPOINT {
        put(buffer, cells.right(ENDPOINT), &exchange.endpoint, DIM);
    }
    put(buffer, cells.rest, &exchange.path, Style::new());
}

fn time(start: Timestamp, look: &Look, zone: bool) -> String {
    let local = start.to_zoned(look.zone.clone());
    let format = if zone { "%H:%M:%S.%3f %Z" } else { "%H:%M:%S.%3f" };
    local.strftime(format).to_string()
}

/// The decisions in few words: the one that settled it, else the handlers that let it pass.
fn beside(exchange: &Exchange, cell: Rect, buffer: &mut Buffer) {
    match exchange.settled_by() {
        Some(by) => {
            let text = format!("{} {}", by.handler, by.verdict);
            put(buffer, cell, &text, Style::new().fg(Color::Magenta));
        }
        None => {
            let passed: Vec<&str> = exchange.decisions.iter().map(|d| d.handler.as_str()).collect();
            put(buffer, cell, &passed.join(", "), DIM);
        }
    }
}

const fn colour(exchange: &Exchange) -> Style {
    let style = Style::new();
    match exchange.outcome {
        Outcome::Waiting => DIM,
        Outcome::Failed(_) => style.fg(Color::Red),
        Outcome::Answered { status, .. } => match status {
            ..300 => style.fg(Color::Green),
            300..400 => style.fg(Color::Cyan),
            400..500 => style.fg(Color::Yellow),
            500.. => style.fg(Color::Red),
        },
    }
}

fn decisions(exchange: &Exchange, area: Rect, buffer: &mut Buffer) {
    let mut rows = area.rows();
    let Some(row) = rows.next() else { return };
    put(buffer, row, &"─".repeat(usize::from(row.width)), DIM);
    let Some(row) = rows.next() else { return };
    let Exchange { method, path, endpoint, .. } = exchange;
    put(buffer, row, &format!("{method} {path}  {}  at {endpoint}", exchange.status()), BOLD);
    if exchange.decisions.is_empty()
        && let Some(row) = rows.next()
    {
        put(buffer, row, "no handler looked at it", DIM);
    }
    for (row, decision) in rows.zip(&exchange.decisions) {
        let Decision { handler, verdict, took, weight, note } = decision;
        let mut cells = Cells { rest: row };
        put(buffer, cells.left(row.width / 4), handler, Style::new());
        let style = match weight {
            Weight::Passed => Style::new(),
            Weight::Settled => Style::new().fg(Color::Magenta),
        };
        put(buffer, cells.left(10), verdict, style);
        put_right(buffer, cells.left(TOOK), &duration(*took), DIM);
        put(buffer, cells.rest, note, Style::new());
    }
}
