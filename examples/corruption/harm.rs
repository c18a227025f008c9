//! What is done to the bytes of a database and of its write-ahead log: pure, from the seed alone.

use croupier::simulate::faults::Dice;

/// The size of a page of the database, and what a frame of the log has before its page.
pub const PAGE: usize = 4_096;
const FRAME_HEAD: usize = 24;
const LOG_HEAD: usize = 32;

/// The files of a database at one moment. No log: it was closed in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    pub database: Vec<u8>,
    pub log: Vec<u8>,
}

/// Kinds of harm, by their names in the report.
pub const KINDS: [&str; 12] = [
    "one bit",
    "some bytes",
    "a sector of zeros",
    "a page of zeros",
    "a page of noise",
    "two pages swapped",
    "a page as it was before",
    "cut short",
    "log: one bit",
    "log: some bytes",
    "log: cut short",
    "log: gone",
];

/// How many kinds there are for a database without a log.
const WITHOUT_LOG: usize = 8;

fn below(dice: &mut Dice, end: usize) -> usize {
    usize::try_from(dice.roll() % end.max(1) as u64).unwrap_or(0)
}

fn flip(bytes: &mut [u8], dice: &mut Dice) {
    let (at, bit) = (below(dice, bytes.len()), below(dice, 8));
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << bit;
    }
}

fn scatter(bytes: &mut [u8], dice: &mut Dice) {
    let (at, count) = (below(dice, bytes.len()), 1 + below(dice, 16));
    for byte in bytes.iter_mut().skip(at).take(count) {
        *byte = dice.roll().to_le_bytes()[0];
    }
}

fn fill(bytes: &mut [u8], size: usize, dice: &mut Dice, mut with: impl FnMut(&mut Dice) -> u8) {
    let at = below(dice, bytes.len() / size) * size;
    for byte in bytes.iter_mut().skip(at).take(size) {
        *byte = with(dice);
    }
}

fn cut(bytes: &mut Vec<u8>, unit: usize, head: usize, dice: &mut Dice) {
    let whole = dice.percent(50);
    let length = if whole { head + below(dice, bytes.len() / unit) * unit } else { below(dice, bytes.len()) };
    bytes.truncate(length);
}

impl Files {
    /// Does harm. `before`: the database as it was some time earlier. Says what was done.
    pub fn harm(&mut self, before: &[u8], dice: &mut Dice) -> &'static str {
        let kinds = if self.log.is_empty() { WITHOUT_LOG } else { KINDS.len() };
        let kind = below(dice, kinds);
        match kind {
            0 => flip(&mut self.database, dice),
            1 => scatter(&mut self.database, dice),
            2 => fill(&mut self.database, 512, dice, |_| 0),
            3 => fill(&mut self.database, PAGE, dice, |_| 0),
            4 => fill(&mut self.database, PAGE, dice, |dice| dice.roll().to_le_bytes()[0]),
            5 => self.swap_pages(dice),
            6 => self.older_page(before, dice),
            7 => cut(&mut self.database, PAGE, 0, dice),
            8 => flip(&mut self.log, dice),
            9 => scatter(&mut self.log, dice),
            10 => cut(&mut self.log, FRAME_HEAD + PAGE, LOG_HEAD, dice),
            _ => self.log.clear(),
        }
        KINDS[kind]
    }

    fn swap_pages(&mut self, dice: &mut Dice) {
        let pages = self.database.len() / PAGE;
        let (one, other) = (below(dice, pages) * PAGE, below(dice, pages) * PAGE);
        let (low, high) = (one.min(other), one.max(other));
        if high - low >= PAGE {
            let (left, right) = self.database.split_at_mut(high);
            left[low..low + PAGE].swap_with_slice(&mut right[..PAGE]);
        }
    }

    /// A write that was acknowledged and never came: one of the pages that differ is as it was.
    fn older_page(&mut self, before: &[u8], dice: &mut Dice) {
        let changed: Vec<usize> = self
            .database
            .chunks(PAGE)
            .zip(before.chunks(PAGE))
            .enumerate()
            .filter(|(_, (now, before))| now != before)
            .map(|(page, _)| page * PAGE)
            .collect();
        if changed.is_empty() {
            return flip(&mut self.database, dice);
        }
        let at = changed[below(dice, changed.len())];
        self.database[at..at + PAGE].copy_from_slice(&before[at..at + PAGE]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_does_the_same_harm_and_every_kind_changes_something() {
        let before: Vec<u8> = (0..PAGE * 20).map(|at| u8::try_from(at % 251).unwrap_or(0)).collect();
        let mut database = before.clone();
        database[PAGE * 7 + 5] ^= 1;
        let whole = Files { database, log: before[..LOG_HEAD + 3 * (FRAME_HEAD + PAGE)].to_vec() };
        let all = |seed: u64| {
            let mut dice = Dice::new(seed);
            let harmed = (0..400).map(|_| {
                let mut files = whole.clone();
                let kind = files.harm(&before, &mut dice);
                (kind, files)
            });
            harmed.collect::<Vec<_>>()
        };

        let first = all(3);

        assert_eq!(first, all(3));
        for kind in KINDS {
            assert!(first.iter().any(|(done, files)| *done == kind && *files != whole), "{kind}");
        }
    }
}
