//! One campaign from its first file to its report.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use croupier::simulate::faults::Dice;
use croupier::simulate::server::CashierServer;
use tokio::task::block_in_place;

use crate::cluster::{Cluster, NAME};
use crate::compare::compare;
use crate::crowd::Crowd;
use crate::door::{Call, Door, Patience};
use crate::fault::{Kind, schedule};
use crate::house;
use crate::inject::Stage;
use crate::instance::Instance;
use crate::options::{Failure, Options, Sabotage};
use crate::player::behaviour;
use crate::postgres::Tools;
use crate::process::free_ports;
use crate::proxy::Proxy;
use crate::report::{Done, Report};
use crate::settle;
use crate::watch::{Watch, look_after};

/// How many instances there are on PostgreSQL.
const INSTANCES: usize = 3;
/// How many answers are asked again after a fault, and at the end.
const AGAIN: (usize, usize) = (150, 3_000);

/// The longest pause of a player between two steps.
const PACE: Duration = Duration::from_millis(60);

/// A campaign that runs.
struct Campaign {
    options: Options,
    stage: Stage,
    crowd: Crowd,
    watch: Arc<Watch>,
    dice: Dice,
    began: Instant,
    report: Report,
}

/// How long something may take before it is a problem. Where books are broken on purpose much will never come.
///
/// 150 s for payouts to come to rest: the claim of an instance that is gone is settled by another one after two minutes, and an instance
/// that comes back settles its own.
fn patience(options: &Options, seconds: u64) -> Duration {
    Duration::from_secs(if options.sabotage == Some(Sabotage::Async) { 8 } else { seconds })
}

/// Runs a campaign as the options say.
///
/// # Errors
///
/// It could not be run. What the service does wrong is in the report.
pub async fn run(options: &Options) -> Result<Report, Failure> {
    let mut home = tempfile::Builder::new().prefix("failover-").tempdir().map_err(|error| error.to_string())?;
    // The servers run as somebody else, who must be able to pass.
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).map_err(|error| error.to_string())?;
    home.disable_cleanup(options.keep);
    let mut campaign = Campaign::start(options, home.path()).await?;
    for (number, kind) in campaign.schedule().into_iter().enumerate() {
        campaign.fault(number + 1, kind).await?;
        if let Some(refusal) = campaign.refusal().await {
            // Nobody can be asked any more, which is what should happen to books that have lost something.
            let mut report = std::mem::take(&mut campaign.report);
            report.problems.push(refusal);
            return Ok(report);
        }
    }
    let end = campaign.began + Duration::from_secs(options.seconds);
    tokio::time::sleep_until(end.into()).await;
    let mut report = campaign.finish().await?;
    report.kept = options.keep.then(|| home.path().to_owned());
    Ok(report)
}

