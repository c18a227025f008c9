//! One campaign: databases one after the other, each with its load, its kills and its comparison.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use croupier::simulate::faults::Dice;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::Notify;
use tokio::task::block_in_place;

use crate::compare::compare;
use crate::crowd::Crowd;
use crate::door::{Door, Patience};
use crate::house;
use crate::moment::Moment;
use crate::options::{Failure, Options, Sabotage};
use crate::player::behaviour;
use crate::process::free_ports;
use crate::program::Program;
use crate::report::Report;
use crate::service::Service;
use crate::settle;

/// Kills between two looks at what was answered just before, and how many answers are asked for again then and at the end.
const LOOK: u64 = 25;
const AGAIN: (usize, usize) = (30, 1_000);
/// How long a payout or a checkpoint is waited for. One that does not come is not: then the process is killed all the same.
const EVENT: Duration = Duration::from_millis(400);
/// How long payouts may be on their way when nobody asks for more.
const REST: Duration = Duration::from_secs(60);
/// What a start is taken to need before one was seen.
const FIRST_START: Duration = Duration::from_millis(60);

/// Runs a campaign as the options say.
///
/// # Errors
///
/// It could not be run. What the service does wrong is in the report.
pub async fn run(options: &Options) -> Result<Report, Failure> {
    let began = Instant::now();
    let mut report = Report { seed: options.seed, ..Report::default() };
    let bar = ProgressBar::new(options.kills);
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} kills, {per_sec}, {eta} left");
    bar.set_style(style.map_err(|error| error.to_string())?);
    while report.count() < options.kills && report.ok() {
        let kills = (options.kills - report.count()).min(options.on_one_database);
        let mut home = tempfile::Builder::new().prefix("kill-").tempdir().map_err(|error| error.to_string())?;
        home.disable_cleanup(options.keep);
        let mut books = Books::begin(options, home.path(), options.seed.wrapping_add(report.databases)).await?;
        match books.kill(kills, &mut report, &bar).await {
            Ok(()) => books.finish(&mut report).await?,
            // Nothing more can be asked: that is a finding, not a fault of the campaign.
            Err(failure) => report.problems.push(failure),
        }
        report.databases += 1;
        report.kept.extend(options.keep.then(|| home.path().to_owned()));
        if bar.is_hidden() {
            let seconds = began.elapsed().as_secs_f64();
            eprintln!("{} kills in {seconds:.0} s, {} problems", report.count(), report.problems.len());
        }
    }
    bar.finish_and_clear();
    report.took = began.elapsed();
    Ok(report)
}

/// One database with its service, its load and its book.
struct Books {
    options: Options,
    service: Service,
    crowd: Crowd,
    dice: Dice,
    /// Told by the Cashier when a payout has come.
    arrived: Arc<Notify>,
    database: PathBuf,
    /// How long the last start took that was left alone.
    start: Duration,
    /// The kill after which the process was started and not yet seen to answer.
    unseen: Option<Moment>,
}

impl Books {
    async fn begin(options: &Options, home: &Path, seed: u64) -> Result<Self, Failure> {
        let mut dice = Dice::new(seed);
        let arrived = Arc::new(Notify::new());
        let heard = arrived.clone();
        let cashiers = house::cashiers(move |initiation| {
            heard.notify_one();
            behaviour(initiation)
        });
        let cashiers = cashiers.await?;
        let ports = free_ports(&mut dice, 2)?;
        let [public, private] = [ports[0], ports[1]].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let database = home.join("croupier.db");
        let url = format!("sqlite://{}", database.display());
        let program = Program::new(home.to_owned(), &house::settings([public, private], home, &url, &cashiers))?;
        let door = Door::new(vec![(public, private)], Patience { longest: Duration::from_secs(120), pause: 20 })?;
        let mut books = Self {
            options: options.clone(),
            service: Service::new(program, private),
            crowd: Crowd::new(door, cashiers, Duration::from_millis(options.pace)),
            dice,
            arrived,
            database,
            start: FIRST_START,
            unseen: None,
        };
        books.service.spawn()?;
        books.start = books.service.wait_until_ready(&books.crowd.load.door).await?;
        let token = block_in_place(|| books.service.program.staff_token("judge"))?;
        books.crowd.load.door.set_staff_token(&token);
        books.crowd.enter(&mut books.dice, options.players).await;
        Ok(books)
    }

    /// Kills so often, and leaves the service running.
    async fn kill(&mut self, kills: u64, report: &mut Report, bar: &ProgressBar) -> Result<(), Failure> {
        let (mut since, mut kept) = (Instant::now(), None);
        for number in 1..=kills {
            let moment = Moment::roll(&mut self.dice, &self.options.only);
            if moment != Moment::Starting {
                self.see(report).await?;
            }
            self.reach(moment).await;
            let alive = self.service.kill()?;
            // Only a process that was asked to may end by itself.
            if !alive && moment != Moment::Stopping {
                return Err(format!("it ended by itself:\n{}", self.service.end_of_log()));
            }
            report.killed(moment);
            bar.inc(1);
            self.lose(number, kills, &mut kept)?;
            self.service.spawn()?;
            self.unseen = Some(moment);
            if number.is_multiple_of(LOOK) {
                self.see(report).await?;
                let when = format!("after kill {number} with seed {}", self.options.seed);
                settle::ask_again(&self.crowd.load, &mut self.dice, Some(since), AGAIN.0, &when).await;
                since = Instant::now();
            }
        }
        self.see(report).await
    }

