//! The program itself, as a shell would run it.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Standard output as one JSON document.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("not one JSON document: {self:?}"))
    }
}

fn command(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_croupier"));
    command.args(arguments).current_dir(directory).env_clear();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a command to its end in a directory, with nothing in the environment.
pub fn run(directory: &Path, arguments: &[&str], input: &str) -> Ran {
    let mut child = command(directory, arguments).spawn().expect("the program starts");
    // A program that does not read its input may be gone already.
    let _it_may_not_listen = child.stdin.take().expect("an input").write_all(input.as_bytes());
    let (id, (ended, end)) = (child.id(), std::sync::mpsc::channel());
    std::thread::spawn(move || ended.send(child.wait_with_output()));
    let Ok(output) = end.recv_timeout(super::app::PATIENCE) else {
        let _it_may_have_ended = Command::new("kill").args(["-9", &id.to_string()]).status();
        panic!("{arguments:?} did not end");
    };
    let output = output.expect("the program ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Ran { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

/// A running `croupier serve`; killed when the test ends.
pub struct Serving {
    child: Killed,
    /// Base address of the public listener.
    pub public: String,
    /// Base address of the private listener.
    pub private: String,
    /// What it said before it was up.
    pub said: String,
}

impl Serving {
    /// Starts the service with the settings of a directory and waits until it says where it listens.
    pub fn start(directory: &Path) -> Self {
        let mut child = Killed(command(directory, &["serve"]).spawn().expect("the program starts"));
        let mut said = String::new();
        let mut lines = BufReader::new(child.0.stderr.take().expect("its log"));
        loop {
            let mut line = String::new();
            let read = lines.read_line(&mut line).expect("its log");
            assert!(read > 0, "the service ended: {said}");
            said.push_str(&line);
            if let Some((_, addresses)) = line.split_once("public on ") {
                let mut parts = addresses.trim().split(", private on ").map(str::to_owned);
                let (public, private) = (parts.next().expect("an address"), parts.next().expect("an address"));
                // Whoever does not read the log would stop the service when the pipe is full.
                std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
                return Self { child, public, private, said };
            }
        }
    }

    /// Asks it to stop, and gives its exit code.
    pub fn stop(mut self) -> i32 {
        let asked = Command::new("kill").arg(self.child.0.id().to_string()).status().expect("kill");
        assert!(asked.success());
        self.child.0.wait().expect("it ends").code().unwrap_or(-1)
    }
}

/// A process that does not outlive its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _it_may_have_ended = self.0.kill();
        let _either_way = self.0.wait();
    }
}
