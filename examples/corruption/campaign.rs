//! One campaign: the story, every column changed by SQL, and the bytes of the files harmed.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use croupier::simulate::faults::Dice;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::runtime::Handle;

use crate::books::{Bench, Books, Library, put};
use crate::check::{check, database, serves, within_patience};
use crate::columns::why_not;
use crate::dump::{difference, dump};
use crate::harm::{Files, PAGE};
use crate::options::{Failure, Options, Sabotage};
use crate::report::Report;
use crate::tamper::{self, Change};

/// Problems told; after so many the rest says nothing new.
const MOST: usize = 500;

/// Runs a campaign as the options say.
///
/// # Errors
///
/// It could not be run. What is overlooked is in the report.
pub async fn run(options: &Options) -> Result<Report, Failure> {
    let began = Instant::now();
    let mut home = tempfile::Builder::new().prefix("corruption-").tempdir().map_err(|error| error.to_string())?;
    home.disable_cleanup(options.keep);
    let told = home.path().join("told");
    std::fs::create_dir(&told).map_err(|error| error.to_string())?;
    let library = Library::write(&told, options.seed).await?;
    let report = Report { seed: options.seed, rows: library.closed.rows(), ..Report::default() };
    let pages = library.closed.files.database.len() / PAGE;
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} harms, {per_sec}, {eta} left");
    let bar = ProgressBar::new(options.flips);
    bar.set_style(style.map_err(|error| error.to_string())?);
    let campaign =
        Campaign { options, library, report: Mutex::new(report), next: AtomicU64::new(0), bar, home: home.path() };
    campaign.sound()?;
    tokio::task::block_in_place(|| campaign.tamper(&Handle::current()))?;
    tokio::task::block_in_place(|| campaign.harm(&Handle::current()))?;
    campaign.bar.finish_and_clear();
    let mut report = campaign.report.into_inner().map_err(|_| "a worker panicked")?;
    (report.took, report.pages) = (began.elapsed(), pages);
    report.kept = options.keep.then(|| home.path().to_owned());
    Ok(report)
}

struct Campaign<'a> {
    options: &'a Options,
    library: Library,
    report: Mutex<Report>,
    next: AtomicU64,
    bar: ProgressBar,
    home: &'a Path,
}

/// What was done, and what came of it.
struct Harmed<'a> {
    kind: &'a str,
    what: String,
    books: &'a Books,
    /// The bytes; none when it was done by SQL.
    files: Option<&'a Files>,
    /// Why it may be overlooked.
    excuse: Option<&'static str>,
    /// Whether the command and the start of the service are asked as well.
    serve: bool,
}

