#![allow(clippy::unwrap_used)]

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::Timestamp;
use ratatui::{Terminal, backend::TestBackend};

use super::*;
use crate::console::{
    state::{
        About, Decision, Endpoint, Exchange, MAX_EXCHANGES, Numbers, Outcome, Phase, Session,
        Weight,
    },
    view::Asks,
};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (40, 12)];

fn look() -> Look {
    Look { color: ConsoleColor::Black, zone: TimeZone::fixed(jiff::tz::offset(2)) }
}

fn buffer(state: &mut State, (width, height): (u16, u16)) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(state, &look(), frame)).unwrap();
    terminal.backend().buffer().clone()
}

/// The rows of the screen, without the blanks at their ends.
fn rows(state: &mut State, size: (u16, u16)) -> Vec<String> {
    let buffer = buffer(state, size);
    let row = |y| {
        let cells = (0..size.0).map(|x| buffer[(x, y)].symbol());
        cells.collect::<String>().trim_end().to_owned()
    };
    (0..size.1).map(row).collect()
}

fn snapshots(name: &str, state: &State) {
    for size in SIZES {
        let screen = rows(&mut state.clone(), size).join("\n");
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), screen);
    }
}

fn online(n_endpoints: usize) -> State {
    let endpoint = |n| Endpoint {
        url: format!("http://app-{n}.localhost:7080"),
        upstream: format!("http://localhost:{}", 8080 + n),
        trouble: String::new(),
    };
    State {
        about: About {
            name: "adit",
            version: "1.2.3",
            edge: "embedded, on this machine".to_owned(),
            web: Some("http://127.0.0.1:4040".to_owned()),
            captures: true,
        },
        session: Session {
            phase: Phase::Online,
            latency: Some(Duration::from_millis(37)),
            ..Session::default()
        },
        endpoints: (0..n_endpoints).map(endpoint).collect(),
        ..State::default()
    }
}

fn exchange(n: usize) -> Exchange {
    let decision = |handler: &str, verdict: &str, weight| Decision {
        handler: handler.to_owned(),
        verdict: verdict.to_owned(),
        took: Duration::from_micros(42),
        weight,
        note: String::new(),
    };
    let answered = |status, reason: &str| Outcome::Answered {
        status,
        reason: reason.to_owned(),
        took: Some(Duration::from_micros(12_345 * (n as u64 + 1))),
    };
    let pass = decision("basic-auth", "next", Weight::Passed);
    let (method, path, outcome, decisions) = match n % 5 {
        0 => ("GET", "/index.html?lang=de", answered(200, "OK"), vec![pass]),
        1 => ("POST", "/api/orders", answered(201, "Created"), vec![]),
        2 => {
            let mut stop = decision("key-limit", "abort", Weight::Settled);
            stop.note = "key 7 has had 100 requests this minute".to_owned();
            ("GET", "/api/orders/17", answered(429, "Too Many Requests"), vec![pass, stop])
        }
        3 => (
            "DELETE",
            "/a/\x1b[2J\u{202e}/very/long/path/that/does/not/fit/anywhere/because/it/\
                         goes/on/and/on",
            answered(500, "Internal Server Error"),
            vec![pass],
        ),
        _ => ("GET", "/events", Outcome::Waiting, vec![]),
    };
    Exchange {
        id: format!("{n:016x}"),
        endpoint: format!("app-{}", n % 2),
        start: Timestamp::from_millisecond(1_789_000_000_000 + n as i64 * 1_111).unwrap(),
        method: method.to_owned(),
        path: path.to_owned(),
        outcome,
        decisions,
    }
}

fn busy(n_endpoints: usize, n_exchanges: usize) -> State {
    let mut state = online(n_endpoints);
    state.numbers =
        Numbers { total: 1234, open: 5, rate1: 12.3456, rate5: 0.5, p50: 0.012, p90: 2.5 };
    (0..n_exchanges).for_each(|n| state.saw(exchange(n)));
    state
}

fn press(state: &mut State, code: KeyCode) -> Asks {
    state.press(KeyEvent::new(code, KeyModifiers::NONE))
}

