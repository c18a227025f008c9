//! What the figures were taken on: cores, disk, versions, and what it costs to wait for the disk.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use crate::load::Failure;

/// What the kernel keeps in memory: nothing there is durable.
const NOT_A_DISK: [&str; 4] = ["tmpfs", "ramfs", "devtmpfs", "hugetlbfs"];

/// How often the disk is waited for when its cost is measured.
const SYNCS: usize = 300;

/// The machine and what runs on it.
#[derive(Debug)]
pub struct Machine {
    cores: usize,
    cpu: String,
    load: String,
    filesystem: String,
    device: String,
    sync_p50_micros: u128,
    sync_p99_micros: u128,
    /// Names and versions of programs.
    pub versions: Vec<(&'static str, String)>,
    /// What is not measured, and why.
    pub skipped: Vec<String>,
}

impl Machine {
    /// Looks, and measures the disk.
    ///
    /// # Errors
    ///
    /// The directory is not on a disk.
    pub fn look(directory: &Path) -> Result<Self, Failure> {
        let (device, filesystem) = mount_of(directory)?;
        if NOT_A_DISK.contains(&filesystem.as_str()) {
            return Err(format!("{} is on {filesystem}, in memory: give --dir on a disk", directory.display()));
        }
        let mut syncs = syncs(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
        syncs.sort_unstable();
        let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpus.lines().find(|line| line.starts_with("model name"));
        let cpu = model.and_then(|line| line.split_once(": ")).map_or("unknown", |(_, name)| name).to_owned();
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Ok(Self {
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            cpu,
            load: load.split(' ').next().unwrap_or_default().to_owned(),
            filesystem,
            device,
            sync_p50_micros: syncs[syncs.len() / 2],
            sync_p99_micros: syncs[syncs.len() * 99 / 100],
            versions: vec![("SQLite", sqlite_version())],
            skipped: Vec::new(),
        })
    }

    /// Says it in a few lines.
    pub fn shown(&self) -> String {
        let versions: Vec<String> = self.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
        let mut text = format!(
            "{} cores ({}), load {} at the start; {} on {}; write and sync of 4 KiB: {} µs, p99 {} µs\n{}",
            self.cores,
            self.cpu,
            self.load,
            self.filesystem,
            self.device,
            self.sync_p50_micros,
            self.sync_p99_micros,
            versions.join(", "),
        );
        for skipped in &self.skipped {
            text.push_str(&format!("\nnot measured: {skipped}"));
        }
        text
    }

    pub fn to_json(&self) -> Value {
        let versions: serde_json::Map<String, Value> =
            self.versions.iter().map(|(name, version)| ((*name).to_owned(), json!(version))).collect();
        json!({"cores": self.cores, "cpu": self.cpu, "load": self.load, "filesystem": self.filesystem,
            "sync_p50_micros": self.sync_p50_micros.to_string(), "sync_p99_micros": self.sync_p99_micros.to_string(),
            "versions": versions, "skipped": self.skipped})
    }
}

/// What a program says about its version; nothing when it is not there.
pub fn version_of(program: &Path, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().trim_start_matches('v').to_owned();
    output.status.success().then_some(text)
}

fn sqlite_version() -> String {
    libsqlite3_sys::SQLITE_VERSION.to_string_lossy().into_owned()
}

/// The device and the file system of the longest mount point that the directory is under.
pub fn mount_of(directory: &Path) -> Result<(String, String), Failure> {
    let directory = directory.canonicalize().map_err(|error| format!("{}: {error}", directory.display()))?;
    let mounts = fs::read_to_string("/proc/self/mounts").map_err(|error| format!("/proc/self/mounts: {error}"))?;
    let mut best: Option<(usize, String, String)> = None;
    for line in mounts.lines() {
        let mut words = line.split(' ');
        let (Some(device), Some(point), Some(kind)) = (words.next(), words.next(), words.next()) else { continue };
        // A later mount on the same point hides the earlier one.
        if directory.starts_with(point) && best.as_ref().is_none_or(|(length, ..)| point.len() >= *length) {
            best = Some((point.len(), device.to_owned(), kind.to_owned()));
        }
    }
    best.map(|(_, device, kind)| (device, kind)).ok_or_else(|| format!("{} is nowhere", directory.display()))
}

/// Appends and waits for the disk, as a commit does.
fn syncs(directory: &Path) -> std::io::Result<Vec<u128>> {
    let path = directory.join("sync-cost");
    let mut file = File::create(&path)?;
    let mut micros = Vec::new();
    for _ in 0..SYNCS {
        let started = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        micros.push(started.elapsed().as_micros());
    }
    fs::remove_file(path)?;
    Ok(micros)
}