    /// Waits until the service answers, unless it is known to.
    async fn see(&mut self, report: &mut Report) -> Result<(), Failure> {
        if let Some(after) = self.unseen.take() {
            self.start = self.service.wait_until_ready(&self.crowd.load.door).await?;
            report.restarted(after, self.start);
        }
        Ok(())
    }

    /// Waits for the moment.
    async fn reach(&mut self, moment: Moment) {
        match moment {
            Moment::Starting | Moment::Serving => {}
            Moment::Sending => {
                // One that came before does not count.
                let (arrived, since) = (self.arrived.clone(), Instant::now());
                while since.elapsed() < EVENT {
                    let came = tokio::time::timeout(EVENT, arrived.notified()).await.is_ok();
                    if came && since.elapsed() > Duration::from_micros(200) {
                        break;
                    }
                }
            }
            Moment::Checkpointing => {
                let database = self.database.clone();
                let _seen_or_not = tokio::task::spawn_blocking(move || wait_for_change(&database)).await;
            }
            Moment::Stopping => self.service.ask_to_stop(),
        }
        let delay = moment.delay(&mut self.dice, self.start);
        // Finer than the timer of the runtime.
        let _slept = tokio::task::spawn_blocking(move || std::thread::sleep(delay)).await;
    }

    /// Nothing more is asked, everything comes to rest and is compared.
    async fn finish(mut self, report: &mut Report) -> Result<(), Failure> {
        self.crowd.leave().await;
        let mut dice = self.dice.fork(9_000);
        self.sabotage(&mut dice).await;
        let rest = self.crowd.look(&mut dice, REST, AGAIN.1).await?;
        let code = self.service.stop().await?;
        let mut book = self.crowd.load.book();
        if code != Some(0) {
            book.problem(format!("it does not stop in order, {code:?}:\n{}", self.service.end_of_log()));
        }
        if let Some(problem) = block_in_place(|| self.service.program.verify()) {
            book.problem(problem);
        }
        let seed = self.options.seed.wrapping_add(report.databases);
        report.problems.extend(compare(&book, &rest.seen).into_iter().map(|problem| format!("seed {seed}: {problem}")));
        drop(book);
        report.add(&self.crowd.figures(&rest));
        Ok(())
    }

    /// Does what must be found.
    async fn sabotage(&self, dice: &mut Dice) {
        match self.options.sabotage {
            Some(Sabotage::Forget) => self.crowd.load.book().forget_one(),
            Some(Sabotage::Double) => self.crowd.play_past_the_book(dice).await,
            Some(Sabotage::Lose) | None => {}
        }
    }

    /// Keeps a copy of the database in the middle, and puts it in its place near the end.
    fn lose(&self, number: u64, kills: u64, kept: &mut Option<PathBuf>) -> Result<(), Failure> {
        if self.options.sabotage != Some(Sabotage::Lose) {
            return Ok(());
        }
        let home = self.database.parent().unwrap_or(Path::new("."));
        let failed = |error: std::io::Error| format!("sabotage: {error}");
        if number == kills / 2 {
            let copy = home.join("kept");
            fs::create_dir(&copy).map_err(failed)?;
            for file in of_database(home).map_err(failed)? {
                let name = file.file_name().unwrap_or_default();
                fs::copy(&file, copy.join(name)).map_err(failed)?;
            }
            *kept = Some(copy);
        } else if number == kills - 1
            && let Some(copy) = kept.take()
        {
            for entry in fs::read_dir(home).map_err(failed)?.flatten() {
                let path = entry.path();
                if path.extension().is_some_and(|extension| extension == "mark") {
                    fs::remove_file(path).map_err(failed)?;
                }
            }
            for file in of_database(home).map_err(failed)? {
                fs::remove_file(file).map_err(failed)?;
            }
            for file in of_database(&copy).map_err(failed)? {
                let name = file.file_name().unwrap_or_default();
                fs::copy(&file, home.join(name)).map_err(failed)?;
            }
        }
        Ok(())
    }
}

/// The database and its write-ahead log.
fn of_database(home: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(home)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("croupier.db") && !name.ends_with("-shm") {
            files.push(path);
        }
    }
    Ok(files)
}

/// Until the database itself is written, which is what a checkpoint does.
fn wait_for_change(database: &Path) {
    let written = || fs::metadata(database).and_then(|about| about.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let (before, began) = (written(), Instant::now());
    while began.elapsed() < EVENT && written() == before {
        std::thread::sleep(Duration::from_micros(200));
    }
}
