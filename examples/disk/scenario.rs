//! What happens in a scenario, in words: requests with what each must do to the money the first time it is done. These numbers are the independent
//! book: nothing of the service has computed them.

use croupier::simulate::server::Behaviour;
use croupier::wallet::transactions::Kind;

/// Who has how much in the books that scenarios begin with.
pub const PLAYERS: &[(&str, i64)] = &[("anna", 100_000), ("bob", 50_000), ("cleo", 30_000), ("dora", 0)];

/// A scenario.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub name: &'static str,
    /// What the service finds.
    pub begins: Begins,
    /// Calls may fail from the first one on; otherwise from when the service has started.
    pub fails_from_the_start: bool,
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begins {
    /// Books with players who have money, as a stop leaves them: one file.
    WithPlayers,
    /// The same as a kill leaves them: everything is in the log.
    AfterAKill,
    /// Nothing at all.
    Empty,
}

/// One step.
#[derive(Debug, Clone)]
pub enum Step {
    Ask(Wish),
    /// All at once.
    Together(Vec<Wish>),
    /// The worker sends one payout, and the Cashier answers so. The change is what that does to the money of this player.
    Send(Behaviour, &'static str, (i64, i64)),
    /// The service moves its log into the database file.
    Checkpoint,
    /// Somebody else does, and cuts it to nothing.
    CheckpointAndCut,
    /// From here on a reader keeps what comes in the log.
    Hold,
    LetGo,
    /// An orderly stop, and a start.
    Restart,
}

/// A request and what must come of it.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    pub login: &'static str,
    pub what: What,
    /// What it does to available and held.
    pub change: (i64, i64),
    /// It must be refused.
    pub refused: bool,
}

