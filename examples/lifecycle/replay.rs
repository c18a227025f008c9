//! The same sequences played to the real books: after every step what stands there is what the model says.
//!
//! The tree of shortest ways is walked depth first. Each step is a write of its own inside one transaction (`WriteTx::supposing`), taken
//! back when the walk returns, so that a sequence is not played again from its start for each of its continuations. Where two sequences
//! lead the model to one state, and the books agreed with it both times, what follows is played once.

use std::time::Instant;

use croupier::db::{self, WriteTx};
use croupier::error::Error;
use croupier::verify;

use crate::books::{Books, Hands, Rules};
use crate::compare::{answer_of, differs, hands_differ};
use crate::event::{self, Event};
use crate::options::Scope;
use crate::policy::Policy;
use crate::search::Graph;
use crate::step::{Step, step};
use crate::world::World;

/// What was played.
#[derive(Debug, Default, Clone)]
pub struct Played {
    /// Steps that were compared.
    pub steps: u64,
    /// States in which the whole of `ledger verify` ran.
    pub verified: u64,
    pub milliseconds: u64,
    /// The first difference, with the way there.
    pub problem: Option<String>,
}

/// How many events a random sequence has.
const WALK: usize = 60;

struct Player<'a> {
    rules: Rules,
    scope: &'a Scope,
    policy: Policy,
    path: Vec<Event>,
    played: Played,
    progress: &'a mut dyn FnMut(u64),
}

/// Plays every step of the graph from states closer than `depth`. `policy` is what the model believes; the books are the product's.
pub fn every_step(
    graph: &Graph,
    depth: u32,
    scope: &Scope,
    policy: Policy,
    progress: &mut dyn FnMut(u64),
) -> Result<Played, String> {
    play(scope, policy, progress, |player, tx| player.visit(tx, graph, 0, depth, &Hands::default()))
}

/// Plays random sequences, none of them cut short where another one has been. `spoils` changes the books behind the model at the end of each.
pub fn at_random(
    walks: u64,
    seed: u64,
    spoils: bool,
    scope: &Scope,
    progress: &mut dyn FnMut(u64),
) -> Result<Played, String> {
    play(scope, Policy::Product, progress, |player, tx| {
        let mut dice = Dice(seed);
        for _ in 0..walks {
            player.path.clear();
            let world = World::new(scope.crashes);
            let wandered = supposing(tx, |tx| player.wander(tx, &world, &Hands::default(), &mut dice, spoils));
            wandered?;
        }
        Ok(())
    })
}

fn play(
    scope: &Scope,
    policy: Policy,
    progress: &mut dyn FnMut(u64),
    walk: impl FnOnce(&mut Player<'_>, &mut WriteTx<'_>) -> Result<(), Error>,
) -> Result<Played, String> {
    let began = Instant::now();
    let mut books = Books::open(scope)?;
    let (rules, path, played) = (books.rules.clone(), Vec::new(), Played::default());
    let mut player = Player { rules, scope, policy, path, played, progress };
    let mut walk = Some(walk);
    let walked = db::immediately(&mut books.conn, |tx| match walk.take() {
        Some(walk) => walk(&mut player, tx),
        None => Err(Error::Internal("a file is nobody else's".into())),
    });
    if player.played.problem.is_none() {
        walked.map_err(|error| error.to_string())?;
    }
    player.played.milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(player.played)
}

/// What is found out while something is supposed.
fn supposing<T>(tx: &mut WriteTx<'_>, work: impl FnOnce(&mut WriteTx<'_>) -> Result<T, Error>) -> Result<T, Error> {
    tx.supposing(work)?
}

