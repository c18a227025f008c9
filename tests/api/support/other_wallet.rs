//! Somebody else's wallet: the API of contract 4.3 in memory behind a real HTTP listener, right, or wrong in one way at a time.
//!
//! It shares no code with ours. What the self-test finds here is what it would find at an integrator's.

#[path = "other_wallet/book.rs"]
mod book;
#[path = "other_wallet/http.rs"]
mod http;

use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};

use book::Book;
use http::Asked;

/// The site it knows.
pub const SITE: i64 = 332;
/// The key it takes.
pub const KEY: &str = "a-key-of-somebody-else's-wallet";

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Every request is new.
    ForgetsKeys,
    /// A repetition looks like the first answer.
    RepeatsWithoutHeader,
    /// A repetition is answered with the balance of now.
    RepeatsWithBalanceOfNow,
    /// A repetition is answered 201.
    RepeatsAs201,
    /// Another body under a used key gets the first answer.
    TakesReusedKeys,
    /// Another body under a used key is done and takes the place of the first.
    OverwritesReusedKeys,
    /// Keys are compared without case.
    FoldsKeys,
    /// Keys are cut at 100 characters.
    CutsKeys,
    /// A transaction without a key is done.
    NeedsNoKey,
    /// A refusal is remembered under its key.
    RemembersRefusals,
    /// It looks first and acts later, with nothing locked in between.
    Races,
    /// A bet takes what is not there.
    Overdraws,
    /// An adjustment takes what is not there.
    OverdrawsByAdjustment,
    /// A rollback pays every time it comes.
    RollsBackAgain,
    /// A rollback before its bet is forgotten.
    ForgetsEarlyRollbacks,
    /// A late bet is answered like any other.
    LateBetSaysNothing,
    /// An early rollback counts for the first late bet only.
    EarlyRollbackCountsOnce,
    /// An early rollback counts for every player.
    EarlyRollbackOfEverybody,
    /// A rollback gives the last bet of the round back.
    RollsBackOneBet,
    /// A rollback takes the wins of the round.
    RollbackTakesWins,
    /// A rollback always says that it was applied.
    AlwaysApplied,
    /// After a rollback the round's win is dropped.
    DropsWinsAfterRollback,
    /// A win of 0 is refused.
    RefusesZeroWins,
    /// 5.5 is 5.
    TakesFractions,
    /// "5" is 5.
    TakesTexts,
    /// No amount is too large.
    TakesAnySize,
    /// A negative bet pays.
    TakesNegativeBets,
    /// A bet of 0 is done.
    TakesZeroBets,
    /// A field nobody knows is passed over.
    PassesOverUnknownFields,
    /// An adjustment needs no reason.
    NeedsNoReason,
    /// A blocked player bets.
    LetsTheBlockedBet,
    /// A blocked player is not paid.
    DoesNotPayTheBlocked,
    /// One purse for all currencies.
    MixesCurrencies,
    /// A player is created anew each time, with their money.
    CreatesEachTime,
    /// Creating a player again empties their purse.
    EmptiesOnChange,
    /// Logins are compared without case.
    FoldsLogins,
    /// Logins and references are decoded twice.
    DecodesTwice,
    /// A new page begins one line too late.
    SkipsALine,
    /// A new page begins with the last line of the one before.
    RepeatsALine,
    /// The newest line comes first.
    NewestFirst,
    /// Rollbacks are not in the statement.
    HidesRollbacks,
    /// Any bearer key opens.
    TakesAnyBearer,
    /// Refusals have no code.
    SaysNoCode,
    /// Refusals are plain JSON.
    SaysPlainJson,
    /// Any content type is read.
    ReadsAnyType,
    /// Balances say nothing about what is held.
    HidesHeld,
    /// Answers to transactions say nothing about what is held.
    AnswersWithoutHeld,
    /// What is new is answered 200.
    AlwaysAnswers200,
    /// All transactions have one id.
    SharesIds,
    /// Adjustments only add.
    RefusesNegativeAdjustments,
    /// Negative wins, refunds and bonuses take.
    TakesNegativeCredits,
    /// null is 0.
    TakesNullForZero,
    /// A body that cannot be read is an error of the server.
    FailsAtBrokenBodies,
    /// The reference is the key.
    TakesTheReferenceForTheKey,
    /// The last cent cannot be spent.
    KeepsOneBack,
    /// The statement shows everybody's lines.
    ShowsEverybodysLines,
    /// A movement changes everybody's money.
    SharesMoney,
    /// A rollback says that it was applied and pays nothing.
    RollbackPaysNothing,
    /// A rollback is of all references that begin so.
    RollsBackByBeginning,
    /// A bet that comes again after its rollback is taken again.
    TakesRolledBackBetsAgain,
    /// Whoever has no key may come in.
    NeedsNoBearer,
    /// A player that nobody made is made.
    MakesPlayersUp,
    /// Every site is known.
    TakesAnySite,
    /// Without a currency it is dollars.
    GuessesTheCurrency,
    /// A kind nobody knows is a win.
    TakesAnyKind,
    /// A currency nobody knows gets a purse.
    TakesAnyCurrency,
    /// A reference may be empty.
    NeedsNoReference,
    /// Other methods are other addresses.
    KnowsNoMethods,
    /// Movements of this kind are booked with one minor unit less.
    Misbooks(&'static str),
}

/// A wallet that listens as long as the runtime of its test lives.
pub struct OtherWallet {
    /// Its base address.
    pub address: String,
}

impl OtherWallet {
    /// A wallet with this fault, or none.
    pub async fn start(fault: Option<Fault>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let book = Arc::new(Mutex::new(Book::new(fault)));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, book.clone(), fault));
            }
        });
        Self { address }
    }
}

/// How often the other tasks get their turn between looking and acting: far more than eight requests on their way need.
const TURNS: usize = 3_000;

async fn serve(mut stream: TcpStream, book: Arc<Mutex<Book>>, fault: Option<Fault>) {
    let mut unread = Vec::new();
    while let Some(asked) = http::read(&mut stream, &mut unread).await {
        let rollback_comes_first = fault == Some(Fault::ForgetsEarlyRollbacks) && asked.path.ends_with("/transactions");
        if rollback_comes_first {
            // Of a bet and a rollback at the same time this fault shows in one order only.
            wait(TURNS).await;
        }
        let seen = book.lock().expect("nobody panics at the book").look(&asked);
        if fault == Some(Fault::Races) && asked.method == "POST" {
            wait(TURNS).await;
        }
        let told = book.lock().expect("nobody panics at the book").answer(&asked, seen);
        if http::write(&mut stream, &told).await.is_err() {
            return;
        }
    }
}

async fn wait(turns: usize) {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
}

/// The parts of a path, decoded.
fn parts(asked: &Asked, fault: Option<Fault>) -> Vec<String> {
    let decode = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
    let twice = fault == Some(Fault::DecodesTwice);
    let once_or_twice = |part: &str| if twice { decode(&decode(part)) } else { decode(part) };
    asked.path.trim_start_matches('/').split('/').map(once_or_twice).collect()
}