impl Campaign<'_> {
    fn report(&self) -> MutexGuard<'_, Report> {
        self.report.lock().expect("nobody panics while reporting")
    }

    fn problem(&self, text: String) {
        let mut report = self.report();
        if report.problems.len() < MOST {
            report.problems.push(text);
        }
    }

    fn bench(&self, name: &str) -> Result<Bench, Failure> {
        let mut dice = Dice::new(self.options.seed).fork(name.bytes().map(u64::from).sum());
        Bench::new(&self.library, self.home.join(name), &mut dice)
    }

    /// Nothing is found in books that nobody has harmed.
    fn sound(&self) -> Result<(), Failure> {
        let bench = self.bench("sound")?;
        for books in [&self.library.closed, &self.library.killed] {
            bench.lay(books, &books.files)?;
            if let Some(found) = check(&bench.home)? {
                return Err(format!("something is found in sound books: {found}"));
            }
        }
        Ok(())
    }

    /// Every column of every table, by SQL.
    fn tamper(&self, runtime: &Handle) -> Result<(), Failure> {
        let bench = self.bench("disarmed")?;
        bench.lay(&self.library.closed, &self.library.closed.files)?;
        tamper::disarm(&database(&bench.home))?;
        let bytes = std::fs::read(database(&bench.home)).map_err(|error| error.to_string())?;
        let files = Files { database: bytes, log: Vec::new() };
        let plan = tamper::plan(&database(&bench.home), self.options.rows)?;
        self.work(|bench, number| {
            let Some(changes) = plan.get(usize::try_from(number).unwrap_or(usize::MAX)) else { return Ok(false) };
            self.change(bench, &files, changes, number, runtime)?;
            Ok(true)
        })
    }

    fn change(
        &self,
        bench: &mut Bench,
        files: &Files,
        changes: &[Change],
        number: u64,
        runtime: &Handle,
    ) -> Result<(), Failure> {
        for change in changes {
            bench.lay(&self.library.closed, files)?;
            if tamper::make(&database(&bench.home), change)? {
                let harmed = Harmed {
                    kind: if change.column == "(row)" { "a row taken away by SQL" } else { "a value changed by SQL" },
                    what: format!("{}.{}: {}", change.table, change.column, change.sql),
                    books: &self.library.closed,
                    files: None,
                    excuse: why_not(&change.table, &change.column),
                    serve: number.is_multiple_of(self.options.served),
                };
                return self.look(bench, &harmed, runtime);
            }
        }
        Ok(())
    }

    /// The bytes of the files.
    fn harm(&self, runtime: &Handle) -> Result<(), Failure> {
        self.next.store(0, Ordering::Relaxed);
        self.work(|bench, number| {
            if number >= self.options.flips {
                return Ok(false);
            }
            let mut dice = Dice::new(self.options.seed).fork(number);
            let books = if dice.percent(70) { &self.library.closed } else { &self.library.killed };
            let mut files = books.files.clone();
            let kind = files.harm(&self.library.before, &mut dice);
            bench.lay(books, &files)?;
            let what = format!("harm {number}");
            let serve = number.is_multiple_of(self.options.served);
            let harmed = Harmed { kind, what, books, files: Some(&files), excuse: None, serve };
            self.look(bench, &harmed, runtime)?;
            self.bar.inc(1);
            Ok(true)
        })
    }

    /// Some workers, until there is nothing left to do.
    fn work(&self, step: impl Fn(&mut Bench, u64) -> Result<bool, Failure> + Sync) -> Result<(), Failure> {
        let all = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..self.options.threads.max(1))
                .map(|worker| {
                    let step = &step;
                    scope.spawn(move || {
                        let mut bench = self.bench(&format!("bench-{worker}"))?;
                        while step(&mut bench, self.next.fetch_add(1, Ordering::Relaxed))? {}
                        Ok(())
                    })
                })
                .collect();
            workers.into_iter().map(|worker| worker.join()).collect::<Vec<_>>()
        });
        all.into_iter().try_for_each(|one| one.unwrap_or_else(|_| Err("a worker panicked".to_owned())))
    }

    /// Looks at harmed books: whether what has changed is found.
    fn look(&self, bench: &mut Bench, harmed: &Harmed<'_>, runtime: &Handle) -> Result<(), Failure> {
        let Harmed { kind, what, .. } = harmed;
        let found = match check(&bench.home) {
            Ok(_) if self.options.sabotage == Some(Sabotage::Blind) => None,
            Ok(found) => found,
            Err(failure) => {
                self.problem(format!("{kind}, {what}: {failure}"));
                // Whoever still reads there must not disturb the next ones.
                let nth = self.next.load(Ordering::Relaxed);
                *bench = self.bench(&format!("bench-after-{nth}"))?;
                return Ok(());
            }
        };
        let changed = if found.is_some() { None } else { self.difference(bench, harmed) };
        let served = harmed.serve && found.is_some();
        if served {
            self.serve(bench, harmed, runtime)?;
        }
        {
            let mut report = self.report();
            let tally = report.kinds.entry((*kind).to_owned()).or_default();
            tally.times += 1;
            tally.served += u64::from(served);
            match (&found, &changed, harmed.excuse) {
                (Some(_), _, _) => tally.found += 1,
                (None, None, _) => tally.harmless += 1,
                (None, Some(_), Some(_)) => tally.no_money += 1,
                (None, Some(_), None) => tally.overlooked += 1,
            }
        }
        if let (Some(changed), None) = (changed, harmed.excuse) {
            if self.options.keep {
                self.keep(bench, what)?;
            }
            self.problem(format!("{kind}, {what}: overlooked: {changed}"));
        }
        Ok(())
    }

    /// What of the money data reads otherwise than before.
    fn difference(&self, bench: &Bench, harmed: &Harmed<'_>) -> Option<String> {
        let Some(_) = harmed.files else { return Some("by SQL".to_owned()) };
        match within_patience(&bench.home, |home| dump(&database(home))) {
            Ok(says) => difference(&harmed.books.says, &says),
            // The check has read everything, so that reading it again must not fail.
            Err(failure) => Some(failure),
        }
    }

    fn keep(&self, bench: &Bench, what: &str) -> Result<(), Failure> {
        let name: String = what.chars().filter(char::is_ascii_alphanumeric).take(60).collect();
        let kept = self.home.join(format!("overlooked-{name}.db"));
        std::fs::copy(database(&bench.home), kept).map(|_| ()).map_err(|error| error.to_string())
    }

    /// The command finds it too, and no money route of a service works on it.
    fn serve(&self, bench: &mut Bench, harmed: &Harmed<'_>, runtime: &Handle) -> Result<(), Failure> {
        let Harmed { kind, what, .. } = harmed;
        if let Some(files) = harmed.files {
            put(&bench.home, files)?;
        }
        if bench.service.program.verify().is_none() {
            self.problem(format!("{kind}, {what}: the command finds nothing"));
        }
        if let Some(files) = harmed.files {
            put(&bench.home, files)?;
        }
        if runtime.block_on(serves(&mut bench.service, &bench.door))? {
            self.problem(format!("{kind}, {what}: a service works on it"));
        }
        Ok(())
    }
}
