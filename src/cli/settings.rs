//! `croupier settings`: says everything that is wrong with the settings, or shows those in force.

use std::path::Path;

use clap::Subcommand;
use serde_json::{Value, json};

use super::{Failure, Outcome};
use crate::settings::{Problem, Settings, Severity};

/// Arguments of `croupier settings`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Say everything that is wrong with the settings, with key and reason. Exit code 2 when the service would not start.
    Check {
        /// One JSON document on stdout.
        #[arg(long)]
        json: bool,
    },
    /// Show the settings in force, from file, environment and defaults, with secrets masked.
    Print {
        /// One JSON document on stdout.
        #[arg(long)]
        json: bool,
    },
}

/// Runs `croupier settings`.
///
/// # Errors
///
/// `WrongUse` when the settings hold an error: warnings alone are none.
pub fn run(args: Args, settings: &Path) -> Outcome {
    match args.action {
        Action::Check { json } => check(settings, json),
        Action::Print { json } => print(settings, json),
    }
}

fn check(file: &Path, json: bool) -> Outcome {
    let (ok, problems) = match Settings::load_with_warnings(file) {
        Ok((_, warnings)) => (true, warnings),
        Err(problems) => (false, problems),
    };
    if json {
        println!("{}", report(ok, &problems));
    } else {
        problems.iter().for_each(|problem| println!("{}", line(problem)));
    }
    match (ok, json) {
        (true, false) => println!("{}: in order", file.display()),
        (true, true) => {}
        (false, _) => return Err(Failure::WrongUse(String::new())),
    }
    Ok(())
}

fn print(file: &Path, json: bool) -> Outcome {
    let settings = Settings::load(file).map_err(|problems| refusal(&problems))?;
    if json {
        println!("{}", settings.masked());
    } else {
        println!("{}", settings.masked_toml());
    }
    Ok(())
}

/// What a command that needs settings says when they are wrong: one line for each error. Warnings are for `settings check`.
pub fn refusal(problems: &[Problem]) -> Failure {
    let errors: Vec<_> = problems.iter().filter(|problem| problem.is_error()).map(line).collect();
    Failure::WrongUse(format!("the settings are wrong\n{}", errors.join("\n")))
}

fn word(problem: &Problem) -> &'static str {
    match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn line(problem: &Problem) -> String {
    format!("{:<7}  {problem}", word(problem))
}

fn report(ok: bool, problems: &[Problem]) -> Value {
    let list = problems.iter().map(|p| json!({ "severity": word(p), "key": p.key, "reason": p.reason }));
    json!({ "ok": ok, "problems": list.collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn settings_that_would_not_start_end_with_exit_code_2() {
        for text in ["[server", "nonsense = 1", "[database]\nurl = \"mysql://u:hunter2@h/d\""] {
            let file = file(text);
            assert!(matches!(check(file.path(), true), Err(Failure::WrongUse(_))), "{text}");
            assert!(matches!(print(file.path(), false), Err(Failure::WrongUse(said)) if !said.contains("hunter2")));
        }
        assert!(matches!(check(Path::new("no/such/file.toml"), false), Err(Failure::WrongUse(_))));
    }

    #[test]
    fn warnings_alone_end_with_exit_code_0() {
        let file = file("[wallet]\napi_keys = { game_server = \"short\" }");

        assert!(check(file.path(), false).is_ok());
        assert!(check(file.path(), true).is_ok());
        assert!(print(file.path(), true).is_ok());
    }

    #[test]
    fn a_report_names_severity_key_and_reason() {
        let problems = Settings::from_text("x = 1").unwrap_err();

        let report = report(false, &problems);

        let first = &report["problems"][0];
        assert_eq!((&first["severity"], &first["key"]), (&json!("error"), &json!("x")));
        assert!(first["reason"].as_str().is_some_and(|reason| reason.starts_with("unknown key")));
    }
}
