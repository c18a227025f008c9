//! What is on the disk at a place in a trace: after the process was killed there, or after the power went.
//!
//! A kill loses nothing that the system had taken. A power cut keeps what a sync has confirmed; of the rest any part may be there, whole, torn at
//! the sectors of a disk, in any order, with or without the length it gave the file; and a name may not mean what it meant. This is worse than
//! most disks and file systems are, and no worse than they may be.

use std::collections::BTreeMap;
use std::sync::Arc;

use croupier::marks::Mark;
use croupier::simulate::faults::Dice;

use crate::disk::{Change, Event, Name, Trace};
use crate::promise::{Asked, Promise, Rows};

/// What was promised up to a place.
#[derive(Debug, Clone, Default)]
pub struct Promised {
    /// Every request that came, with its answer; `None`: nobody was told anything.
    pub asked: Vec<(Arc<Asked>, Option<Told>)>,
    pub mark: Option<(Arc<str>, Arc<[u8]>, Mark)>,
    pub rows: Rows,
    pub sent: Vec<String>,
}

/// What a caller was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    Yes(String),
    No,
}

/// The files at a place, and what must be true of them.
#[derive(Debug, Clone)]
pub struct Image {
    pub files: Vec<(Name, Vec<u8>)>,
    pub promised: Promised,
}

/// Whether a change is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Synced,
    Pending,
    /// A sync after it failed: it may be lost whatever comes later.
    Doubtful,
}

#[derive(Debug, Clone, Default)]
struct File {
    /// What is on the disk for certain, before the changes.
    base: Vec<u8>,
    changes: Vec<(Change, Fate)>,
}

impl File {
    fn synced(&mut self) {
        for (_, fate) in &mut self.changes {
            if *fate == Fate::Pending {
                *fate = Fate::Synced;
            }
        }
        let certain = self.changes.iter().take_while(|(_, fate)| *fate == Fate::Synced).count();
        for (change, _) in self.changes.drain(..certain) {
            apply(&mut self.base, &change, 0);
        }
    }

    fn sync_failed(&mut self) {
        for (_, fate) in &mut self.changes {
            if *fate == Fate::Pending {
                *fate = Fate::Doubtful;
            }
        }
    }

    fn as_written(&self) -> Vec<u8> {
        let mut bytes = self.base.clone();
        self.changes.iter().for_each(|(change, _)| apply(&mut bytes, change, 0));
        bytes
    }
}

/// Makes a change; `filler` stands where a file grows past its end without being written.
fn apply(bytes: &mut Vec<u8>, change: &Change, filler: u8) {
    match change {
        Change::Truncate { size } => bytes.resize(place(*size), filler),
        Change::Write { at, bytes: new } => {
            let (from, to) = (place(*at), place(*at) + new.len());
            if bytes.len() < from {
                bytes.resize(from, filler);
            }
            let kept = new.len().min(bytes.len() - from);
            bytes[from..from + kept].copy_from_slice(&new[..kept]);
            bytes.extend_from_slice(&new[kept..]);
            debug_assert!(bytes.len() >= to, "the whole write is there");
        }
    }
}

fn place(number: u64) -> usize {
    usize::try_from(number).expect("a file that fits into memory")
}

/// Follows a trace.
#[derive(Debug, Clone)]
pub struct Replay {
    files: Vec<File>,
    names: BTreeMap<Name, usize>,
    /// Changes of names that no sync of the directory has confirmed.
    renamed: Vec<(Name, Option<usize>)>,
    pub promised: Promised,
}

impl Replay {
    pub fn new(trace: &Trace) -> Self {
        let base = |bytes: &Arc<[u8]>| File { base: bytes.to_vec(), changes: Vec::new() };
        Self {
            files: trace.before.iter().map(|(_, bytes)| base(bytes)).collect(),
            names: trace.before.iter().enumerate().map(|(file, (name, _))| (name.clone(), file)).collect(),
            renamed: Vec::new(),
            promised: Promised::default(),
        }
    }

    pub fn step(&mut self, event: &Event) {
        match event {
            Event::Changed(file, change) => self.file(*file).changes.push((change.clone(), Fate::Pending)),
            Event::Synced(file) => self.file(*file).synced(),
            Event::SyncFailed(file) => self.file(*file).sync_failed(),
            Event::Linked(name, file) => {
                self.file(*file);
                self.renamed.push((name.clone(), Some(*file)));
            }
            Event::Unlinked(name) => self.renamed.push((name.clone(), None)),
            Event::DirectorySynced => {
                let renamed = std::mem::take(&mut self.renamed);
                renamed.into_iter().for_each(|one| rename(&mut self.names, one));
            }
            Event::Promised(promise) => self.promise(promise),
        }
    }

