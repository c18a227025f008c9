//! Where PostgreSQL's programs are on this machine, and as whom they run.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::options::Failure;

/// The superuser of the private cluster.
pub const ADMIN: &str = "postgres";

/// The programs, and the user they run as: PostgreSQL refuses to run as root.
#[derive(Debug, Clone)]
pub struct Tools {
    folder: PathBuf,
    user: Option<(u32, u32)>,
    password: String,
}

impl Tools {
    /// Looks in `PATH`, asks `pg_config`, and looks where Debian puts them, the newest first.
    pub fn find(password: String) -> Result<Self, Failure> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
        folders.extend(told_by_pg_config());
        folders.extend(of_debian());
        let has_all =
            |folder: &PathBuf| ["postgres", "initdb", "pg_basebackup"].iter().all(|name| folder.join(name).exists());
        let folder = folders.into_iter().find(has_all);
        let advice = "no PostgreSQL server programs (postgres, initdb, pg_basebackup): install postgresql, 15 or newer";
        let user = if id(&["-u"])? == 0 { Some(somebody_else()?) } else { None };
        Ok(Self { folder: folder.ok_or(advice)?, user, password })
    }

    /// The password of the private cluster's users.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// One of the programs, to be run as the right user and without reading anybody's settings.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.folder.join(program));
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        for name in ["PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGSERVICE", "PGOPTIONS", "PGDATA"] {
            command.env_remove(name);
        }
        command.env("PGPASSWORD", &self.password).env("PGPASSFILE", "/dev/null").env("LC_ALL", "C");
        command.current_dir("/").stdin(Stdio::null());
        command
    }

    /// Runs a program to its end.
    pub fn run(&self, program: &str, args: &[&str]) -> Result<String, Failure> {
        let output = self.command(program).args(args).output().map_err(|error| format!("{program}: {error}"))?;
        said(program, &output)
    }

    /// Gives a directory to the user of the servers.
    pub fn hand_over(&self, directory: &Path) -> Result<(), Failure> {
        let Some((user, group)) = self.user else { return Ok(()) };
        chown(directory, Some(user), Some(group)).map_err(|error| format!("{}: {error}", directory.display()))
    }

    /// One statement as the superuser; its rows without decoration.
    pub fn sql(&self, port: u16, database: &str, statement: &str) -> Result<String, Failure> {
        let port = port.to_string();
        let args = [
            "-X",
            "-A",
            "-t",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-U",
            ADMIN,
            "-d",
            database,
        ];
        let mut command = self.command("psql");
        // A server that is stopped must not stop the campaign.
        command.args(args).args(["-c", statement]).env("PGCONNECT_TIMEOUT", "3");
        let output = command.output().map_err(|error| format!("psql: {error}"))?;
        said("psql", &output).map(|text| text.trim().to_owned())
    }
}

fn said(program: &str, output: &Output) -> Result<String, Failure> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

fn told_by_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

fn of_debian() -> Vec<PathBuf> {
    let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") else { return Vec::new() };
    let number = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()).unwrap_or(0);
    let mut versions: Vec<PathBuf> = versions.flatten().map(|entry| entry.path()).collect();
    versions.sort_by_key(number);
    versions.into_iter().rev().map(|version| version.join("bin")).collect()
}

/// The user and group of somebody who is not root.
fn somebody_else() -> Result<(u32, u32), Failure> {
    for name in ["postgres", "nobody"] {
        if let (Ok(user), Ok(group)) = (id(&["-u", name]), id(&["-g", name])) {
            return Ok((user, group));
        }
    }
    Err("there is neither a user postgres nor a user nobody to run PostgreSQL as".to_owned())
}

fn id(args: &[&str]) -> Result<u32, Failure> {
    let output = Command::new("id").args(args).stdin(Stdio::null()).output().map_err(|error| format!("id: {error}"))?;
    let text = said("id", &output)?;
    text.trim().parse().map_err(|_| format!("id {} says {text}", args.join(" ")))
}