/// What is asked. Orders are named within the scenario.
#[derive(Debug, Clone, Copy)]
pub enum What {
    Deposit { order: &'static str, amount: i64 },
    Payout { order: &'static str, amount: i64 },
    Notice { order: &'static str, amount: i64, codes: (i64, i64) },
    Play { kind: Kind, amount: i64, reference: &'static str },
    Rollback { reference: &'static str },
    Player,
    Approve { order: &'static str, by: &'static str },
    Decline { order: &'static str },
    Resolve { order: &'static str, paid: bool },
    TakeBack { order: &'static str },
    Adjust { amount: i64 },
}

/// Type and status of notifications.
pub const PAID: (i64, i64) = (3, 4);
pub const DECLINED: (i64, i64) = (3, 6);
pub const REFUND: (i64, i64) = (4, 4);
pub const CHARGEBACK: (i64, i64) = (7, 4);
pub const PAID_OUT: (i64, i64) = (11, 4);
pub const NOT_PAID_OUT: (i64, i64) = (11, 6);

fn wish(login: &'static str, what: What) -> Wish {
    Wish { login, what, change: (0, 0), refused: false }
}

impl Wish {
    fn moves(mut self, available: i64, held: i64) -> Self {
        self.change = (available, held);
        self
    }

    fn refused(mut self) -> Self {
        self.refused = true;
        self
    }
}

fn deposit(order: &'static str, amount: i64) -> Wish {
    wish("anna", What::Deposit { order, amount })
}

fn payout(order: &'static str, amount: i64) -> Wish {
    wish("anna", What::Payout { order, amount }).moves(-amount, amount)
}

fn notice(order: &'static str, amount: i64, codes: (i64, i64)) -> Wish {
    wish("anna", What::Notice { order, amount, codes })
}

fn play(kind: Kind, amount: i64, reference: &'static str) -> Wish {
    let sign = if kind == Kind::Bet { -1 } else { 1 };
    wish("anna", What::Play { kind, amount, reference }).moves(sign * amount, 0)
}

fn approve(order: &'static str, by: &'static str) -> Wish {
    wish("anna", What::Approve { order, by })
}

fn of(login: &'static str, wish: Wish) -> Wish {
    Wish { login, ..wish }
}

/// Asked once more, word for word: it moves nothing.
fn again(wish: Wish) -> Wish {
    Wish { change: (0, 0), ..wish }
}

fn scenario(name: &'static str, steps: Vec<Step>) -> Scenario {
    Scenario { name, begins: Begins::WithPlayers, fails_from_the_start: false, steps }
}

fn asks(name: &'static str, wishes: Vec<Wish>) -> Scenario {
    scenario(name, wishes.into_iter().map(Step::Ask).collect())
}

/// All of them.
pub fn all() -> Vec<Scenario> {
    let mut all = deposits();
    all.extend(payouts());
    all.extend(decisions());
    all.extend(play_of_players());
    all.extend(surroundings());
    all
}

fn deposits() -> Vec<Scenario> {
    let credited = || [deposit("d", 2_500), notice("d", 2_500, PAID).moves(2_500, 0)];
    vec![
        asks("deposit-credited", credited().into()),
        asks("deposit-declined", vec![deposit("d", 2_500), notice("d", 2_500, DECLINED)]),
        asks(
            "deposit-declined-then-paid",
            vec![deposit("d", 2_500), notice("d", 2_500, DECLINED), notice("d", 2_500, PAID).moves(2_500, 0)],
        ),
        asks("deposit-paid-then-declined", [&credited()[..], &[notice("d", 2_500, DECLINED)]].concat()),
        asks("deposit-refunded", [&credited()[..], &[notice("d", 2_500, REFUND).moves(-2_500, 0)]].concat()),
        asks(
            "deposit-charged-back-after-it-was-spent",
            [
                &credited().map(|wish| of("dora", wish))[..],
                &[of("dora", play(Kind::Bet, 2_000, "r")), of("dora", notice("d", 2_500, CHARGEBACK)).moves(-2_500, 0)],
            ]
            .concat(),
        ),
        asks(
            "deposit-of-another-amount",
            vec![deposit("d", 2_500), notice("d", 2_600, PAID), notice("d", 2_500, PAID).moves(2_500, 0)],
        ),
        asks("notification-of-an-unknown-order", vec![notice("nobodys", 900, PAID), deposit("d", 700)]),
    ]
}

fn payouts() -> Vec<Scenario> {
    let sent = |behaviour| vec![Step::Ask(payout("p", 1_500)), Step::Send(behaviour, "anna", (0, 0))];
    let then = |mut steps: Vec<Step>, wishes: &[Wish]| {
        steps.extend(wishes.iter().copied().map(Step::Ask));
        steps
    };
    let settled = notice("p", 1_500, PAID_OUT).moves(0, -1_500);
    let released = notice("p", 1_500, NOT_PAID_OUT).moves(1_500, -1_500);
    vec![
        scenario("payout-settled", then(sent(Behaviour::Accept), &[settled])),
        scenario("payout-not-paid", then(sent(Behaviour::Accept), &[released])),
        scenario(
            "payout-refused-by-the-cashier",
            vec![Step::Ask(payout("p", 1_500)), Step::Send(Behaviour::Refuse(1001), "anna", (1_500, -1_500))],
        ),
        scenario("payout-unknown-then-settled", then(sent(Behaviour::Hangup), &[settled])),
        scenario(
            "payout-unknown-then-resolved",
            then(
                sent(Behaviour::Html),
                &[wish("anna", What::Resolve { order: "p", paid: false }).moves(1_500, -1_500)],
            ),
        ),
        scenario(
            "payout-settled-then-declined",
            then(sent(Behaviour::Accept), &[settled, notice("p", 1_500, NOT_PAID_OUT)]),
        ),
        scenario(
            "payout-declined-then-settled",
            then(sent(Behaviour::Accept), &[released, notice("p", 1_500, PAID_OUT)]),
        ),
    ]
}

fn decisions() -> Vec<Scenario> {
    let large = payout("p", 6_000);
    vec![
        scenario(
            "payout-approved-by-two",
            vec![
                Step::Ask(large),
                Step::Ask(approve("p", "ann")),
                Step::Ask(approve("p", "ben")),
                Step::Send(Behaviour::Accept, "anna", (0, 0)),
                Step::Ask(notice("p", 6_000, PAID_OUT).moves(0, -6_000)),
            ],
        ),
        asks("payout-declined-by-staff", vec![large, wish("anna", What::Decline { order: "p" }).moves(6_000, -6_000)]),
        asks("payout-taken-back", vec![large, wish("anna", What::TakeBack { order: "p" }).moves(6_000, -6_000)]),
        asks("balance-changed-by-staff", vec![wish("anna", What::Adjust { amount: 300 }).moves(300, 0)]),
        asks(
            "payout-without-the-money-then-with-it",
            vec![
                of("dora", payout("p", 900)).moves(0, 0).refused(),
                of("dora", play(Kind::Win, 1_000, "w")),
                of("dora", payout("p", 900)),
            ],
        ),
    ]
}

fn play_of_players() -> Vec<Scenario> {
    let bet = play(Kind::Bet, 400, "r");
    let undone = wish("anna", What::Rollback { reference: "r" });
    vec![
        asks("bet-and-win", vec![bet, play(Kind::Win, 900, "r"), play(Kind::Bonus, 50, "b")]),
        asks("bet-rolled-back", vec![bet, undone.moves(400, 0), again(undone)]),
        asks("rollback-before-its-bet", vec![undone, again(bet)]),
        asks(
            "everything-twice",
            vec![
                deposit("d", 2_500),
                again(deposit("d", 2_500)),
                payout("p", 6_000),
                again(payout("p", 6_000)),
                notice("d", 2_500, PAID).moves(2_500, 0),
                notice("d", 2_500, PAID),
                bet,
                again(bet),
            ],
        ),
    ]
}

fn surroundings() -> Vec<Scenario> {
    let crowd = || {
        let mut wishes =
            vec![deposit("d", 1_000), again(deposit("d", 1_000)), payout("p", 6_000), again(payout("p", 6_000))];
        for login in ["anna", "bob", "cleo"] {
            wishes.push(of(login, play(Kind::Bet, 100, "together")));
            wishes.push(of(login, play(Kind::Win, 70, "together")));
        }
        // One that is refused, among those that are not.
        wishes.push(of("dora", payout("q", 100)).moves(0, 0).refused());
        wishes
    };
    let one = |amount, reference| Step::Ask(play(Kind::Win, amount, reference));
    let mut fresh = scenario(
        "a-first-start",
        vec![
            Step::Ask(wish("anna", What::Player)),
            one(5_000, "w"),
            Step::Ask(deposit("d", 700)),
            Step::Ask(notice("d", 700, PAID).moves(700, 0)),
        ],
    );
    (fresh.begins, fresh.fails_from_the_start) = (Begins::Empty, true);
    // They fill pages to which nothing is written later.
    let many = (0..40).map(|number| of("bob", play(Kind::Win, 1, format!("win-{number}").leak()))).collect();
    let start = |name, begins| {
        let start = asks(name, vec![deposit("d", 700), notice("d", 700, PAID).moves(700, 0)]);
        Scenario { begins, fails_from_the_start: true, ..start }
    };
    vec![
        scenario("many-at-once", vec![Step::Together(crowd()), one(1, "after")]),
        scenario(
            "checkpoints-between",
            vec![one(1, "a"), Step::Checkpoint, one(2, "b"), one(3, "c"), Step::Checkpoint, one(4, "d")],
        ),
        // The first part is moved without a sync, the second with one, and then the log begins anew.
        scenario(
            "a-checkpoint-in-two-parts",
            vec![
                Step::Together(many),
                Step::Hold,
                one(2, "b"),
                Step::Checkpoint,
                Step::LetGo,
                Step::Checkpoint,
                one(3, "c"),
                Step::Checkpoint,
                one(4, "d"),
            ],
        ),
        scenario("the-log-cut-to-nothing", vec![one(1, "a"), Step::CheckpointAndCut, one(2, "b"), one(3, "c")]),
        scenario(
            "a-stop-and-a-start",
            vec![Step::Ask(deposit("d", 900)), Step::Restart, Step::Ask(notice("d", 900, PAID).moves(900, 0))],
        ),
        start("a-start", Begins::WithPlayers),
        start("a-start-after-a-kill", Begins::AfterAKill),
        fresh,
    ]
}