    fn file(&mut self, file: usize) -> &mut File {
        if self.files.len() <= file {
            self.files.resize_with(file + 1, File::default);
        }
        &mut self.files[file]
    }

    fn promise(&mut self, promise: &Promise) {
        let promised = &mut self.promised;
        match promise {
            Promise::Asked(asked) => {
                promised.asked.retain(|(known, _)| known.number != asked.number);
                promised.asked.push((asked.clone(), None));
            }
            Promise::Answered(number, text) => promised.told(*number, Told::Yes(text.clone())),
            Promise::Refused(number) => promised.told(*number, Told::No),
            Promise::Marked(name, bytes, mark) => promised.mark = Some((name.clone(), bytes.clone(), mark.clone())),
            Promise::Seen(rows) => promised.rows = *rows,
            Promise::Sent(id) => promised.sent.push(id.clone()),
        }
    }

    /// The image that a kill leaves here.
    pub fn killed(&self) -> Image {
        let mut names = self.names.clone();
        self.renamed.iter().cloned().for_each(|one| rename(&mut names, one));
        let files = names.iter().map(|(name, file)| (name.clone(), self.files[*file].as_written()));
        Image { files: files.collect(), promised: self.promised.clone() }
    }

    /// An image that a power cut may leave here.
    pub fn cut(&self, dice: &mut Dice) -> Image {
        let way = Way::choose(dice);
        let mut names = self.names.clone();
        for one in &self.renamed {
            if dice.percent(50) {
                rename(&mut names, one.clone());
            }
        }
        let files = names.iter().map(|(name, file)| (name.clone(), way.survives(&self.files[*file], dice)));
        Image { files: files.collect(), promised: self.promised.clone() }
    }
}

impl Promised {
    fn told(&mut self, number: usize, told: Told) {
        if let Some((_, answer)) = self.asked.iter_mut().find(|(asked, _)| asked.number == number) {
            *answer = Some(told);
        }
    }
}

fn rename(names: &mut BTreeMap<Name, usize>, (name, file): (Name, Option<usize>)) {
    match file {
        Some(file) => {
            names.insert(name, file);
        }
        None => {
            names.remove(&name);
        }
    }
}

/// How a power cut treats what no sync has confirmed.
#[derive(Debug, Clone, Copy)]
struct Way {
    manner: Manner,
    /// Bytes that are written whole or not at all.
    sector: u64,
    /// What stands where a file grew and nothing came.
    filler: u8,
    /// Of 100 changes that are lost, so many leave the length they gave the file.
    length_kept: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Dropped,
    /// Everything up to a place, where one is torn.
    Prefix,
    /// Each one or not.
    Some,
    /// Each sector or not.
    Torn,
    /// Each sector or not, in any order.
    Shuffled,
}

impl Way {
    fn choose(dice: &mut Dice) -> Self {
        use Manner::{Dropped, Prefix, Shuffled, Some, Torn};
        Self {
            manner: dice.pick(&[Dropped, Prefix, Some, Torn, Shuffled]),
            sector: dice.pick(&[512, 4096]),
            filler: dice.pick(&[0, 0, 0xA5]),
            length_kept: dice.pick(&[0, 0, 50, 100]),
        }
    }

    fn survives(&self, file: &File, dice: &mut Dice) -> Vec<u8> {
        let mut bytes = file.base.clone();
        let open = file.changes.iter().filter(|(_, fate)| *fate != Fate::Synced).count();
        let until = dice.between(0, i64::try_from(open).unwrap_or(0));
        let order = self.order(file, dice);
        let mut seen = 0;
        for at in order {
            let (change, fate) = &file.changes[at];
            if *fate == Fate::Synced {
                apply(&mut bytes, change, self.filler);
                continue;
            }
            seen += 1;
            match self.manner {
                Manner::Dropped => self.lose(&mut bytes, change, dice),
                Manner::Prefix if seen < until => apply(&mut bytes, change, self.filler),
                Manner::Prefix if seen == until => self.tear(&mut bytes, change, dice),
                Manner::Prefix => self.lose(&mut bytes, change, dice),
                Manner::Some if dice.percent(50) => apply(&mut bytes, change, self.filler),
                Manner::Some => self.lose(&mut bytes, change, dice),
                Manner::Torn | Manner::Shuffled => self.tear(&mut bytes, change, dice),
            }
        }
        bytes
    }

