//! What covers the screen for a while: the keys, and an address as a QR code.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Style},
};

use super::{BOLD, DIM, text::put};
use crate::{console::state::Endpoint, qr};

const KEYS: &[(&str, &str)] = &[
    ("↑ ↓  j k", "select a request; above the newest, follow"),
    ("PgUp PgDn", "a page up or down"),
    ("g G", "newest, oldest"),
    ("Enter", "what was decided about the selected one"),
    ("/", "list requests with these words; Esc: all"),
    ("Tab", "scroll the endpoints instead"),
    ("u", "URL as QR code; arrows: the next one"),
    ("Ctrl+L", "draw everything anew"),
    ("q  Ctrl+C", "quit"),
];

pub(super) fn help(area: Rect, buffer: &mut Buffer) {
    let mut rows = area.rows();
    if area.height > 12 {
        rows.next();
    }
    for (keys, what) in KEYS {
        let Some(row) = rows.next() else { return };
        let keys_width = 12.min(row.width);
        put(buffer, Rect { width: keys_width, ..row }, keys, BOLD);
        let what_row = Rect { x: row.x + keys_width, width: row.width - keys_width, ..row };
        put(buffer, what_row, what, Style::new());
    }
    if let Some(row) = rows.next_back() {
        put(buffer, row, "any key goes back", DIM);
    }
}

pub(super) fn code(endpoint: Option<&Endpoint>, area: Rect, buffer: &mut Buffer) {
    let Some(endpoint) = endpoint.filter(|endpoint| !endpoint.url.is_empty()) else {
        put(buffer, Rect { height: 1, ..area }, "no URL yet", DIM);
        return;
    };
    let url = Rect { y: area.bottom() - 1, height: 1, ..area };
    put(buffer, url, &endpoint.url, BOLD);
    let lines = match qr::Code::of(&endpoint.url) {
        Ok(code) => code.lines(),
        Err(error) => vec![error.to_string()],
    };
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let width = lines.first().map_or(0, |line| line.chars().count());
    let width = u16::try_from(width).unwrap_or(u16::MAX);
    if height >= area.height || width > area.width {
        let text = format!("the code needs {width} columns and {} rows", height + 2);
        put(buffer, Rect { height: 1, ..area }, &text, DIM);
        return;
    }
    let x = area.x + (area.width - width) / 2;
    let y = area.y + (area.height - 1 - height) / 2;
    // Scanners want dark on light, whatever the terminal's colours are.
    let style = Style::new().fg(Color::Indexed(16)).bg(Color::Indexed(231));
    for (line, y) in lines.iter().zip(y..) {
        put(buffer, Rect { x, y, width, height: 1 }, line, style);
    }
}
