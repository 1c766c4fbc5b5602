//! WebSocket frames and gRPC messages, listed as they pass.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::capture::Budget;

/// Bytes of a message that are kept.
///
/// Reason: enough to read what common chat, event and RPC messages say; a list of them stays small.
pub const MAX_EXCERPT: usize = 4 * 1024;

/// Messages of one exchange that are kept, the newest.
///
/// Reason: as many rows as the page shows smoothly.
pub const MAX_MESSAGES: usize = 10_000;

/// Who sent a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// The visitor.
    Visitor,
    /// The upstream, or a handler in its place.
    Upstream,
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A WebSocket binary message.
    Binary,
    /// A WebSocket close frame: `code` of the peer, if it said one.
    Close {
        /// Status code.
        code: Option<u16>,
    },
    /// A gRPC message.
    Grpc,
    /// The bytes are not what they were said to be; nothing more is listed in this direction.
    Invalid,
    /// A WebSocket ping.
    Ping,
    /// A WebSocket pong.
    Pong,
    /// A WebSocket text message.
    Text,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its number in the exchange, from 1.
    pub seq: u64,
    /// Who sent it.
    pub from: Party,
    /// What it is.
    pub kind: Kind,
    /// When it had passed, counted from the request's head.
    pub at: Duration,
    /// Whether it is compressed, by the rules of its protocol; then `excerpt` is too.
    pub is_compressed: bool,
    /// Length of its payload: of what it reads, if it was compressed and could be read.
    pub len: u64,
    /// The payload, unmasked, from its beginning; at most [`MAX_EXCERPT`] bytes.
    pub excerpt: Bytes,
}

/// The messages of one exchange, the newest of them.
#[derive(Debug)]
pub struct Messages {
    started: SystemTime,
    budget: Arc<Budget>,
    list: Mutex<List>,
}

#[derive(Debug, Default)]
struct List {
    kept: VecDeque<Message>,
    last: u64,
    bytes: [u64; 2],
}

impl Messages {
    pub(crate) fn new(started: SystemTime, budget: Arc<Budget>) -> Self {
        Self { started, budget, list: Mutex::default() }
    }

    /// How many there were, kept or not.
    pub fn total(&self) -> u64 {
        self.list.lock().last
    }

    /// Payload that one party has sent.
    pub fn bytes_from(&self, party: Party) -> u64 {
        self.list.lock().bytes[party as usize]
    }

    /// Those after a number, oldest first, at most `limit`.
    pub fn after(&self, seq: u64, limit: usize) -> Vec<Message> {
        let list = self.list.lock();
        let first = list.kept.partition_point(|message| message.seq <= seq);
        list.kept.iter().skip(first).take(limit).cloned().collect()
    }

    /// When a message passed, by the calendar.
    pub fn time_of(&self, message: &Message) -> SystemTime {
        self.started + message.at
    }

    /// Adds one; its number is given here. `reserve` finds memory for it; the oldest of this
    /// exchange go where it does not, and the message is only counted where that does not help.
    pub(crate) fn push(&self, mut message: Message, reserve: impl Fn(usize) -> bool) {
        let mut list = self.list.lock();
        list.last += 1;
        list.bytes[message.from as usize] += message.len;
        message.seq = list.last;
        if list.kept.len() == MAX_MESSAGES {
            self.forget_oldest(&mut list);
        }
        while !reserve(cost(&message)) {
            if !self.forget_oldest(&mut list) {
                return;
            }
        }
        list.kept.push_back(message);
    }

    fn forget_oldest(&self, list: &mut List) -> bool {
        let oldest = list.kept.pop_front();
        if let Some(oldest) = &oldest {
            self.budget.give_back(cost(oldest));
        }
        oldest.is_some()
    }
}

impl Drop for Messages {
    fn drop(&mut self) {
        let list = self.list.get_mut();
        self.budget.give_back(list.kept.iter().map(cost).sum());
    }
}

/// What a message costs of the store's memory. The list may have twice the room that it needs.
fn cost(message: &Message) -> usize {
    2 * size_of::<Message>() + message.excerpt.len()
}