fn type_text(state: &mut State, text: &str) {
    text.chars().for_each(|c| assert_eq!(press(state, KeyCode::Char(c)), Asks::Nothing));
}

#[test]
fn before_anything_happened() {
    let mut state = online(0);
    state.session = Session::default();
    snapshots("connecting", &state);
}

#[test]
fn online_without_a_request() {
    snapshots("empty", &online(1));
}

#[test]
fn online_and_busy() {
    snapshots("busy", &busy(1, 40));
}

#[test]
fn with_many_endpoints() {
    let mut state = busy(25, 3);
    state.endpoints[1].trouble = "the name is taken (ERR_NGROK_334)".to_owned();
    snapshots("many", &state);
}

#[test]
fn with_an_account_and_a_message() {
    let mut state = busy(1, 3);
    state.session.account = "Ann (Plan: free)".to_owned();
    state.session.region = "eu".to_owned();
    state.message = Some("This edge goes to sleep at midnight.\x07".to_owned());
    snapshots("account", &state);
}

#[test]
fn while_the_edge_is_away() {
    let mut state = busy(2, 3);
    let why = "edge.example:443: connection refused".to_owned();
    state.session = Session { phase: Phase::Reconnecting(why), ..Session::default() };
    snapshots("reconnecting", &state);
}

#[test]
fn with_a_filter() {
    let mut state = busy(2, 40);
    type_text(&mut state, "/");
    type_text(&mut state, "orders 429");
    snapshots("filter_typing", &state);
    press(&mut state, KeyCode::Enter);
    assert!(!state.view.typing);
    snapshots("filter", &state);
}

#[test]
fn with_a_filter_that_nothing_matches() {
    let mut state = busy(1, 3);
    type_text(&mut state, "/qx?");
    let screen = rows(&mut state, (80, 24)).join("\n");
    assert!(screen.contains("none matches \"qx?\"") && screen.contains("0 of 3"), "{screen}");
}

#[test]
fn with_the_decisions_of_a_request() {
    let mut state = busy(1, 8);
    rows(&mut state, (80, 24));
    type_text(&mut state, "jjjjjj");
    press(&mut state, KeyCode::Enter);
    snapshots("detail", &state);
}

#[test]
fn help_and_codes() {
    let mut state = busy(1, 3);
    type_text(&mut state, "?");
    snapshots("help", &state);
    press(&mut state, KeyCode::Esc);
    type_text(&mut state, "u");
    snapshots("code", &state);
}

#[test]
fn no_size_is_too_small_or_too_large() {
    let keys = ["", "?", "u", "/abc", "jjj"];
    for (width, height) in [(0, 0), (1, 1), (7, 3), (8, 2), (9, 3), (20, 5), (300, 3), (10, 200)] {
        for keys in keys {
            let mut state = busy(12, 30);
            state.message = Some("message".to_owned());
            type_text(&mut state, keys);
            rows(&mut state, (width, height));
            press(&mut state, KeyCode::Enter);
            rows(&mut state, (width, height));
        }
    }
}

#[test]
fn the_background_is_black_unless_it_shall_be_the_terminals() {
    let mut state = busy(1, 3);
    let black = buffer(&mut state, (80, 24));
    assert!(black.content().iter().all(|cell| cell.bg == Color::Black));
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let look = Look { color: ConsoleColor::Transparent, ..look() };
    terminal.draw(|frame| draw(&mut state, &look, frame)).unwrap();
    assert!(terminal.backend().buffer().content().iter().all(|cell| cell.bg == Color::Reset));
}

/// The first characters of the paths in the list.
fn listed(state: &mut State) -> Vec<String> {
    let rows = rows(state, (80, 24));
    let at = rows.iter().position(|row| row.starts_with("HTTP Requests")).unwrap();
    let times = rows[at + 1..rows.len() - 1].iter().filter(|row| !row.is_empty());
    times.map(|row| row[..12].to_owned()).collect()
}

