//! The files of one service, and croupier run on them.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use crate::options::Failure;

/// Set for the processes of this program that are croupier.
pub const IS_CROUPIER: &str = "CAMPAIGN_IS_CROUPIER";

/// A directory with settings, a log, and whatever else the service keeps there.
#[derive(Debug)]
pub struct Program {
    home: PathBuf,
}

impl Program {
    /// Writes the settings.
    pub fn new(home: PathBuf, settings: &str) -> Result<Self, Failure> {
        let written = fs::create_dir_all(&home)
            .and_then(|()| fs::write(home.join("Settings.toml"), settings))
            .and_then(|()| fs::set_permissions(home.join("Settings.toml"), fs::Permissions::from_mode(0o600)));
        written.map_err(|error| format!("{}: {error}", home.display()))?;
        Ok(Self { home })
    }

    fn command(&self) -> Result<Command, Failure> {
        // A test knows where the binary is; the example is croupier too, so that it is never older than what tests it.
        let program = match option_env!("CARGO_BIN_EXE_croupier") {
            Some(program) => PathBuf::from(program),
            None => std::env::current_exe().map_err(|error| format!("this program: {error}"))?,
        };
        let mut command = Command::new(program);
        command.env(IS_CROUPIER, "1").current_dir(&self.home).stdin(Stdio::null());
        Ok(command)
    }

    /// Starts the service; what it logs is added to its log file.
    pub fn serve(&self) -> Result<Child, Failure> {
        let log = File::options().create(true).append(true).open(self.log_file());
        let log = log.map_err(|error| format!("{}: {error}", self.log_file().display()))?;
        let mut command = self.command()?;
        command.args(["serve", "--settings", "Settings.toml"]).stdout(Stdio::null()).stderr(log);
        command.spawn().map_err(|error| format!("croupier: {error}"))
    }

    /// Runs another command of croupier with the same settings.
    pub fn cli(&self, args: &[&str]) -> Result<Output, Failure> {
        let mut command = self.command()?;
        command.args(args).args(["--settings", "Settings.toml"]);
        command.output().map_err(|error| format!("croupier {}: {error}", args.join(" ")))
    }

    /// Adds a member of staff who may do everything; their token.
    pub fn staff_token(&self, name: &str) -> Result<String, Failure> {
        let said = |output: Output| {
            let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            if output.status.success() { Ok(text) } else { Err(format!("croupier staff: {error}")) }
        };
        said(self.cli(&["staff", "add", name, "--role", "admin"])?)?;
        said(self.cli(&["staff", "token", name])?)
    }

    /// What does not hold, as `ledger verify` says it.
    pub fn verify(&self) -> Option<String> {
        match self.cli(&["ledger", "verify", "--json"]) {
            Ok(output) => match serde_json::from_slice::<serde_json::Value>(&output.stdout) {
                Ok(report) if report["ok"] == true => None,
                Ok(report) => Some(format!("ledger verify: {}", report["problems"])),
                Err(_) => Some(format!("ledger verify: {}", String::from_utf8_lossy(&output.stderr))),
            },
            Err(failure) => Some(failure),
        }
    }

    /// Everything its processes have logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.home.join("croupier.log")
    }
}
