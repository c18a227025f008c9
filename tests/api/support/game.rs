//! The example game server as a process: started, watched through its journal, killed, started again.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// What it is started with.
#[derive(Debug, Clone)]
pub struct Setup {
    pub wallet: String,
    pub key: String,
    pub players: u64,
    pub rounds: u64,
    pub seed: u64,
    pub journal: PathBuf,
}

/// A running game server; killed when the test ends.
pub struct Game {
    child: Option<Child>,
}

/// The compiled example. Cargo builds it with the tests, beside the folder of the test binary.
fn program() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it is");
    let target = test.parent().and_then(Path::parent).expect("target/debug/deps has a parent");
    let program = target.join("examples").join("game_server");
    let changed = |path: &Path| std::fs::metadata(path).and_then(|about| about.modified()).ok();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join("game_server.rs");
    // A whole `cargo test` builds the examples; `cargo test --test api` does not.
    let advice = "run cargo build --example game_server";
    assert!(program.exists(), "{} is not there: {advice}", program.display());
    assert!(changed(&program) >= changed(&source), "{} is older than its source: {advice}", program.display());
    program
}

impl Game {
    pub fn start(setup: &Setup) -> Self {
        let Setup { wallet, key, players, rounds, seed, journal } = setup;
        let mut command = Command::new(program());
        command.args(["--wallet", wallet, "--key", key, "--site-id", "332"]);
        for (name, number) in [("--players", players), ("--rounds", rounds), ("--seed", seed)] {
            command.arg(name).arg(number.to_string());
        }
        command.arg("--journal").arg(journal).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { child: Some(command.spawn().expect("the example can be started")) }
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        let child = self.child.as_mut().expect("it was not killed");
        child.try_wait().expect("a child can be asked").is_some()
    }

    /// SIGKILL. Returns whether it hit a living process.
    pub fn kill(mut self) -> bool {
        let alive = !self.has_ended();
        let mut child = self.child.take().expect("it was not killed");
        child.kill().expect("a child can be killed");
        child.wait().expect("a killed child ends");
        alive
    }

    /// Waits for its end: the line it prints.
    pub fn finish(mut self) -> Value {
        let child = self.child.take().expect("it was not killed");
        let output = child.wait_with_output().expect("it ends");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let summary: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("no line of JSON: {out}{err}"));
        assert_eq!(output.status.success(), summary["ok"] == true, "exit code and line agree: {out}{err}");
        summary
    }
}

impl Drop for Game {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _it_may_have_ended = child.kill();
            let _either_way = child.wait();
        }
    }
}
