//! `croupier explain`: whether a signed request holds, and if not, what its sender did.

use std::path::Path;

use super::sign::{as_secret, check_salts, read_input};
use super::{Failure, Outcome};
use crate::providers::carouseller::explain::{Explanation, explain};
use crate::secret::Secret;

/// Reads a signed JSON object or form body from standard input and says whether its signature holds, and if not, which known
/// deviation explains it. Exit code 0: it holds, 1: it does not, 2: it could not be read.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A salt of the site. Give it again for every further one.
    #[arg(long, required = true, value_parser = as_secret)]
    salt: Vec<Secret>,
    /// A salt of another site, which the sender may have taken by mistake.
    #[arg(long, value_parser = as_secret)]
    other_salt: Vec<Secret>,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

/// Runs `croupier explain`.
///
/// # Errors
///
/// `NotInOrder` when the signature does not hold, `WrongUse` when a salt cannot be one, or
/// standard input is neither a JSON object nor a form.
pub fn run(args: Args, _settings: &Path) -> Outcome {
    check_salts(args.salt.iter().chain(&args.other_salt))?;
    let explained = explain(&read_input()?, &args.salt, &args.other_salt);
    let explanation = explained.map_err(|error| Failure::WrongUse(error.to_string()))?;
    println!("{}", if args.json { as_json(&explanation) } else { as_text(&explanation) });
    if explanation.holds { Ok(()) } else { Err(Failure::NotInOrder(String::new())) }
}

fn as_json(explanation: &Explanation) -> String {
    let Explanation { holds, finding, canonical, problems } = explanation;
    serde_json::json!({"holds": holds, "finding": finding, "canonical": canonical, "problems": problems}).to_string()
}

fn as_text(explanation: &Explanation) -> String {
    let mut lines = vec![
        format!("signature: {}", if explanation.holds { "holds" } else { "does not hold" }),
        format!("finding:   {}", explanation.finding),
        format!("canonical: {}", explanation.canonical.escape_debug()),
    ];
    lines.extend(explanation.problems.iter().map(|problem| format!("note:      {problem}")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_what_is_wrong_and_never_the_salt() {
        let body = br#"{"site_id":1,"currency":"USD","signature":"0000000000000000000000000000000000000000"}"#;
        let explanation = explain(body, &[Secret::new("hidden away")], &[]).unwrap();

        for report in [as_text(&explanation), as_json(&explanation)] {
            assert!(report.contains("currency:USD;site_id:1;***"), "{report}");
            assert!(!report.contains("hidden"), "{report}");
        }
        assert!(as_json(&explanation).contains("\"holds\":false"));
    }
}
