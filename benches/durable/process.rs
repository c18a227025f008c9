//! Child processes: started, waited for, measured, and ended with this one.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::load::Failure;

/// How long a service may take to start.
const PATIENCE: Duration = Duration::from_secs(120);

/// What must end, and go, when this process is told to stop.
static RUNNING: Mutex<(Vec<u32>, Vec<PathBuf>)> = Mutex::new((Vec::new(), Vec::new()));

/// A child process; it is ended when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: &'static str,
    log: PathBuf,
}

impl Process {
    /// Starts it; what it says goes into a file of that directory.
    pub fn start(name: &'static str, mut command: Command, directory: &Path) -> Result<Self, Failure> {
        let log = directory.join(format!("{name}.log"));
        let failed = |error: std::io::Error| format!("{name}: {error}");
        let file = File::create(&log).map_err(failed)?;
        let also = file.try_clone().map_err(failed)?;
        let child = command.stdin(Stdio::null()).stdout(file).stderr(also).spawn().map_err(failed)?;
        running().0.push(child.id());
        Ok(Self { child, name, log })
    }

    /// Waits until `find` finds something in what it said.
    pub fn until<T>(&mut self, find: impl Fn(&str) -> Option<T>) -> Result<T, Failure> {
        let name = self.name;
        let started = Instant::now();
        loop {
            // Only whole lines.
            let said = fs::read_to_string(&self.log).unwrap_or_default();
            let whole = said.rfind('\n').map_or("", |end| &said[..end]);
            if let Some(found) = find(whole) {
                return Ok(found);
            }
            let ended = self.child.try_wait().map_err(|error| format!("{name}: {error}"))?;
            if let Some(status) = ended {
                return Err(format!("{name} ended with {status}: {}", last_lines(&said, 8)));
            }
            if started.elapsed() > PATIENCE {
                return Err(format!("{name} does not start: {}", last_lines(&said, 8)));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until somebody listens there.
    pub fn until_it_listens(&mut self, address: SocketAddr) -> Result<(), Failure> {
        self.until(|_| TcpStream::connect(address).ok().map(drop))
    }

    /// Memory of the process and its children, in bytes.
    pub fn memory(&self) -> Memory {
        let mut sum = Memory::default();
        for process in family(self.child.id()) {
            let own = memory_of(process);
            sum = Memory { now: sum.now + own.now, peak: sum.peak + own.peak };
        }
        sum
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        terminate(&[self.child.id()]);
        let asked = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if asked.elapsed() > PATIENCE {
                let _it_may_be_gone = self.child.kill();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let own = self.child.id();
        running().0.retain(|process| *process != own);
    }
}

/// A directory of its own on the disk that is measured; gone when it is dropped.
pub fn directory(parent: &Path) -> Result<tempfile::TempDir, Failure> {
    let made = tempfile::Builder::new().prefix("bench-").tempdir_in(parent);
    let directory = made.map_err(|error| format!("{}: {error}", parent.display()))?;
    let mut running = running();
    running.1.retain(|path| path.exists());
    running.1.push(directory.path().to_owned());
    Ok(directory)
}

/// Ends the children and removes the directories when this process is told to stop.
pub fn end_when_told() {
    std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let mut terminate = signal(SignalKind::terminate()).expect("signals can be heard");
            let mut interrupt = signal(SignalKind::interrupt()).expect("signals can be heard");
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        });
        let running = running();
        self::terminate(&running.0);
        for directory in &running.1 {
            let _left_for_the_system = fs::remove_dir_all(directory);
        }
        eprintln!("stopped");
        std::process::exit(130);
    });
}

fn running() -> std::sync::MutexGuard<'static, (Vec<u32>, Vec<PathBuf>)> {
    RUNNING.lock().expect("nobody panics while noting a process")
}

fn terminate(processes: &[u32]) {
    let mut command = Command::new("kill");
    command.arg("-TERM").args(processes.iter().map(u32::to_string));
    let _some_may_be_gone = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
}

/// Resident memory, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    pub now: u64,
    pub peak: u64,
}

fn memory_of(process: u32) -> Memory {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let kilobytes = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or_default()
    };
    Memory { now: kilobytes("VmRSS:") * 1024, peak: kilobytes("VmHWM:") * 1024 }
}

/// A process, its children, and theirs.
fn family(process: u32) -> Vec<u32> {
    let mut found = vec![process];
    let tasks = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    for task in tasks {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(children.split_whitespace().filter_map(|child| child.parse().ok()).flat_map(family));
    }
    found
}

/// A port that nobody has now, for those who cannot say which they were given.
pub fn free_port() -> Result<SocketAddr, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.map_err(|error| format!("no free port: {error}"))
}

/// The last lines of a text.
pub fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}
