//! Frames on their way to the transport: many in one vectored write.

use std::{collections::VecDeque, io::IoSlice};

use bytes::{Buf, Bytes};

/// Payloads up to here are copied next to their header: one slice less for the kernel or the TLS
/// layer to walk costs more than copying so few bytes.
const COPY_UP_TO: usize = 256;
/// An empty arena above this size is given back, so that an idle session keeps little.
const KEEP_ARENA: usize = 16 * 1024;

/// Bytes to write, in order. Headers and small payloads lie in one reused arena; large payloads
/// are the chunks that streams were given, never copied.
#[derive(Debug)]
pub struct Batch {
    arena: Vec<u8>,
    arena_pos: usize,
    parts: VecDeque<Part>,
    len: usize,
    copy_up_to: usize,
}

#[derive(Debug)]
enum Part {
    /// So many bytes of the arena, after those of the parts before.
    Arena(usize),
    Chunk(Bytes),
}

impl Batch {
    /// For a transport that writes many slices at once.
    pub fn vectored() -> Self {
        Self::with_copy_up_to(COPY_UP_TO)
    }

    /// For a transport that writes one slice at a time: everything is copied into one.
    pub fn contiguous() -> Self {
        Self::with_copy_up_to(usize::MAX)
    }

    fn with_copy_up_to(copy_up_to: usize) -> Self {
        Self { arena: Vec::new(), arena_pos: 0, parts: VecDeque::new(), len: 0, copy_up_to }
    }

    /// Gives memory back when nothing is left to write.
    pub fn relax(&mut self) {
        if self.len == 0 {
            if self.arena.capacity() > KEEP_ARENA {
                self.arena = Vec::new();
            }
            if self.parts.capacity() > 64 {
                self.parts = VecDeque::new();
            }
        }
    }

    pub(super) fn push_copy(&mut self, bytes: &[u8]) {
        self.arena.extend_from_slice(bytes);
        self.len += bytes.len();
        match self.parts.back_mut() {
            Some(Part::Arena(n)) => *n += bytes.len(),
            _ => self.parts.push_back(Part::Arena(bytes.len())),
        }
    }

    pub(super) fn push_chunk(&mut self, bytes: Bytes) {
        if bytes.len() <= self.copy_up_to {
            return self.push_copy(&bytes);
        }
        self.len += bytes.len();
        self.parts.push_back(Part::Chunk(bytes));
    }
}

impl Buf for Batch {
    fn remaining(&self) -> usize {
        self.len
    }

    fn chunk(&self) -> &[u8] {
        match self.parts.front() {
            None => &[],
            Some(Part::Chunk(bytes)) => bytes,
            Some(Part::Arena(n)) => &self.arena[self.arena_pos..self.arena_pos + n],
        }
    }

    fn chunks_vectored<'a>(&'a self, dst: &mut [IoSlice<'a>]) -> usize {
        let mut pos = self.arena_pos;
        let mut n_slices = 0;
        for (slot, part) in dst.iter_mut().zip(&self.parts) {
            *slot = IoSlice::new(match part {
                Part::Chunk(bytes) => bytes,
                Part::Arena(n) => {
                    pos += n;
                    &self.arena[pos - n..pos]
                }
            });
            n_slices += 1;
        }
        n_slices
    }

    fn advance(&mut self, mut n: usize) {
        assert!(n <= self.len, "advanced past the end of the batch");
        self.len -= n;
        while n > 0 {
            let Some(part) = self.parts.front_mut() else { break };
            let (step, done) = match part {
                Part::Chunk(bytes) => {
                    let step = n.min(bytes.len());
                    bytes.advance(step);
                    (step, bytes.is_empty())
                }
                Part::Arena(left) => {
                    let step = n.min(*left);
                    *left -= step;
                    self.arena_pos += step;
                    (step, *left == 0)
                }
            };
            n -= step;
            if done {
                self.parts.pop_front();
            }
        }
        if self.len == 0 {
            self.arena.clear();
            self.arena_pos = 0;
            self.parts.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_and_chunks_come_out_in_order_however_they_are_taken() {
        for step in 1..40 {
            let mut batch = Batch::with_copy_up_to(4);
            let mut expected = Vec::new();
            for i in 0..6_u8 {
                batch.push_copy(&[i; 3]);
                batch.push_chunk(Bytes::from(vec![i; usize::from(i) * 2]));
                expected.extend(vec![i; 3 + usize::from(i) * 2]);
            }
            let mut seen = Vec::new();
            while batch.has_remaining() {
                let mut slices = [IoSlice::new(&[]); 16];
                let n_slices = batch.chunks_vectored(&mut slices);
                let all: Vec<u8> =
                    slices[..n_slices].iter().flat_map(|slice| slice.to_vec()).collect();
                let n = step.min(all.len());
                seen.extend_from_slice(&all[..n]);
                batch.advance(n);
            }
            assert_eq!(seen, expected);
        }
    }
}
