//! A primary and its synchronous standby, and what may befall them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use croupier::simulate::faults::Dice;

use crate::options::Failure;
use crate::postgres::Tools;
use crate::process::signal;
use crate::server::Server;

/// The role and the database of the service.
pub const NAME: &str = "croupier";

/// How long the standby may take to catch up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Two servers. Which of them is the primary changes.
#[derive(Debug)]
pub struct Cluster {
    servers: [Server; 2],
    primary: usize,
    /// Whether commits wait for the standby. Off only for sabotage.
    synchronous: bool,
    pub failovers: u64,
}

impl Cluster {
    /// A new cluster with an empty database, and its standby in step.
    pub fn start(tools: &Tools, home: &Path, ports: [u16; 2], fsync: bool, synchronous: bool) -> Result<Self, Failure> {
        let files = |error: std::io::Error| format!("{}: {error}", home.display());
        fs::create_dir(home).map_err(files)?;
        fs::set_permissions(home, fs::Permissions::from_mode(0o700)).map_err(files)?;
        let password = home.join("password");
        fs::write(&password, tools.password()).map_err(files)?;
        tools.hand_over(&password)?;
        tools.hand_over(home)?;
        let [first, second] = ports;
        let servers = [Server::new(tools, "one", first, home, fsync), Server::new(tools, "two", second, home, fsync)];
        let mut cluster = Self { servers, primary: 0, synchronous, failovers: 0 };
        cluster.servers[0].init(&password)?;
        cluster.servers[0].start()?;
        let role = format!("CREATE ROLE {NAME} LOGIN PASSWORD '{}'", tools.password());
        cluster.primary().sql("postgres", &role)?;
        cluster.primary().sql("postgres", &format!("CREATE DATABASE {NAME} OWNER {NAME} TEMPLATE template0"))?;
        cluster.rebuild_standby()?;
        Ok(cluster)
    }

    /// Both, in an order that never changes.
    pub fn servers(&self) -> &[Server; 2] {
        &self.servers
    }

    pub fn primary(&self) -> &Server {
        &self.servers[self.primary]
    }

    /// The server that is not the primary becomes its standby from nothing. Then commits wait for it.
    pub fn rebuild_standby(&mut self) -> Result<(), Failure> {
        let standby = 1 - self.primary;
        self.servers[standby].kill();
        self.servers[standby].copy_of(&self.servers[self.primary])?;
        self.servers[standby].start()?;
        self.rejoin()
    }

    /// Waits for the standby, then makes commits wait for it too, and waits until it has all that was committed before.
    fn rejoin(&mut self) -> Result<(), Failure> {
        let wanted = if self.synchronous { "*" } else { "" };
        self.wait("the standby streams", "SELECT count(*) > 0 FROM pg_stat_replication WHERE state = 'streaming'")?;
        self.primary().set("synchronous_standby_names", wanted)?;
        let state = if self.synchronous { "sync" } else { "async" };
        // What was committed while nobody waited for the standby must be there as well before the next fault.
        let now = self.primary().sql("postgres", "SELECT pg_current_wal_lsn()")?;
        let caught_up = format!(
            "SELECT count(*) > 0 FROM pg_stat_replication WHERE sync_state = '{state}' AND state = 'streaming' AND flush_lsn >= '{now}'"
        );
        self.wait("the standby is in step", &caught_up)
    }

