//! Which rows of the screen are for what.

use std::time::Duration;

use ratatui::{
    layout::Rect,
    style::{Color, Style},
};
use unicode_width::UnicodeWidthStr as _;

use super::text;
use crate::console::state::{Phase, State};

/// Columns from which labels stand beside their values with room to spare.
const WIDE: u16 = 60;
/// Columns of the labels: as many as there are to spare.
const LABELS_WIDE: u16 = 30;
const LABELS: u16 = 17;
const LABELS_NARROW: u16 = 15;
/// The same beside endpoints, whose addresses are long.
const LABELS_NARROWEST: u16 = 11;
/// Rows of requests that are worth more than facts.
const MIN_REQUESTS: u16 = 5;
/// Of the rows of the screen, the share that endpoints may take when there are requests too.
const ENDPOINT_SHARE: u16 = 4;

/// A fact about the session.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    pub(super) label: &'static str,
    pub(super) value: String,
    pub(super) style: Style,
    /// The lowest goes first when there is no room.
    worth: u8,
}

/// Where everything goes. Rows that do not fit are `None` or empty.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) labels: u16,
    pub(super) endpoint_labels: u16,
    pub(super) message: Option<Rect>,
    pub(super) facts: Vec<(Rect, Fact)>,
    pub(super) endpoints: Rect,
    /// Names and numbers.
    pub(super) numbers: Option<Rect>,
    pub(super) heading: Rect,
    pub(super) list: Rect,
    pub(super) footer: Rect,
}

impl Plan {
    pub(super) fn of(state: &State, area: Rect) -> Self {
        let mut facts = facts(state);
        let spare = |used: u16| area.height.saturating_sub(used);
        let n_endpoints = u16::try_from(state.endpoints.len().max(1)).unwrap_or(u16::MAX);
        let share = if state.about.captures { ENDPOINT_SHARE } else { 2 };
        let mut endpoints = n_endpoints.min((area.height / share).max(1));
        let (mut message, mut numbers, mut blanks) =
            (state.message.is_some() || state.notice.is_some(), true, true);
        // Title, heading and footer are always there.
        let used = |facts: &[Fact], endpoints, message, numbers, blanks| {
            let facts = u16::try_from(facts.len()).unwrap_or(u16::MAX);
            let blanks = if blanks { 1 + 1 + u16::from(numbers) + 1 } else { 0 };
            3 + u16::from(message) + facts + endpoints + 2 * u16::from(numbers) + blanks
        };
        while spare(used(&facts, endpoints, message, numbers, blanks)) < MIN_REQUESTS {
            let least = facts.iter().enumerate().filter(|(_, fact)| fact.worth < u8::MAX);
            let least = least.min_by_key(|(_, fact)| fact.worth).map(|(at, fact)| (at, fact.worth));
            if blanks {
                blanks = false;
            } else if endpoints > 3 {
                endpoints -= 1;
            } else if let Some((at, ..5)) = least {
                facts.remove(at);
            } else if numbers && area.height < 14 {
                numbers = false;
            } else if let Some((at, _)) = least {
                facts.remove(at);
            } else if endpoints > 1 {
                endpoints -= 1;
            } else if message {
                message = false;
            } else {
                break;
            }
        }
        let (labels, endpoint_labels) = labels(state, &facts, area.width);
        let mut rows = Rows { area, y: area.y + 1 };
        let message = message.then(|| rows.take(1));
        let gap = u16::from(blanks);
        rows.take(gap);
        let facts = facts.into_iter().map(|fact| (rows.take(1), fact)).collect();
        let endpoints = rows.take(endpoints);
        rows.take(gap);
        let numbers = numbers.then(|| rows.take(2));
        rows.take(gap * u16::from(numbers.is_some()));
        let heading = rows.take(1);
        let footer = Rect { y: area.bottom() - 1, height: 1, ..area };
        let list = rows.take(footer.y.saturating_sub(rows.y));
        Self { labels, endpoint_labels, message, facts, endpoints, numbers, heading, list, footer }
    }
}

/// Columns of the labels of facts and of endpoints.
fn labels(state: &State, facts: &[Fact], width: u16) -> (u16, u16) {
    if width < WIDE {
        return (LABELS_NARROW, LABELS_NARROWEST);
    }
    let endpoints = state.endpoints.iter().map(|endpoint| match endpoint.trouble.as_str() {
        "" => format!("{} -> {}", endpoint.url, endpoint.upstream),
        trouble => format!("{} offline: {trouble}", endpoint.url),
    });
    let longest = endpoints.map(|text| text.width()).chain(facts.iter().map(|f| f.value.width()));
    let fits = usize::from(LABELS_WIDE) + longest.max().unwrap_or(0) <= usize::from(width);
    let labels = if fits { LABELS_WIDE } else { LABELS };
    (labels, labels)
}

/// Rows from the top down; empty ones when the screen has no more.
struct Rows {
    area: Rect,
    y: u16,
}

impl Rows {
    fn take(&mut self, n: u16) -> Rect {
        let bottom = self.area.bottom() - 1;
        let y = self.y.min(bottom);
        let height = n.min(bottom - y);
        self.y = y + height;
        Rect { y, height, ..self.area }
    }
}

fn facts(state: &State) -> Vec<Fact> {
    let (about, session) = (&state.about, &state.session);
    let plain = Style::new();
    let (phase, style) = match &session.phase {
        Phase::Connecting => ("connecting".to_owned(), plain.fg(Color::Yellow)),
        Phase::Online => ("online".to_owned(), plain.fg(Color::Green)),
        Phase::Reconnecting(why) if why.is_empty() => {
            ("reconnecting".to_owned(), plain.fg(Color::Red))
        }
        Phase::Reconnecting(why) => (format!("reconnecting ({why})"), plain.fg(Color::Red)),
        Phase::Ending => ("ending".to_owned(), plain.fg(Color::Yellow)),
    };
    let mut facts = vec![Fact { label: "Session Status", value: phase, style, worth: u8::MAX }];
    let mut add = |label, value: &str, worth| {
        if !value.is_empty() {
            facts.push(Fact { label, value: value.to_owned(), style: plain, worth });
        }
    };
    if session.account.is_empty() {
        add("Edge", &about.edge, 4);
    } else {
        add("Account", &session.account, 4);
    }
    add("Version", about.version, 1);
    add("Region", &session.region, 2);
    add("Latency", &latency(session.latency), 3);
    add("Web Interface", about.web.as_deref().unwrap_or_default(), 6);
    facts
}

fn latency(latency: Option<Duration>) -> String {
    match latency {
        Some(latency) if latency >= Duration::from_millis(1) => {
            format!("{}ms", latency.as_millis())
        }
        Some(latency) => text::duration(latency),
        None => "-".to_owned(),
    }
}
