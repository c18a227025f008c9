//! Processes of this machine: signals to them, ports for them.

use std::net::TcpListener;
use std::process::{Command, Stdio};

use croupier::simulate::faults::Dice;

use crate::options::Failure;

/// Sends a signal by its name (`KILL`, `STOP`, `CONT`, `QUIT`, `INT`). A process that is gone already is no failure.
pub fn signal(name: &str, processes: &[u32]) {
    let mut command = Command::new("kill");
    command.arg(format!("-{name}")).args(processes.iter().map(u32::to_string));
    let _some_may_be_gone = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
}

/// Ports that nobody has now and that the system does not give to outgoing connections, so that they are free again after a restart.
pub fn free_ports(dice: &mut Dice, count: usize) -> Result<Vec<u16>, Failure> {
    let mut found: Vec<(u16, TcpListener)> = Vec::new();
    for _ in 0..count * 100 {
        if found.len() == count {
            break;
        }
        let port = u16::try_from(dice.between(20_000, 31_000)).unwrap_or(20_000);
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) {
            found.push((port, listener));
        }
    }
    if found.len() < count {
        return Err("there are no free ports between 20000 and 31000".to_owned());
    }
    Ok(found.into_iter().map(|(port, _)| port).collect())
}

/// The last lines of a text.
pub fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}