    fn wait(&self, what: &str, question: &str) -> Result<(), Failure> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.primary().sql("postgres", question);
            if answer.as_deref() == Ok("t") {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("{what}: not after {PATIENCE:?}: {answer:?}"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The primary is killed with all its processes, so that it is fenced.
    pub fn kill_primary(&mut self) {
        self.servers[self.primary].kill();
    }

    /// The standby becomes the primary. Commits wait for nobody until [`Cluster::rebuild_standby`], unless `wait`.
    pub fn promote(&mut self, wait: bool) -> Result<(), Failure> {
        self.primary = 1 - self.primary;
        self.failovers += 1;
        self.primary().sql("postgres", "SELECT pg_promote(true, 60)")?;
        let names = if wait && self.synchronous { "*" } else { "" };
        self.primary().set("synchronous_standby_names", names)
    }

    /// The primary stops at once and starts again from its log.
    pub fn restart_primary(&mut self) -> Result<(), Failure> {
        let primary = &mut self.servers[self.primary];
        primary.stop("QUIT")?;
        primary.start()
    }

    pub fn stop_standby(&mut self) -> Result<(), Failure> {
        self.servers[1 - self.primary].stop("INT")
    }

    /// Starts a standby that may not find its primary.
    pub fn start_standby(&mut self) -> Result<(), Failure> {
        self.servers[1 - self.primary].start()
    }

    /// Starts the standby and waits until it is in step.
    pub fn bring_back_standby(&mut self) -> Result<(), Failure> {
        self.start_standby()?;
        self.rejoin()
    }

    /// Ends the sessions of some backends of the service; how many.
    pub fn terminate_backends(&self, most: i64) -> Result<usize, Failure> {
        let statement = format!(
            "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity WHERE usename = '{NAME}' AND \
             backend_type = 'client backend' ORDER BY random() LIMIT {most}) AS chosen"
        );
        let count = self.primary().sql("postgres", &statement)?;
        count.parse().map_err(|_| format!("pg_terminate_backend: {count}"))
    }

    /// How many sessions wait for the standby with a commit that is already on this server's disk.
    pub fn waiting_commits(&self) -> Result<usize, Failure> {
        let statement =
            format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{NAME}' AND wait_event = 'SyncRep'");
        let count = self.primary().sql("postgres", &statement)?;
        count.parse().map_err(|_| format!("waiting commits: {count}"))
    }

    /// SIGKILL to one backend of the service: the server then ends all others and recovers.
    pub fn kill_backend(&self, dice: &mut Dice) -> Result<(), Failure> {
        let statement = format!(
            "SELECT pid FROM pg_stat_activity WHERE usename = '{NAME}' AND backend_type = 'client backend' ORDER BY pid"
        );
        let listed = self.primary().sql("postgres", &statement)?;
        let pids: Vec<u32> = listed.lines().filter_map(|line| line.trim().parse().ok()).collect();
        if !pids.is_empty() {
            signal("KILL", &[dice.pick(&pids)]);
        }
        Ok(())
    }

    /// Waits until the primary takes connections, as after a recovery of its own.
    pub fn wait_for_primary(&self) -> Result<(), Failure> {
        self.wait("the primary is back", "SELECT NOT pg_is_in_recovery()")
    }

    /// Waits until the standby has come back by itself.
    pub fn wait_for_standby(&self) -> Result<(), Failure> {
        let state = if self.synchronous { "sync" } else { "async" };
        let question = format!(
            "SELECT count(*) > 0 FROM pg_stat_replication WHERE sync_state = '{state}' AND state = 'streaming'"
        );
        self.wait("the standby follows again", &question)
    }

    /// Whether the other server runs, as it does not after a failover.
    pub fn has_standby(&mut self) -> bool {
        self.servers[1 - self.primary].is_running()
    }

    pub fn pause_primary(&self) -> Vec<u32> {
        let processes = self.primary().processes();
        signal("STOP", &processes);
        processes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the role of the service reads and writes, as itself.
    fn cluster(synchronous: bool) -> (tempfile::TempDir, Cluster) {
        let home = tempfile::tempdir().expect("a directory");
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).expect("others may pass");
        let tools = Tools::find("a password of this test".to_owned()).expect("PostgreSQL is installed");
        let ports = crate::process::free_ports(&mut Dice::new(u64::from(std::process::id())), 2).expect("free ports");
        let cluster = Cluster::start(&tools, &home.path().join("postgres"), [ports[0], ports[1]], false, synchronous);
        (home, cluster.expect("a cluster"))
    }

    fn count(cluster: &Cluster) -> String {
        cluster.primary().sql(NAME, "SELECT count(*) FROM kept").expect("the table is there")
    }

    fn keep(cluster: &Cluster, number: u64) {
        cluster.primary().sql(NAME, &format!("INSERT INTO kept VALUES ({number})")).expect("a row");
    }

    #[test]
    fn a_failover_keeps_what_was_committed_and_an_asynchronous_one_loses_it() {
        let (_home, mut cluster) = cluster(true);
        cluster.primary().sql(NAME, "CREATE TABLE kept (number BIGINT PRIMARY KEY)").expect("a table");
        for number in 0..3 {
            keep(&cluster, number);
            cluster.kill_primary();
            cluster.promote(false).expect("a new primary");
            cluster.rebuild_standby().expect("a new standby");
        }
        assert_eq!((count(&cluster).as_str(), cluster.failovers), ("3", 3));
        cluster.restart_primary().expect("it starts again");
        cluster.wait_for_standby().expect("it follows again");

        // The same without waiting for the standby, as sabotage does it.
        cluster.primary().set("synchronous_standby_names", "").expect("a setting");
        cluster.stop_standby().expect("it stops");
        keep(&cluster, 3);
        cluster.kill_primary();
        cluster.start_standby().expect("it starts");
        cluster.promote(false).expect("a new primary");
        assert_eq!(count(&cluster), "3");
    }
}
