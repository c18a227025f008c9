//! How each fault is done, and undone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use croupier::simulate::faults::Dice;
use tokio::task::block_in_place;

use crate::cluster::Cluster;
use crate::fault::Kind;
use crate::instance::Instance;
use crate::options::Failure;
use crate::process::signal;
use crate::proxy::{Mode, Proxy};

/// What faults befall.
#[derive(Debug)]
pub struct Stage {
    pub instances: Vec<Arc<Instance>>,
    /// By instance, one for each server.
    pub proxies: Vec<[Proxy; 2]>,
    /// None on SQLite.
    pub cluster: Option<Cluster>,
    pub dice: Dice,
    /// The longest pause of a process.
    pub longest: Duration,
    /// A failover then loses what was acknowledged.
    pub lossy: bool,
}

/// A fault that is over.
#[derive(Debug, Clone)]
pub struct Injected {
    pub began: Instant,
    /// From then on nothing stands in the way any more.
    pub lifted: Instant,
    /// The instance that it befell alone.
    pub instance: Option<usize>,
    pub note: String,
}

impl Stage {
    fn one(&mut self) -> usize {
        usize::try_from(self.dice.roll() % self.instances.len() as u64).unwrap_or(0)
    }

    /// Waits between so many milliseconds.
    async fn wait(&mut self, low: u64, high: u64) -> Duration {
        let ms = self.dice.between(low.cast_signed(), high.cast_signed()).unsigned_abs();
        tokio::time::sleep(Duration::from_millis(ms)).await;
        Duration::from_millis(ms)
    }

    fn cluster(&mut self) -> Result<&mut Cluster, Failure> {
        self.cluster.as_mut().ok_or_else(|| "this fault needs PostgreSQL".to_owned())
    }

    /// Does one fault and lifts it.
    ///
    /// # Errors
    ///
    /// The servers do not do what they must; that is no finding about the service.
    pub async fn inject(&mut self, kind: Kind) -> Result<Injected, Failure> {
        let began = Instant::now();
        let (instance, note) = match kind {
            Kind::KillInstance => self.kill_instance().await,
            Kind::PauseInstance => self.pause_instance().await,
            Kind::TerminateBackends => {
                let most = self.dice.between(1, 12);
                let ended = block_in_place(|| self.cluster()?.terminate_backends(most))?;
                (None, format!("{ended} sessions"))
            }
            Kind::KillBackend => {
                let mut dice = self.dice.fork(5);
                self.dice.roll();
                block_in_place(|| {
                    self.cluster()?.kill_backend(&mut dice)?;
                    self.cluster()?.wait_for_primary()
                })?;
                (None, String::new())
            }
            Kind::PausePrimary => {
                let held = block_in_place(|| Ok::<_, Failure>(self.cluster()?.pause_primary()))?;
                let pause = self.wait(1_000, 6_000).await;
                signal("CONT", &held);
                (None, format!("{pause:?}"))
            }
            Kind::Cut => self.at_some(|proxy| proxy.cut()),
            Kind::Blackhole => self.close_for_a_while(Mode::Blackhole).await,
            Kind::Refuse => self.close_for_a_while(Mode::Refuse).await,
            Kind::RestartPrimary => {
                block_in_place(|| self.cluster()?.restart_primary())?;
                (None, String::new())
            }
            Kind::StopStandby => {
                block_in_place(|| self.cluster()?.stop_standby())?;
                let pause = self.wait(500, 4_000).await;
                block_in_place(|| self.cluster()?.bring_back_standby())?;
                (None, format!("{pause:?}"))
            }
            Kind::Failover => self.fail_over(None).await?,
            Kind::FailoverAndKill => {
                let victim = self.one();
                self.fail_over(Some(victim)).await?
            }
            Kind::LocalCommits => self.local_commits().await?,
        };
        Ok(Injected { began, lifted: Instant::now(), instance, note })
    }

    async fn kill_instance(&mut self) -> (Option<usize>, String) {
        let (victim, mut times) = (self.one(), 1);
        self.instances[victim].kill();
        while self.dice.percent(25) {
            // Its start is interrupted too.
            self.wait(150, 600).await;
            self.instances[victim].kill();
            times += 1;
        }
        (Some(victim), format!("instance {victim}, {times} times"))
    }

    async fn pause_instance(&mut self) -> (Option<usize>, String) {
        let victim = self.one();
        self.instances[victim].signal("STOP");
        let longest = u64::try_from(self.longest.as_millis()).unwrap_or(20_000);
        let pause = self.wait(3_000.min(longest), longest).await;
        self.instances[victim].signal("CONT");
        (Some(victim), format!("instance {victim}, {pause:?}"))
    }