#[test]
fn the_list_follows_the_newest_until_one_is_selected() {
    let mut state = busy(1, 40);
    let newest = |n: usize| {
        let time = exchange(n).start.to_zoned(look().zone);
        time.strftime("%H:%M:%S.%3f").to_string()
    };
    assert_eq!(listed(&mut state)[0], newest(39));
    let n_rows = listed(&mut state).len();
    state.saw(exchange(40));
    assert_eq!(listed(&mut state)[0], newest(40));
    // The selected one stays selected, wherever new ones push it.
    type_text(&mut state, "jj");
    assert_eq!(state.view.selected, Some(exchange(39).id));
    (41..60).for_each(|n| state.saw(exchange(n)));
    assert_eq!(*listed(&mut state).last().unwrap(), newest(39));
    press(&mut state, KeyCode::PageDown);
    assert_eq!(*listed(&mut state).last().unwrap(), newest(39 - (n_rows - 1)));
    type_text(&mut state, "G");
    assert_eq!(*listed(&mut state).last().unwrap(), newest(0));
    press(&mut state, KeyCode::PageUp);
    assert_eq!(state.view.selected, Some(exchange(n_rows - 1).id));
    type_text(&mut state, "g");
    assert_eq!((state.view.selected.clone(), &*listed(&mut state)[0]), (None, &*newest(59)));
}

#[test]
fn many_endpoints_are_scrolled_after_tab() {
    let mut state = busy(25, 3);
    let first = |state: &mut State| {
        let rows = rows(state, (80, 24));
        let row = rows.into_iter().find(|row| row.starts_with("Forwarding")).unwrap();
        row.split("app-").nth(1).unwrap().split('.').next().unwrap().to_owned()
    };
    assert_eq!(first(&mut state), "0");
    press(&mut state, KeyCode::Tab);
    type_text(&mut state, "jj");
    assert_eq!(first(&mut state), "2");
    type_text(&mut state, "G");
    let n_rows = state.view.endpoint_rows;
    assert_eq!(first(&mut state), (25 - n_rows).to_string());
    type_text(&mut state, "g");
    assert_eq!(first(&mut state), "0");
}

#[test]
fn what_changes_takes_its_own_place_and_the_oldest_go() {
    let mut state = online(1);
    (0..MAX_EXCHANGES + 10).for_each(|n| state.saw(exchange(n)));
    assert_eq!(state.exchanges.len(), MAX_EXCHANGES);
    let mut late = exchange(500);
    late.outcome = Outcome::Failed("visitor gone".to_owned());
    state.saw(late.clone());
    assert_eq!(state.exchanges.len(), MAX_EXCHANGES);
    assert_eq!(state.exchanges.iter().find(|e| e.id == late.id), Some(&late));
    let ids: Vec<_> = state.exchanges.iter().map(|e| e.id.clone()).collect();
    assert!(ids.is_sorted_by(|a, b| a > b));
    // After a burst the newest are looked at all at once.
    let newest = |range: std::ops::Range<usize>| range.rev().map(exchange).collect();
    let oldest = state.exchanges.back().cloned();
    state.saw_all(newest(600..1015));
    let ids: Vec<_> = state.exchanges.iter().map(|e| e.id.clone()).collect();
    assert!(ids.len() == MAX_EXCHANGES && ids.is_sorted_by(|a, b| a > b));
    assert_eq!((&ids[0], state.exchanges.contains(&late)), (&exchange(1014).id, true));
    assert!(!state.exchanges.contains(&oldest.unwrap()));
    state.saw_all(Vec::new());
    assert_eq!(state.exchanges.len(), MAX_EXCHANGES);
    state.cleared();
    assert!(rows(&mut state, (80, 24)).contains(&"none yet".to_owned()));
}

#[test]
fn quitting_needs_one_key_wherever_one_is() {
    for keys in ["", "?", "u"] {
        let mut state = busy(1, 3);
        type_text(&mut state, keys);
        assert_eq!(press(&mut state, KeyCode::Char('q')), Asks::Quit, "{keys}");
    }
    let mut state = busy(1, 3);
    type_text(&mut state, "/q");
    assert_eq!(state.view.filter.as_str(), "q");
    let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(state.press(interrupt), Asks::Quit);
}