impl Player<'_> {
    fn visit(
        &mut self,
        tx: &mut WriteTx<'_>,
        graph: &Graph,
        number: u32,
        most: u32,
        hands: &Hands,
    ) -> Result<(), Error> {
        if graph.depth(number) >= most {
            return Ok(());
        }
        let world = graph.worlds[usize::try_from(number).unwrap_or(usize::MAX)];
        for event in event::possible(&world, self.scope) {
            let step = step(&world, event, self.policy, self.scope);
            let next = graph.number(&step.world);
            // The first way to a state goes on from there.
            let child = next.filter(|next| *next != 0 && graph.origin(*next) == (number, event));
            self.path.push(event);
            supposing(tx, |tx| {
                let after = self.take(tx, event, &step, hands)?;
                if let Some((child, after)) = child.zip(after) {
                    if event.writes() {
                        self.verify(tx)?;
                    }
                    self.visit(tx, graph, child, most, &after)?;
                }
                Ok(())
            })?;
            self.path.pop();
        }
        Ok(())
    }

    fn wander(
        &mut self,
        tx: &mut WriteTx<'_>,
        world: &World,
        hands: &Hands,
        dice: &mut Dice,
        spoils: bool,
    ) -> Result<(), Error> {
        let possible = event::possible(world, self.scope);
        let event = possible[dice.below(possible.len())];
        let last = self.path.len() + 1 == WALK;
        self.path.push(event);
        let step = step(world, event, self.policy, self.scope);
        supposing(tx, |tx| {
            if last && spoils {
                self.rules.spoil(tx, 1)?;
            }
            let after = self.take(tx, event, &step, hands)?;
            match after {
                _ if last => self.verify(tx),
                Some(after) => self.wander(tx, &step.world, &after, dice, spoils),
                // What was refused has left nothing.
                None => Ok(()),
            }
        })?;
        let refused = self.path.len() < WALK;
        if refused {
            return self.wander(tx, world, hands, dice, spoils);
        }
        Ok(())
    }

    /// Lets an event happen to the real books and compares. Gives back what is known afterwards; `None`: it was refused.
    fn take(&mut self, tx: &mut WriteTx<'_>, event: Event, step: &Step, hands: &Hands) -> Result<Option<Hands>, Error> {
        self.played.steps += 1;
        if self.played.steps.is_multiple_of(256) {
            (self.progress)(self.played.steps);
        }
        let mut after = hands.clone();
        match self.rules.carry_out(tx, event, &mut after) {
            Err(error) if answer_of(&error) == Some(step.answer) => return Ok(None),
            Err(error) => return Err(self.differs(format!("the product says {error:?}, the model {:?}", step.answer))),
            Ok(answer) if answer != step.answer => {
                return Err(self.differs(format!("the product says {answer:?}, the model {:?}", step.answer)));
            }
            Ok(_) => {}
        }
        if let Some(what) = hands_differ(&after, &step.world) {
            return Err(self.differs(what));
        }
        if !event.writes() {
            return Ok(Some(after));
        }
        let conn = tx.read()?;
        let opened = after.count_reviews(conn)?;
        if opened != usize::from(step.reviews) {
            return Err(self.differs(format!("{opened} reviews were opened, not {}", step.reviews)));
        }
        match differs(conn, &self.rules, &after, &step.world)? {
            Some(what) => Err(self.differs(what)),
            None => Ok(Some(after)),
        }
    }

    fn verify(&mut self, tx: &mut WriteTx<'_>) -> Result<(), Error> {
        self.played.verified += 1;
        let report = verify::verify(tx.read()?, |_| ())?;
        match report.problems.into_iter().next() {
            Some(problem) => Err(self.differs(format!("ledger verify: {problem}"))),
            None => Ok(()),
        }
    }

    /// Notes a difference, and is the error that ends the walk.
    fn differs(&mut self, what: String) -> Error {
        let steps = (1..).zip(&self.path).map(|(number, event)| format!("\n  {number}. {event}"));
        self.played.problem = Some(format!("{what}{}", steps.collect::<String>()));
        Error::Internal(what)
    }
}

/// Numbers that look random and are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        let high = usize::try_from(self.0 >> 33).unwrap_or_default();
        high % most.max(1)
    }
}