impl Campaign {
    async fn start(options: &Options, home: &Path) -> Result<Self, Failure> {
        let began = Instant::now();
        let mut dice = Dice::new(options.seed);
        let (cashiers, stage) = stage(options, home, &mut dice).await?;
        for instance in &stage.instances {
            instance.supervise()?;
        }
        let addresses = stage.instances.iter().map(|instance| (instance.public, instance.private)).collect();
        let door = Door::new(addresses, Patience { longest: patience(options, 180), pause: 500 })?;
        let crowd = Crowd::new(door, cashiers, PACE);
        let watch = Watch::new(stage.instances.len());
        let mut campaign = Self {
            options: options.clone(),
            stage,
            crowd,
            watch,
            dice,
            began,
            report: Report { seed: options.seed, ..Report::default() },
        };
        campaign.wait_until_ready().await?;
        let token = block_in_place(|| campaign.stage.instances[0].program.staff_token("judge"))?;
        campaign.crowd.load.door.set_staff_token(&token);
        campaign.crowd.enter(&mut campaign.dice, options.players).await;
        for number in 0..campaign.stage.instances.len() {
            let dice = campaign.dice.fork(1_000 + number as u64);
            let looking = look_after(campaign.crowd.load.clone(), campaign.watch.clone(), number, dice);
            campaign.crowd.workers.spawn(looking);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(campaign)
    }

    /// With servers that lose what was answered: how an instance says that it has noticed, if one does within a few seconds.
    async fn refusal(&self) -> Option<String> {
        const SAID: &str = "the books have lost something";
        if self.options.sabotage != Some(Sabotage::Async) {
            return None;
        }
        for _ in 0..50 {
            for instance in &self.stage.instances {
                let log = instance.program.log();
                if let Some(line) = log.lines().find(|line| line.contains(SAID)) {
                    return Some(format!("instance {}: {line}", instance.number));
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        None
    }

    async fn wait_until_ready(&self) -> Result<(), Failure> {
        let deadline = Instant::now() + Duration::from_secs(60);
        for (number, instance) in self.stage.instances.iter().enumerate() {
            while !matches!(self.crowd.load.door.once(&Call::readiness(), number, Duration::from_secs(2)).await, Ok(answer) if answer.status == 200)
            {
                if Instant::now() > deadline {
                    let log = instance.program.log();
                    return Err(format!("instance {number} does not start:\n{}", crate::process::last_lines(&log, 20)));
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    }

    fn schedule(&mut self) -> Vec<Kind> {
        let only = match self.options.sabotage {
            Some(Sabotage::Async) => vec![Kind::Failover],
            Some(Sabotage::Forget | Sabotage::Double) | None if self.options.sqlite => {
                vec![Kind::KillInstance, Kind::PauseInstance]
            }
            Some(Sabotage::Forget | Sabotage::Double) | None => self.options.only.clone(),
        };
        schedule(self.options.faults, &mut self.dice, &only)
    }

    /// Some calm, one fault, the wait until everybody answers again, and a look at what was acknowledged about then.
    async fn fault(&mut self, number: usize, kind: Kind) -> Result<(), Failure> {
        let left = Duration::from_secs(self.options.seconds).saturating_sub(self.began.elapsed());
        let share = left / u32::try_from(self.options.faults + 1 - number).unwrap_or(1).max(1);
        let calm = share.as_millis().clamp(200, 3_000) / 2;
        let calm = self.dice.between(100, i64::try_from(calm).unwrap_or(1_000));
        tokio::time::sleep(Duration::from_millis(calm.unsigned_abs())).await;
        let injected =
            self.stage.inject(kind).await.map_err(|failure| format!("fault {number}, {}: {failure}", kind.name()))?;
        let back = self.wait_for_all(injected.lifted, number, kind).await;
        let others = kind.is_of_one() && self.stage.instances.len() > 1;
        let others = others.then(|| {
            let silence = |instance: usize| self.watch.silence(instance, injected.began, back);
            (0..self.stage.instances.len())
                .filter(|one| Some(*one) != injected.instance)
                .map(silence)
                .max()
                .unwrap_or_default()
        });
        let done = Done {
            kind,
            note: injected.note,
            outage: back.duration_since(injected.began),
            recovery: back.saturating_duration_since(injected.lifted),
            others,
        };
        let name = format!("fault {number}, {}", kind.name());
        eprintln!(
            "{name} ({}): out {:.2} s, back after {:.2} s",
            done.note,
            done.outage.as_secs_f64(),
            done.recovery.as_secs_f64()
        );
        self.report.faults.push(done);
        self.stage.repair(kind).map_err(|failure| format!("after {name}: {failure}"))?;
        let since = injected.began.checked_sub(Duration::from_secs(1)).unwrap_or(injected.began);
        // Whoever has closed its books answers nobody.
        if self.options.sabotage != Some(Sabotage::Async) {
            settle::ask_again(&self.crowd.load, &mut self.dice, Some(since), AGAIN.0, &name).await;
        }
        self.note_ends(&name);
        Ok(())
    }

    /// When the last instance answered again.
    async fn wait_for_all(&self, since: Instant, number: usize, kind: Kind) -> Instant {
        let patience = patience(&self.options, 120);
        let deadline = since + patience;
        let mut last = since;
        for instance in 0..self.stage.instances.len() {
            let answered = loop {
                match self.watch.answered_since(instance, since) {
                    Some(at) => break at,
                    None if Instant::now() > deadline => {
                        let kind = kind.name();
                        let log = self.stage.instances[instance].program.log();
                        let log: Vec<&str> = log.lines().filter(|line| line.contains("ERROR")).collect();
                        let log = crate::process::last_lines(&log.join("\n"), 6);
                        let when = format!("{patience:?} after fault {number}, {kind}");
                        let text = format!("instance {instance} does not answer {when}:\n{log}");
                        self.crowd.load.book().problem(text);
                        break Instant::now();
                    }
                    None => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            };
            last = last.max(answered);
        }
        last
    }

    fn note_ends(&self, when: &str) {
        for instance in &self.stage.instances {
            for end in instance.ended_alone.lock().expect("nobody panics while noting").drain(..) {
                self.crowd.load.book().problem(format!("{when}: {end}"));
            }
        }
    }

    async fn finish(mut self) -> Result<Report, Failure> {
        self.crowd.leave().await;
        let mut dice = self.dice.fork(9_000);
        self.sabotage(&mut dice).await;
        let rest = self.crowd.look(&mut dice, patience(&self.options, 150), AGAIN.1).await?;
        if let Some(problem) = block_in_place(|| self.stage.instances[0].program.verify()) {
            self.crowd.load.book().problem(problem);
        }
        let gave_up: u64 =
            self.stage.instances.iter().map(|one| one.gave_up.load(std::sync::atomic::Ordering::Relaxed)).sum();
        for instance in &self.stage.instances {
            let code = instance.end().await;
            if code != Some(0) {
                self.crowd
                    .load
                    .book()
                    .problem(format!("instance {} does not stop in order: {code:?}", instance.number));
            }
        }
        self.note_ends("at the end");
        self.report.took = self.began.elapsed();
        self.report.problems = compare(&self.crowd.load.book(), &rest.seen);
        self.report.figures = self.crowd.figures(&rest);
        self.report.figures.extend([
            ("failovers", self.stage.cluster.as_ref().map_or(0, |cluster| cluster.failovers)),
            ("starts given up for want of a database", gave_up),
        ]);
        Ok(self.report)
    }

    /// Does what must be found.
    async fn sabotage(&self, dice: &mut Dice) {
        match self.options.sabotage {
            Some(Sabotage::Forget) => self.crowd.load.book().forget_one(),
            Some(Sabotage::Double) => self.crowd.play_past_the_book(dice).await,
            Some(Sabotage::Async) | None => {}
        }
    }
}

/// The servers, the ways to them, the instances (not started) and the Cashier.
async fn stage(options: &Options, home: &Path, dice: &mut Dice) -> Result<(Vec<CashierServer>, Stage), Failure> {
    let cashiers = house::cashiers(behaviour).await?;
    let count = if options.sqlite { 1 } else { INSTANCES };
    let ports = free_ports(dice, 2 + 4 * count)?;
    let (mut cluster, mut password) = (None, String::new());
    if !options.sqlite {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
        password = hex::encode(bytes);
        let tools = Tools::find(password.clone())?;
        let synchronous = options.sabotage != Some(Sabotage::Async);
        let start =
            || Cluster::start(&tools, &home.join("postgres"), [ports[0], ports[1]], !options.no_fsync, synchronous);
        cluster = Some(block_in_place(start)?);
    }
    let (mut instances, mut proxies) = (Vec::new(), Vec::new());
    for number in 0..count {
        let ports = &ports[2 + 4 * number..];
        let url = if let Some(cluster) = &cluster {
            let [one, two] = cluster.servers();
            let ways = [
                Proxy::start(ports[2], one.port, one.is_up()).await?,
                Proxy::start(ports[3], two.port, two.is_up()).await?,
            ];
            let hosts = format!("127.0.0.1:{},127.0.0.1:{}", ways[0].port, ways[1].port);
            proxies.push(ways);
            format!("postgres://{NAME}:{password}@{hosts}/{NAME}?target_session_attrs=read-write&connect_timeout=2")
        } else {
            format!("sqlite://{}/croupier.db", home.display())
        };
        instances.push(Instance::new(number, home, [ports[0], ports[1]], &url, &cashiers)?);
    }
    let share = options.seconds / (options.faults.max(1) as u64) * 2;
    let longest = Duration::from_secs(share.clamp(3, 20));
    let lossy = options.sabotage == Some(Sabotage::Async);
    let stage = Stage { instances, proxies, cluster, dice: dice.fork(3_000), longest, lossy };
    Ok((cashiers, stage))
}
