//! The product as processes of its own: this very program, started as `croupier`.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Failure;

/// Says to a process that it is croupier.
pub const IS_CROUPIER: &str = "GROW_IS_CROUPIER";

/// How often a process is looked at while it works.
const LOOK: Duration = Duration::from_millis(20);

/// Writes the settings as only their owner may read them.
pub fn write_settings(directory: &Path, text: &str) -> Result<(), Failure> {
    let file = directory.join("Settings.toml");
    let written = std::fs::write(&file, text)
        .and_then(|()| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)));
    written.map_err(|error| format!("{}: {error}", file.display()))
}

fn croupier(directory: &Path, arguments: &[&str]) -> Result<Command, Failure> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(this);
    command.args(arguments).current_dir(directory).env_clear().env(IS_CROUPIER, "1");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    Ok(command)
}

/// Runs a command to its end. Returns how long it took, and the most memory that it had, in KiB.
pub fn run(directory: &Path, arguments: &[&str]) -> Result<(Duration, u64), Failure> {
    let began = Instant::now();
    let mut child = croupier(directory, arguments)?.stderr(Stdio::null()).spawn().map_err(|error| error.to_string())?;
    let mut most = 0;
    loop {
        most = memory(child.id(), "VmHWM").unwrap_or(most).max(most);
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            let took = began.elapsed();
            return if status.success() { Ok((took, most)) } else { Err(format!("{arguments:?}: {status}")) };
        }
        std::thread::sleep(LOOK);
    }
}

/// A running service; killed when it is dropped.
pub struct Service {
    child: Child,
    pub public: SocketAddr,
    pub private: SocketAddr,
    /// From the start of the process to the first yes of `/readyz`.
    pub ready: Duration,
}

impl Service {
    pub fn start(directory: &Path) -> Result<Self, Failure> {
        let began = Instant::now();
        let mut child = croupier(directory, &["serve"])?.spawn().map_err(|error| error.to_string())?;
        let mut lines = BufReader::new(child.stderr.take().ok_or("the service has no log")?);
        let mut said = String::new();
        let (public, private) = loop {
            let mut line = String::new();
            if lines.read_line(&mut line).map_err(|error| error.to_string())? == 0 {
                return Err(format!("the service ended: {said}"));
            }
            said += &line;
            if let Some((_, addresses)) = line.split_once("public on http://") {
                let (public, private) = addresses.trim().split_once(", private on http://").ok_or("no addresses")?;
                let parse = |text: &str| text.parse::<SocketAddr>().map_err(|error| format!("{text}: {error}"));
                break (parse(public)?, parse(private)?);
            }
        };
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        let mut service = Self { child, public, private, ready: Duration::ZERO };
        while !service.says_yes("/readyz")? {
            if began.elapsed() > Duration::from_secs(600) {
                return Err("the service does not become ready".into());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        service.ready = began.elapsed();
        Ok(service)
    }

    fn says_yes(&self, path: &str) -> Result<bool, Failure> {
        Ok(self.get(path)?.starts_with("HTTP/1.1 200"))
    }

    /// The answer to a GET at the private listener.
    pub fn get(&self, path: &str) -> Result<String, Failure> {
        use std::io::{Read, Write};
        let asked = || -> std::io::Result<String> {
            let mut stream = std::net::TcpStream::connect(self.private)?;
            write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.private)?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        asked().map_err(|error| format!("{path}: {error}"))
    }

    /// Memory in KiB: `VmRSS` now, `VmHWM` at most so far.
    pub fn memory(&self, which: &str) -> u64 {
        memory(self.child.id(), which).unwrap_or(0)
    }

    /// Asks it to stop in order, and waits for it.
    pub fn stop(mut self) -> Result<(), Failure> {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        asked.map_err(|error| format!("kill: {error}"))?;
        let status = self.child.wait().map_err(|error| error.to_string())?;
        if status.success() { Ok(()) } else { Err(format!("the service ended with {status}")) }
    }

    /// Ends it at once.
    pub fn kill(mut self) -> Result<(), Failure> {
        self.child.kill().and_then(|()| self.child.wait()).map(|_| ()).map_err(|error| error.to_string())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _it_may_have_ended = self.child.kill();
        let _either_way = self.child.wait();
    }
}

fn memory(id: u32, which: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(which))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
