//! A provider's platform as a process: merchants make orders there, and it ends them by itself, oldest first.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::{Args, Failure, Outcome, Tally};
use crate::simulate::faults::{self, Dice};
use crate::simulate::meter::Meter;
use crate::simulate::platforms::{self, Answering, End, Taken, Way};
use crate::simulate::teller::Teller;

/// How often new orders are looked for when nothing is to be ended by itself.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Of ten calls that make orders, with faults.
const ANSWERS: [Answering; 10] = [
    Answering::Accept,
    Answering::Accept,
    Answering::Accept,
    Answering::Accept,
    Answering::Slow(Duration::from_millis(700)),
    Answering::Hangup,
    Answering::Reset,
    Answering::Status(502),
    Answering::Html,
    Answering::Refuse,
];

/// Is this platform until the time is over or Ctrl-C.
///
/// # Errors
///
/// `NotInOrder` when something was against the protocol, `WrongUse` when it cannot start.
pub(super) async fn simulate(args: &Args, name: &str) -> Outcome {
    let site_id = args.examined.site_id;
    let platform = platforms::start(name, site_id, args.bind).await;
    let platform = platform.map_err(|error| Failure::WrongUse(format!("{name} at {}: {error}", args.bind)))?;
    platform.set_merchant(args.examined.target.as_str().trim_end_matches('/'));
    eprintln!(
        "{name} is up; what leads here from a site with site_id = {site_id}, beside [vault] keys for payouts:\n\n{}",
        platform.settings("demo")
    );
    let (meter, tally) = (Arc::new(Meter::default()), Arc::new(Tally::default()));
    let teller = Arc::new(Teller::new(platform, args.speed, meter.clone()));
    let mut desk = Desk {
        teller: teller.clone(),
        tally: tally.clone(),
        faults: args.faults,
        dice: Dice::new(super::seed(args)?),
        begun: HashSet::new(),
        ending: JoinSet::new(),
    };
    let pause = super::pause(args.rate, 1);
    tokio::select! {
        () = super::watch(args.duration, &tally, &meter) => {}
        () = desk.work(pause) => {}
    }
    desk.ending.shutdown().await;
    for failed in teller.deliver_late().await {
        eprintln!("late: {failed}");
        Tally::add(&tally.broken);
    }
    super::finish(args.json, &tally, &meter, (teller.asked_for().len(), teller.doubles()))
}

/// Where orders are ended.
struct Desk {
    teller: Arc<Teller>,
    tally: Arc<Tally>,
    faults: bool,
    dice: Dice,
    begun: HashSet<String>,
    ending: JoinSet<()>,
}

impl Desk {
    /// Ends an open order at every `pause`, for ever; none without a pause.
    async fn work(&mut self, pause: Option<Duration>) {
        loop {
            if self.faults {
                let at = usize::try_from(self.dice.between(0, ANSWERS.len() as i64 - 1)).unwrap_or(0);
                self.teller.platform().answer_with(ANSWERS[at].clone());
            }
            if pause.is_some()
                && let Some(order) = self.next()
            {
                self.begin(order);
            }
            while self.ending.try_join_next().is_some() {}
            tokio::time::sleep(pause.unwrap_or(LOOK_EVERY)).await;
        }
    }

    /// The oldest order that nobody has ended or begun to.
    fn next(&mut self) -> Option<Taken> {
        let orders = self.teller.platform().orders().into_iter();
        let order = orders.filter(|order| order.end == End::Pending).find(|order| !self.begun.contains(&order.id))?;
        self.begun.insert(order.id.clone());
        Some(order)
    }

    fn begin(&mut self, order: Taken) {
        let (teller, tally) = (self.teller.clone(), self.tally.clone());
        let (pays, mut dice, faults) = (self.dice.percent(75), self.dice.fork(0), self.faults);
        self.ending.spawn(async move {
            let ended = match order.way {
                Way::Deposit => teller.deposit(&order.id, pays, faults::deposit(&mut dice, faults)).await,
                Way::Payout => teller.payout(&order.id, pays, faults::payout(&mut dice, faults)).await,
            };
            match ended {
                Ok(true) => Tally::add(&tally.paid),
                Ok(false) => Tally::add(&tally.declined),
                Err(reason) => {
                    eprintln!("{:?} {}: {reason}", order.way, order.id);
                    Tally::add(&tally.broken);
                }
            }
        });
    }
}
