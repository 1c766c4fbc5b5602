//! Text in cells: cut to fit, and harmless whoever wrote it.

use std::time::Duration;

use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::printable;

/// Writes at the left of a row. The columns that it took.
pub(crate) fn put(buffer: &mut Buffer, row: Rect, text: &str, style: Style) -> u16 {
    if row.is_empty() {
        return 0;
    }
    let text = fit(text, row.width);
    let (end, _) = buffer.set_stringn(row.x, row.y, &text, usize::from(row.width), style);
    end - row.x
}

/// Writes at the right of a row, unless it does not fit. The columns that it took.
pub(crate) fn put_right(buffer: &mut Buffer, row: Rect, text: &str, style: Style) -> u16 {
    let width = u16::try_from(text.width()).unwrap_or(u16::MAX);
    if width > row.width || row.is_empty() {
        return 0;
    }
    put(buffer, Rect { x: row.right() - width, width, ..row }, text, style)
}

/// As much of a text as fits, with a sign that there is more.
pub(crate) fn fit(text: &str, width: u16) -> String {
    let width = usize::from(width);
    let mut fitting = String::new();
    let mut used = 0;
    // A text may be megabytes long; only what is shown is looked at.
    let head: String = text.chars().take(width + 1).collect();
    let safe = printable::line(&head);
    if safe.width() <= width && head.len() == text.len() {
        return safe.into_owned();
    }
    for c in safe.chars() {
        let next = used + c.width().unwrap_or(0);
        if next > width.saturating_sub(1) {
            break;
        }
        fitting.push(c);
        used = next;
    }
    if width > 0 {
        fitting.push('…');
    }
    fitting
}

/// A time as people say it: three digits and a unit.
pub(crate) fn duration(took: Duration) -> String {
    let micros = took.as_micros();
    #[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
    let of = |unit: f64| micros as f64 / unit;
    match micros {
        0..1_000 => format!("{micros}µs"),
        1_000..10_000 => format!("{:.2}ms", of(1e3)),
        10_000..100_000 => format!("{:.1}ms", of(1e3)),
        100_000..1_000_000 => format!("{:.0}ms", of(1e3)),
        1_000_000..10_000_000 => format!("{:.2}s", of(1e6)),
        10_000_000..100_000_000 => format!("{:.1}s", of(1e6)),
        _ => format!("{}m{:02}s", took.as_secs() / 60, took.as_secs() % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!(fit("/abcdef", 7), "/abcdef");
        assert_eq!(fit("/abcdef", 6), "/abcd…");
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(fit("a\x1b[2J", 20), "a\\x1b[2J");
        assert_eq!(fit("abc", 1), "…");
        assert_eq!(fit("abc", 0), "");
    }

    #[test]
    fn times_have_three_digits() {
        let told = |micros| duration(Duration::from_micros(micros));
        assert_eq!(told(850), "850µs");
        assert_eq!(told(1_234), "1.23ms");
        assert_eq!(told(12_345), "12.3ms");
        assert_eq!(told(123_456), "123ms");
        assert_eq!(told(1_234_567), "1.23s");
        assert_eq!(told(83_000_000), "83.0s");
        assert_eq!(told(183_000_000), "3m03s");
    }
}