    /// The changes in the order in which the disk takes them. What a sync has confirmed keeps its place before what came after the sync.
    fn order(&self, file: &File, dice: &mut Dice) -> Vec<usize> {
        let mut order: Vec<usize> = (0..file.changes.len()).collect();
        let last = file.changes.iter().rposition(|(_, fate)| *fate == Fate::Synced).map_or(0, |at| at + 1);
        if self.manner == Manner::Shuffled {
            let free = &mut order[last..];
            for at in (1..free.len()).rev() {
                let other = usize::try_from(dice.roll() % (at as u64 + 1)).expect("a place in the list");
                free.swap(at, other);
            }
        }
        order
    }

    /// Of a lost change the new length of the file may remain.
    fn lose(&self, bytes: &mut Vec<u8>, change: &Change, dice: &mut Dice) {
        if let Change::Write { at, bytes: new } = change {
            let end = place(*at) + new.len();
            if end > bytes.len() && dice.percent(self.length_kept) {
                bytes.resize(end, self.filler);
            }
        }
    }

    /// Each sector of a write is there or not. A new length is there or not.
    fn tear(&self, bytes: &mut Vec<u8>, change: &Change, dice: &mut Dice) {
        let Change::Write { at, bytes: new } = change else {
            if dice.percent(50) {
                apply(bytes, change, self.filler);
            }
            return;
        };
        let (mut from, end) = (*at, *at + new.len() as u64);
        while from < end {
            let to = ((from / self.sector + 1) * self.sector).min(end);
            let part = &new[place(from - at)..place(to - at)];
            let part = Change::Write { at: from, bytes: part.into() };
            match dice.percent(50) {
                true => apply(bytes, &part, self.filler),
                false => self.lose(bytes, &part, dice),
            }
            from = to;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(at: u64, text: &str) -> Event {
        Event::Changed(0, Change::Write { at, bytes: text.as_bytes().into() })
    }

    fn trace(events: Vec<Event>) -> Trace {
        Trace { before: vec![("f".into(), b"before".as_slice().into())], events }
    }

    fn images(trace: &Trace) -> std::collections::BTreeSet<Vec<u8>> {
        let mut replay = Replay::new(trace);
        trace.events.iter().for_each(|event| replay.step(event));
        (0..400).map(|seed| replay.cut(&mut Dice::new(seed)).files.pop().expect("the file").1).collect()
    }

    #[test]
    fn a_kill_keeps_everything_and_a_cut_only_what_was_synced() {
        let trace = trace(vec![write(0, "A"), Event::Synced(0), write(1, "B"), write(5, "CD")]);
        let mut replay = Replay::new(&trace);
        trace.events.iter().for_each(|event| replay.step(event));

        assert_eq!(replay.killed().files[0].1, b"ABforCD");
        let found = images(&trace);
        assert!(found.iter().all(|bytes| bytes[0] == b'A' && &bytes[2..5] == b"for"), "{found:?}");
        for possible in ["Aefore", "ABfore", "AeforCD", "ABforCD"] {
            assert!(found.contains(possible.as_bytes()), "{possible} in {found:?}");
        }
    }

    #[test]
    fn what_was_written_before_a_failed_sync_stays_doubtful() {
        let trace = trace(vec![write(0, "A"), Event::SyncFailed(0), write(1, "B"), Event::Synced(0)]);
        let found = images(&trace);
        assert_eq!(found, ["ABfore", "bBfore"].map(|text| text.as_bytes().to_vec()).into());
    }

    #[test]
    fn a_large_write_is_torn_at_sectors_and_later_ones_can_come_first() {
        let long = "x".repeat(1024);
        let found = images(&trace(vec![write(0, &long), write(0, "y")]));
        assert!(found.iter().any(|bytes| bytes.len() == 1024 && bytes[0] != b'x' && bytes[600] == b'x'));
        assert!(found.iter().any(|bytes| bytes.first() == Some(&b'x')), "the second one came first or not at all");
        assert!(found.iter().any(|bytes| bytes.len() == 1024 && bytes[1000] == 0xA5), "only the length came");
    }

    #[test]
    fn a_name_counts_when_its_directory_was_synced() {
        let linked = |synced: bool| {
            let mut events = vec![Event::Linked("new".into(), 1), Event::Unlinked("f".into())];
            events.extend(synced.then_some(Event::DirectorySynced));
            let trace = trace(events);
            let mut replay = Replay::new(&trace);
            trace.events.iter().for_each(|event| replay.step(event));
            let names = |seed| replay.cut(&mut Dice::new(seed)).files.iter().map(|file| file.0.to_string()).collect();
            (0..50).map(names).collect::<std::collections::BTreeSet<Vec<String>>>()
        };
        assert_eq!(linked(true), [vec!["new".to_owned()]].into());
        assert_eq!(linked(false).len(), 4);
    }
}
