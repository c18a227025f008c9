//! `croupier staff`: accounts of the back office. Runs beside a service; every change acts at once and is in the audit.

use std::io::{IsTerminal, Read};
use std::path::Path;

use clap::Subcommand;
use serde_json::json;

use super::{Failure, Outcome};
use crate::clock;
use crate::db::migrate::{self, Policy};
use crate::db::{self, DbConn, WriteTx};
use crate::error::Error;
use crate::marks;
use crate::secret::Secret;
use crate::settings::Settings;
use crate::staff::accounts::{self, Account};
use crate::staff::passwords::{self, Hashed};
use crate::staff::{CLI, Role, audit};

/// Accounts of the back office.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make an account. The password is read from stdin; when stdin is empty one is made and printed once.
    Add {
        /// 1 to 64 letters, digits and `. _ @ -`.
        name: String,
        /// viewer, operator, approver or admin.
        #[arg(long, value_parser = role)]
        role: Role,
    },
    /// Print a new bearer token for the back-office API. It cannot be shown again.
    Token {
        /// Whose.
        name: String,
    },
    /// Give an account another role.
    Role {
        /// Whose.
        name: String,
        /// viewer, operator, approver or admin.
        #[arg(value_parser = role)]
        role: Role,
    },
    /// End an account for good, with its tokens and sessions.
    Disable {
        /// Whose.
        name: String,
    },
    /// List all accounts.
    List {
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
}

fn role(name: &str) -> Result<Role, String> {
    Role::parse(name).ok_or_else(|| {
        let names: Vec<_> = Role::all().map(Role::name).collect();
        format!("must be one of {}", names.join(", "))
    })
}

/// Runs the command.
///
/// # Errors
///
/// 1 for an unknown name and for what the accounts do not allow, 2 for wrong use and wrong settings.
pub fn run(args: Args, settings: &Path) -> Outcome {
    let mut conn = open(settings, &args.command)?;
    match args.command {
        Command::Add { name, role } => add(&mut conn, &name, role),
        Command::Token { name } => {
            let token = write(&mut conn, |tx| accounts::issue_token(tx, CLI, &name, clock::now()))?;
            println!("{}", token.expose());
            Ok(())
        }
        Command::Role { name, role } => {
            write(&mut conn, |tx| accounts::set_role(tx, CLI, &name, role, clock::now()))?;
            println!("{name} is now {}", role.name());
            Ok(())
        }
        Command::Disable { name } => {
            write(&mut conn, |tx| accounts::disable(tx, CLI, &name, clock::now()))?;
            println!("{name} is disabled; tokens and sessions are ended");
            Ok(())
        }
        Command::List { json } => {
            let list = accounts::list(&mut conn).map_err(failure)?;
            println!("{}", if json { as_json(&list) } else { as_table(&list) });
            Ok(())
        }
    }
}

fn add(conn: &mut DbConn, name: &str, role: Role) -> Outcome {
    let given = read_password()?;
    let generated = given.is_none();
    let password = given.map_or_else(passwords::generate, Ok).map_err(failure)?;
    let hashed = Hashed::new(&password).map_err(|error| match error {
        Error::Invalid(_) => Failure::WrongUse(format!(
            "the password must have {} to {} characters",
            passwords::SHORTEST,
            passwords::LONGEST
        )),
        other => failure(other),
    })?;
    write(conn, |tx| accounts::add(tx, CLI, name, role, &hashed, clock::now()))?;
    println!("{name} is now {}", role.name());
    if generated {
        println!("password: {}", password.expose());
    }
    Ok(())
}

