//! What the user looks at, and what keys do to it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{
    filter::Filter,
    state::{Exchange, State},
};

/// What the user looks at.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    pub(crate) screen: Fills,
    pub(crate) focus: Focus,
    pub(crate) filter: Filter,
    /// Whether the filter is being written.
    pub(crate) typing: bool,
    /// Id of the exchange under the cursor; `None`: the list follows the newest.
    pub(crate) selected: Option<String>,
    /// Whether the selected exchange's decisions are shown.
    pub(crate) detail: bool,
    /// First exchange and first endpoint that are shown. Drawing moves them as far as it must.
    pub(crate) first_exchange: usize,
    pub(crate) first_endpoint: usize,
    /// Rows of the two lists when they were drawn last.
    pub(crate) exchange_rows: usize,
    pub(crate) endpoint_rows: usize,
}

/// What fills the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fills {
    #[default]
    Main,
    Help,
    /// The QR code of an endpoint.
    Code(usize),
}

/// Which list the arrows move in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Focus {
    Endpoints,
    #[default]
    Exchanges,
}

/// What a key asks of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    Nothing,
    /// To draw everything anew: the terminal was written over.
    Redraw,
    /// To end.
    Quit,
}

impl State {
    /// A key was pressed.
    pub(crate) fn press(&mut self, key: KeyEvent) -> Asks {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if control => return Asks::Quit,
            KeyCode::Char('l') if control => return Asks::Redraw,
            _ if self.view.typing => self.type_filter(key, control),
            KeyCode::Char(_) if control => {}
            KeyCode::Char('q') => return Asks::Quit,
            _ => match self.view.screen {
                Fills::Main => self.press_main(key),
                Fills::Help => self.view.screen = Fills::Main,
                Fills::Code(at) => self.press_code(key, at),
            },
        }
        Asks::Nothing
    }

    fn type_filter(&mut self, key: KeyEvent, control: bool) {
        let View { filter, typing, .. } = &mut self.view;
        match key.code {
            KeyCode::Enter => *typing = false,
            KeyCode::Esc => {
                *typing = false;
                filter.clear();
            }
            KeyCode::Char('u') if control => filter.clear(),
            KeyCode::Backspace => filter.erase(),
            KeyCode::Char(c) if !control => filter.write(c),
            _ => return,
        }
        self.forget_what_is_not_listed();
    }

    /// The selection follows its exchange, not the place in the list.
    pub(crate) fn forget_what_is_not_listed(&mut self) {
        let View { selected, filter, .. } = &self.view;
        let is_selected = |exchange: &&Exchange| Some(&exchange.id) == selected.as_ref();
        let listed = self.exchanges.iter().find(is_selected).is_some_and(|e| filter.matches(e));
        if !listed {
            self.view.selected = None;
            self.view.detail = false;
        }
    }

    fn press_code(&mut self, key: KeyEvent, at: usize) {
        let last = self.endpoints.len().saturating_sub(1);
        self.view.screen = match key.code {
            KeyCode::Down | KeyCode::Right | KeyCode::Char('j') => Fills::Code((at + 1).min(last)),
            KeyCode::Up | KeyCode::Left | KeyCode::Char('k') => Fills::Code(at.saturating_sub(1)),
            _ => Fills::Main,
        };
    }

    fn press_main(&mut self, key: KeyEvent) {
        let page = isize::try_from(self.rows().max(2) - 1).unwrap_or(1);
        match key.code {
            KeyCode::Char('?') | KeyCode::F(1) => self.view.screen = Fills::Help,
            KeyCode::Char('/') => self.view.typing = true,
            KeyCode::Char('u') if !self.endpoints.is_empty() => {
                self.view.screen = Fills::Code(self.view.first_endpoint);
            }
            KeyCode::Tab | KeyCode::BackTab => {
                self.view.focus = match self.view.focus {
                    Focus::Endpoints => Focus::Exchanges,
                    Focus::Exchanges => Focus::Endpoints,
                };
            }
            KeyCode::Down | KeyCode::Char('j') => self.go(1),
            KeyCode::Up | KeyCode::Char('k') => self.go(-1),
            KeyCode::PageDown | KeyCode::Char(' ') => self.go(page),
            KeyCode::PageUp => self.go(-page),
            KeyCode::Char('g') | KeyCode::Home => self.go(isize::MIN),
            KeyCode::Char('G') | KeyCode::End => self.go(isize::MAX),
            KeyCode::Enter => match &self.view.selected {
                Some(_) => self.view.detail = !self.view.detail,
                None => {
                    self.view.focus = Focus::Exchanges;
                    self.go(1);
                    self.view.detail = self.view.selected.is_some();
                }
            },
            KeyCode::Esc if self.notice.is_some() => self.notice = None,
            KeyCode::Esc if self.view.detail => self.view.detail = false,
            KeyCode::Esc if self.view.selected.is_some() => self.view.selected = None,
            KeyCode::Esc => self.view.filter.clear(),
            _ => {}
        }
    }

    const fn rows(&self) -> usize {
        match self.view.focus {
            Focus::Endpoints => self.view.endpoint_rows,
            Focus::Exchanges => self.view.exchange_rows,
        }
    }

    /// Moves in the list that has the focus. Above the newest exchange the list follows again.
    fn go(&mut self, by: isize) {
        if self.view.focus == Focus::Endpoints {
            let last = self.endpoints.len().saturating_sub(self.view.endpoint_rows);
            let first = self.view.first_endpoint.saturating_add_signed(by);
            self.view.first_endpoint = first.min(last);
            return;
        }
        let ids: Vec<&str> = self.listed().map(|exchange| exchange.id.as_str()).collect();
        let now = self.view.selected.as_deref().and_then(|id| ids.iter().position(|i| *i == id));
        let next = match (now, by) {
            // Up from the newest leads out of the list.
            (Some(now), by) if by < 0 => now.checked_add_signed(by),
            (None, by) if by < 0 => None,
            (None, 1) => Some(0),
            (now, by) => Some(now.unwrap_or(0).saturating_add_signed(by)),
        };
        let next = next.and_then(|next| ids.get(next).or(ids.last()));
        self.view.selected = next.map(|id| (*id).to_owned());
        if self.view.selected.is_none() {
            self.view.detail = false;
            self.view.first_exchange = 0;
        }
    }
}
