//! Two machines, a link with a delay, and a clock that nobody else moves.

use std::collections::VecDeque;

use super::*;

pub(super) struct Link {
    pub(super) now: Instant,
    pub(super) agent: Machine,
    pub(super) edge: Machine,
    one_way: Duration,
    to_agent: VecDeque<(Instant, BytesMut)>,
    to_edge: VecDeque<(Instant, BytesMut)>,
}

impl Link {
    pub(super) fn new(agent: Config, edge: Config, round_trip: Duration) -> Self {
        let now = Instant::now();
        Self {
            now,
            agent: Machine::new(agent, now),
            edge: Machine::new(edge, now),
            one_way: round_trip / 2,
            to_agent: VecDeque::new(),
            to_edge: VecDeque::new(),
        }
    }

    /// Puts on the link what both have to say.
    pub(super) fn transmit(&mut self) {
        for (machine, queue) in
            [(&mut self.agent, &mut self.to_edge), (&mut self.edge, &mut self.to_agent)]
        {
            let bytes = wire(machine, self.now);
            if !bytes.is_empty() {
                queue.push_back((self.now + self.one_way, bytes.into()));
            }
        }
    }

    /// Moves the clock to the next thing that happens by itself, and lets it happen.
    pub(super) fn advance(&mut self) {
        let arrivals = [self.to_agent.front(), self.to_edge.front()];
        let arrivals = arrivals.into_iter().flatten().map(|(at, _)| *at);
        let deadlines = [self.agent.deadline(), self.edge.deadline()].into_iter().flatten();
        if let Some(at) = arrivals.chain(deadlines).min() {
            self.now = self.now.max(at);
        }
        for (machine, queue) in
            [(&mut self.agent, &mut self.to_agent), (&mut self.edge, &mut self.to_edge)]
        {
            while let Some((_, mut bytes)) = queue.pop_front_if(|(at, _)| *at <= self.now) {
                machine.receive(self.now, &mut bytes);
            }
            machine.on_time(self.now);
            machine.check();
        }
    }
}