/// What stands on stdin without its line end, or nothing when it is empty. From a terminal it is one line.
fn read_password() -> Result<Option<Secret>, Failure> {
    let stdin = std::io::stdin();
    let mut bytes = Vec::new();
    let read = if stdin.is_terminal() {
        eprint!("Password (it is shown; empty: one is made): ");
        let mut line = String::new();
        stdin.read_line(&mut line).map(|_| bytes = line.into_bytes())
    } else {
        // One byte more than the longest password with its line end, to tell "too long" from "just right".
        let longest = passwords::LONGEST * 4 + 3;
        stdin.lock().take(longest as u64).read_to_end(&mut bytes).map(|_| ())
    };
    read.map_err(|error| Failure::WrongUse(format!("cannot read the password from stdin: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|_| Failure::WrongUse("the password is not UTF-8".into()))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.contains(['\n', '\r']) {
        return Err(Failure::WrongUse("the password must be one line".into()));
    }
    Ok((!line.is_empty()).then(|| Secret::new(line)))
}

/// The database of the settings. Migrated only when its tables are missing: a service may run on it. Where books have moved, they can
/// be read only.
fn open(settings: &Path, command: &Command) -> Result<DbConn, Failure> {
    let settings = Settings::load(settings).map_err(|problems| {
        let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
        Failure::WrongUse(format!("the settings are not in order\n{}", lines.join("\n")))
    })?;
    let wrong = |error: db::OpenError| Failure::WrongUse(error.to_string());
    let place = db::Place::parse(&settings.database.url).map_err(wrong)?;
    marks::check_not_emptied(&settings.server.state_dir, &place).map_err(Failure::WrongUse)?;
    if !matches!(command, Command::List { .. }) {
        db::homes::check(&place).map_err(wrong)?;
    }
    let mut conn = db::connect(&place).map_err(wrong)?;
    let usable = accounts::list(&mut conn).is_ok() && audit::head(&mut conn).is_ok();
    if !usable {
        migrate::prepare(&place, Policy::Migrate).map_err(wrong)?;
    }
    Ok(conn)
}

fn write<T>(conn: &mut DbConn, work: impl FnMut(&mut WriteTx<'_>) -> Result<T, Error>) -> Result<T, Failure> {
    db::immediately(conn, work).map_err(failure)
}

/// What does not exist or stands in the way is "not in order"; everything else is wrong use or could not be done.
fn failure(error: Error) -> Failure {
    match error {
        Error::NotFound(_) | Error::Conflict(_) => Failure::NotInOrder(error.to_string()),
        Error::Invalid("name") => {
            Failure::WrongUse("the name must be 1 to 64 letters, digits and . _ @ -, and not cli or croupier".into())
        }
        other => Failure::WrongUse(other.to_string()),
    }
}

fn as_json(list: &[Account]) -> String {
    let item = |one: &Account| {
        json!({"name": one.name, "role": one.role.name(), "disabled": one.disabled, "tokens": one.tokens,
            "created_at": clock::rfc3339(one.created_at)})
    };
    json!({ "items": list.iter().map(item).collect::<Vec<_>>() }).to_string()
}

fn as_table(list: &[Account]) -> String {
    if list.is_empty() {
        return "nobody yet: croupier staff add NAME --role admin".into();
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_header(["NAME", "ROLE", "STATE", "TOKENS", "SINCE"]);
    for one in list {
        let state = if one.disabled { "disabled" } else { "active" };
        let (tokens, since) = (one.tokens.to_string(), clock::rfc3339(one.created_at));
        table.add_row([one.name.as_str(), one.role.name(), state, &tokens, &since]);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(name: &str, disabled: bool) -> Account {
        Account { name: name.into(), role: Role::Approver, disabled, tokens: 2, created_at: 0 }
    }

    #[test]
    fn wrong_use_is_told_from_what_stands_in_the_way() {
        let not_in_order = [Error::NotFound("staff member"), Error::Conflict("there is one".into())];
        let wrong_use = [Error::Invalid("name"), Error::Busy, Error::Internal("no random bytes".into())];

        assert!(not_in_order.into_iter().all(|error| matches!(failure(error), Failure::NotInOrder(_))));
        assert!(wrong_use.into_iter().all(|error| matches!(failure(error), Failure::WrongUse(_))));
        assert!(role("Admin").is_err() && role("").is_err() && role("admin") == Ok(Role::Admin));
    }

    #[test]
    fn the_list_shows_who_may_still_come_in() {
        let list = [account("ann", false), account("bob", true)];

        let (table, json): (_, serde_json::Value) = (as_table(&list), serde_json::from_str(&as_json(&list)).unwrap());

        let row = |n: usize| table.lines().nth(n).unwrap().split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(row(2)[..4], ["bob", "approver", "disabled", "2"]);
        assert_eq!(json["items"][0]["disabled"], false);
        assert!(as_table(&[]).starts_with("nobody yet"));
    }
}
