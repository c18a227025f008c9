//! Breadth first through every state that can be reached, until there is no new one.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::event::{self, Event};
use crate::invariants;
use crate::options::Scope;
use crate::policy::Policy;
use crate::step::step;
use crate::world::World;

/// What a search found.
#[derive(Debug)]
pub struct Found {
    pub states: usize,
    pub edges: u64,
    /// The longest of the shortest ways to a state.
    pub depth: u32,
    /// Whether there was no new state any more.
    pub fixpoint: bool,
    pub violation: Option<Violation>,
}

/// Something that does not hold, and the shortest way there.
#[derive(Debug, Clone)]
pub struct Violation {
    pub broken: &'static str,
    pub trace: Vec<Event>,
    pub state: World,
}

impl Violation {
    /// For people.
    pub fn told(&self) -> String {
        let steps = (1..).zip(&self.trace).map(|(number, event)| format!("\n  {number}. {event}"));
        let World { available, held, payouts, deposit, .. } = &self.state;
        let stand = payouts.map(|payout| (payout.order, payout.there, payout.reached));
        let then = format!("{available} available, {held} held, payouts {stand:?}, deposit {:?}", deposit.order);
        format!("broken: {}{}\n  then: {then}", self.broken, steps.collect::<String>())
    }
}

/// Every state with the way to it.
pub struct Graph {
    pub worlds: Vec<World>,
    known: HashMap<World, u32, BuildHasherDefault<Mixing>>,
    from: Vec<(u32, Event)>,
    depths: Vec<u8>,
}

/// How a search is cut short.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// No state beyond this many steps.
    pub depth: Option<u32>,
    /// Which invariants are asked about.
    pub asked: Asked,
}

/// Which invariants are asked about.
#[derive(Debug, Clone, Copy, Default)]
pub enum Asked {
    #[default]
    All,
    /// All but those that are known to be broken.
    #[cfg(test)]
    AllBut(&'static [&'static str]),
    /// None: a wrong policy goes on after its first harm.
    #[cfg(test)]
    None,
}

impl Asked {
    fn about(self, broken: &str) -> bool {
        match self {
            Asked::All => !broken.is_empty(),
            #[cfg(test)]
            Asked::AllBut(known) => !known.contains(&broken),
            #[cfg(test)]
            Asked::None => broken.is_empty(),
        }
    }
}

impl Graph {
    /// The number of a state.
    pub fn number(&self, world: &World) -> Option<u32> {
        self.known.get(world).copied()
    }

    /// From which state, and by which event, a state was first reached.
    pub fn origin(&self, number: u32) -> (u32, Event) {
        self.from[index(number)]
    }

    /// How many steps away it is.
    pub fn depth(&self, number: u32) -> u32 {
        self.depths[index(number)].into()
    }

    fn trace(&self, mut number: u32, last: Event) -> Vec<Event> {
        let mut trace = vec![last];
        while number != 0 {
            let (from, event) = self.origin(number);
            trace.push(event);
            number = from;
        }
        trace.reverse();
        trace
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).expect("a number of a state fits")
}

/// Walks through everything. `progress` is told now and then how many states are known.
pub fn explore(scope: &Scope, policy: Policy, limits: Limits, mut progress: impl FnMut(usize)) -> (Graph, Found) {
    let start = World::new(scope.crashes);
    let mut graph = Graph {
        worlds: vec![start],
        known: HashMap::from_iter([(start, 0)]),
        from: vec![(0, Event::Crash)],
        depths: vec![0],
    };
    let mut found = Found { states: 0, edges: 0, depth: 0, fixpoint: true, violation: None };
    let broken = |broken: Option<&'static str>| broken.filter(|broken| limits.asked.about(broken));
    let mut next = 0_u32;
    'all: while let Some(world) = graph.worlds.get(index(next)).copied() {
        let depth = graph.depth(next);
        if limits.depth.is_some_and(|most| depth >= most) {
            found.fixpoint = false;
            break;
        }
        for event in event::possible(&world, scope) {
            found.edges += 1;
            let step = step(&world, event, policy, scope);
            let new = graph.number(&step.world).is_none();
            let of_state = || if new { broken(invariants::of_state(&step.world, scope)) } else { None };
            if let Some(broken) = broken(invariants::of_step(&world, event, &step)).or_else(of_state) {
                let (trace, state) = (graph.trace(next, event), step.world);
                found.violation = Some(Violation { broken, trace, state });
                found.fixpoint = false;
                break 'all;
            }
            if new {
                let number = u32::try_from(graph.worlds.len()).expect("fewer than four billion states");
                graph.known.insert(step.world, number);
                graph.worlds.push(step.world);
                graph.from.push((next, event));
                graph.depths.push(u8::try_from(depth + 1).expect("no state is that far away"));
                found.depth = depth + 1;
            }
        }
        next += 1;
        if next.is_multiple_of(65_536) {
            progress(graph.worlds.len());
        }
    }
    found.states = graph.worlds.len();
    (graph, found)
}

/// Mixes what a state is made of; the states are our own, so nobody chooses them to collide.
#[derive(Default)]
pub struct Mixing(u64);

impl Hasher for Mixing {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(u64::from(number));
    }

    fn write_i8(&mut self, number: i8) {
        self.write_u64(u64::from(number.cast_unsigned()));
    }

    fn write_isize(&mut self, number: isize) {
        self.write_u64(u64::try_from(number).unwrap_or_default());
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}
