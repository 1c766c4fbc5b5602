//! From what is known to what is on the screen. Pure: the same state and size give the same cells.
//!
//! ```text
//! adit                                              (Ctrl+C to quit)   title
//! a message of the edge                                                message
//! Session Status    online                                             facts, endpoints, numbers
//! HTTP Requests                                            3 of 120    heading
//! 14:03:07.151 CET GET     /a?b=c             200 OK          12.3ms   list, and the selected
//! / filter  ? help  q quit                                             footer
//! ```
//!
//! A small screen loses blank rows first, then facts, never the session and a line of each list.

mod facts;
mod list;
mod overlay;
mod plan;
mod text;

use adit_config::file::ConsoleColor;
use jiff::tz::TimeZone;
use ratatui::{
    Frame,
    buffer::Buffer,
    layout::Rect,
    style::{Color, Modifier, Style},
};

pub(crate) use self::text::duration;
use self::{
    plan::Plan,
    text::{put, put_right},
};
use super::{state::State, view::Fills};

/// How it is shown, whatever is shown.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) color: ConsoleColor,
    /// Of the times of requests.
    pub(crate) zone: TimeZone,
}

/// Not a colour: some terminals show the dark ones as nothing.
const DIM: Style = Style::new().add_modifier(Modifier::DIM);
const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);

/// Draws it all.
pub(crate) fn draw(state: &mut State, look: &Look, frame: &mut Frame<'_>) {
    let area = frame.area();
    let buffer = frame.buffer_mut();
    buffer.set_style(
        area,
        match look.color {
            ConsoleColor::Transparent => Style::reset(),
            _ => Style::new().fg(Color::White).bg(Color::Black),
        },
    );
    if area.height < 2 || area.width < 8 {
        return;
    }
    title(state, area, buffer);
    match state.view.screen {
        Fills::Main => main(state, look, area, buffer),
        Fills::Help => overlay::help(below_title(area), buffer),
        Fills::Code(at) => overlay::code(state.endpoints.get(at), below_title(area), buffer),
    }
}

const fn below_title(area: Rect) -> Rect {
    Rect { y: area.y + 1, height: area.height - 1, ..area }
}

fn title(state: &State, area: Rect, buffer: &mut Buffer) {
    let row = Rect { height: 1, ..area };
    let used = (put(buffer, row, state.about.name, BOLD.fg(Color::Cyan)) + 1).min(row.width);
    let rest = Rect { x: row.x + used, width: row.width - used, ..row };
    put_right(buffer, rest, "(Ctrl+C to quit)", Style::new());
}

fn main(state: &mut State, look: &Look, area: Rect, buffer: &mut Buffer) {
    let plan = Plan::of(state, area);
    if let (Some(row), Some(message)) =
        (plan.message, state.notice.as_ref().or(state.message.as_ref()))
    {
        put(buffer, row, message, Style::new().fg(Color::Yellow));
    }
    facts::draw(state, &plan, buffer);
    list::draw(state, look, &plan, buffer);
    footer(state, plan.footer, buffer);
}

fn footer(state: &State, row: Rect, buffer: &mut Buffer) {
    let view = &state.view;
    if view.typing {
        let used = put(buffer, row, &format!("/{}", view.filter.as_str()), BOLD);
        let cursor = Rect { x: row.x + used, width: (row.width - used).min(1), ..row };
        put(buffer, cursor, "_", BOLD.add_modifier(Modifier::SLOW_BLINK));
    } else if !view.filter.is_empty() {
        put(buffer, row, &format!("/{}  (Esc shows all)", view.filter.as_str()), BOLD);
    } else {
        put(buffer, row, "? help  / filter  u QR code  q quit", DIM);
    }
}

#[cfg(test)]
mod tests;