    /// The ways of one instance, or of all.
    fn at_some(&mut self, act: impl Fn(&Proxy)) -> (Option<usize>, String) {
        let victim = if self.dice.percent(50) { Some(self.one()) } else { None };
        for (number, ways) in self.proxies.iter().enumerate() {
            if victim.is_none_or(|victim| victim == number) {
                ways.iter().for_each(&act);
            }
        }
        let note = victim.map_or("all instances".to_owned(), |victim| format!("instance {victim}"));
        (victim, note)
    }

    async fn close_for_a_while(&mut self, mode: Mode) -> (Option<usize>, String) {
        // What a blackhole swallowed arrives late, or never.
        let cut = mode == Mode::Refuse || self.dice.percent(50);
        let (victim, note) = self.at_some(|proxy| {
            proxy.set(mode);
            if mode == Mode::Refuse {
                proxy.cut();
            }
        });
        let pause = self.wait(1_000, 5_000).await;
        for proxy in self.proxies.iter().flatten() {
            if cut && mode == Mode::Blackhole && victim.is_none() {
                proxy.cut();
            }
            proxy.set(Mode::Open);
        }
        if let (true, Some(victim)) = (cut, victim) {
            self.proxies[victim].iter().for_each(Proxy::cut);
        }
        (victim, format!("{note}, {pause:?}{}", if cut { ", then cut" } else { "" }))
    }

    async fn fail_over(&mut self, killed: Option<usize>) -> Result<(Option<usize>, String), Failure> {
        let (wait, lossy) = (self.dice.percent(30), self.lossy);
        if lossy {
            block_in_place(|| self.cluster()?.stop_standby())?;
            self.wait(800, 1_200).await;
        }
        self.kill_primary()?;
        if let Some(victim) = killed {
            self.instances[victim].kill();
        }
        // Somebody must notice that the primary is gone.
        let noticed = self.wait(0, 1_500).await;
        block_in_place(|| {
            if lossy {
                self.cluster()?.start_standby()?;
            }
            self.cluster()?.promote(wait)
        })?;
        if wait {
            block_in_place(|| self.cluster()?.rebuild_standby())?;
        }
        let killed = killed.map(|victim| format!(", instance {victim} killed")).unwrap_or_default();
        let waited = if wait { ", commits wait for the new standby" } else { "" };
        Ok((None, format!("noticed after {noticed:?}{waited}{killed}")))
    }

    fn kill_primary(&mut self) -> Result<(), Failure> {
        block_in_place(|| {
            self.cluster()?.kill_primary();
            Ok(())
        })
    }

    async fn local_commits(&mut self) -> Result<(Option<usize>, String), Failure> {
        block_in_place(|| self.cluster()?.stop_standby())?;
        self.wait(300, 1_000).await;
        let waiting = block_in_place(|| self.cluster()?.waiting_commits())?;
        let ended = block_in_place(|| self.cluster()?.terminate_backends(200))?;
        self.wait(500, 2_500).await;
        self.kill_primary()?;
        // What an instance has noted of the primary that is lost must not keep it from starting on the new one.
        let victim = if self.dice.percent(50) { Some(self.one()) } else { None };
        if let Some(victim) = victim {
            self.instances[victim].kill();
        }
        block_in_place(|| {
            self.cluster()?.start_standby()?;
            self.cluster()?.promote(false)
        })?;
        let killed = victim.map(|victim| format!(", instance {victim} killed")).unwrap_or_default();
        Ok((None, format!("{waiting} commits of {ended} sessions{killed}")))
    }

    /// Brings the servers to where the next fault may befall them.
    pub fn repair(&mut self, kind: Kind) -> Result<(), Failure> {
        let Some(cluster) = self.cluster.as_mut() else { return Ok(()) };
        block_in_place(|| match kind {
            Kind::Failover | Kind::FailoverAndKill | Kind::LocalCommits if !cluster.has_standby() => {
                cluster.rebuild_standby()
            }
            Kind::Failover
            | Kind::FailoverAndKill
            | Kind::LocalCommits
            | Kind::KillInstance
            | Kind::PauseInstance
            | Kind::TerminateBackends
            | Kind::KillBackend
            | Kind::PausePrimary
            | Kind::Cut
            | Kind::Blackhole
            | Kind::Refuse
            | Kind::RestartPrimary
            | Kind::StopStandby => cluster.wait_for_standby(),
        })
    }
}
