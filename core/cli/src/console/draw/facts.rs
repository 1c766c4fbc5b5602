//! The upper half: what the session is, where visitors come in, and how many.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Style},
};

use super::{BOLD, DIM, plan::Plan, text::put};
use crate::console::{
    state::{Endpoint, Numbers, State},
    view::Focus,
};

/// Columns of one number.
const NUMBER: u16 = 8;

pub(super) fn draw(state: &mut State, plan: &Plan, buffer: &mut Buffer) {
    for (row, fact) in &plan.facts {
        let value = labelled(buffer, *row, plan.labels, fact.label, Style::new());
        put(buffer, value, &fact.value, fact.style);
    }
    endpoints(state, plan, buffer);
    if let Some(rows) = plan.numbers {
        numbers(state.numbers, rows, plan.labels, buffer);
    }
}

/// Writes a label; the rest of the row is for its value.
fn labelled(buffer: &mut Buffer, row: Rect, labels: u16, label: &str, style: Style) -> Rect {
    let labels = labels.min(row.width);
    put(buffer, Rect { width: labels.saturating_sub(1), ..row }, label, style);
    Rect { x: row.x + labels, width: row.width - labels, ..row }
}

fn endpoints(state: &mut State, plan: &Plan, buffer: &mut Buffer) {
    let rows = usize::from(plan.endpoints.height);
    let all = state.endpoints.len();
    state.view.endpoint_rows = rows;
    state.view.first_endpoint = state.view.first_endpoint.min(all.saturating_sub(rows));
    let first = state.view.first_endpoint;
    let focus = if state.view.focus == Focus::Endpoints { BOLD } else { DIM };
    for (nth, row) in plan.endpoints.rows().enumerate() {
        let shown = state.endpoints.get(first + nth);
        let label = match (nth, all > rows) {
            (0, true) if rows == 1 => format!("Forwarding {}/{all}", first + 1),
            (0, _) => "Forwarding".to_owned(),
            (1, true) => format!("{}-{} of {all}", first + 1, first + rows),
            _ => String::new(),
        };
        let style = if nth == 0 { Style::new() } else { focus };
        let value = labelled(buffer, row, plan.endpoint_labels, &label, style);
        match shown {
            Some(endpoint) => forwarding(endpoint, value, buffer),
            None => {
                put(buffer, value, "none", DIM);
            }
        }
    }
}

fn forwarding(endpoint: &Endpoint, row: Rect, buffer: &mut Buffer) {
    let Endpoint { url, upstream, trouble } = endpoint;
    let rest = |used: u16| Rect { x: row.x + used, width: row.width - used, ..row };
    if !trouble.is_empty() {
        let used = put(buffer, row, url, Style::new().fg(Color::Red));
        put(buffer, rest(used), &format!(" offline: {trouble}"), Style::new());
        return;
    }
    let used = put(buffer, row, url, Style::new());
    put(buffer, rest(used), &format!(" -> {upstream}"), Style::new());
}

fn numbers(numbers: Numbers, rows: Rect, labels: u16, buffer: &mut Buffer) {
    let Numbers { total, open, rate1, rate5, p50, p90 } = numbers;
    let columns = [
        ("ttl", total.to_string()),
        ("opn", open.to_string()),
        ("rt1", format!("{rate1:.2}")),
        ("rt5", format!("{rate5:.2}")),
        ("p50", format!("{p50:.2}")),
        ("p90", format!("{p90:.2}")),
    ];
    let n_columns = u16::try_from(columns.len()).unwrap_or(1);
    // Where there is no room for the label, the names of the columns say enough.
    let label = if rows.width >= labels + n_columns * NUMBER { labels } else { 0 };
    let width = NUMBER.min((rows.width - label) / n_columns);
    if label > 0 {
        labelled(buffer, Rect { height: 1, ..rows }, label, "Connections", Style::new());
    }
    let mut x = rows.x + label;
    for (name, number) in columns {
        let cell = |y| Rect { x, y, width: width.saturating_sub(1), height: 1 };
        put(buffer, cell(rows.y), name, DIM);
        if rows.height > 1 {
            put(buffer, cell(rows.y + 1), &number, Style::new());
        }
        x += width;
    }
}
