//! The report of a certification: a table, one JSON document, or a page to send to the Cashier.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Value, json};

use super::{Finding, Stop};
use crate::clock::{Micros, rfc3339};

const WIDTH: u16 = 100;

/// What a report says of the one examined.
#[derive(Debug, Clone)]
pub struct About {
    /// Each with its name; the first is the address that was examined.
    pub facts: Vec<(&'static str, Value)>,
    /// What the scenarios need, in sentences.
    pub needs: &'static str,
}

/// What a certification found.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// Who was examined.
    pub about: About,
    /// When it ended.
    pub at: Micros,
    /// One finding per scenario.
    pub findings: Vec<Finding>,
}

impl Certificate {
    /// How many passed, failed and were skipped.
    pub fn counts(&self) -> (usize, usize, usize) {
        let count = |kind: &str| self.findings.iter().filter(|finding| word(finding) == kind).count();
        (count("pass"), count("fail"), count("skip"))
    }

    /// Whether nothing failed.
    pub fn holds(&self) -> bool {
        self.counts().1 == 0
    }

    /// A table of at most 100 columns with a verdict under it.
    pub fn to_text(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(WIDTH).set_header(["scenario", "", "result", "promise, and what was seen instead"]);
        for finding in &self.findings {
            let text = match reason(finding) {
                "" => finding.promise.to_owned(),
                reason => format!("{}: {reason}", finding.promise),
            };
            table.add_row([finding.name, finding.severity.letter(), word(finding), &text]);
        }
        format!("{table}\n{}\n{}", self.verdict(), wrapped(self.about.needs))
    }

    /// One document with everything.
    pub fn to_json(&self) -> Value {
        let (passed, failed, skipped) = self.counts();
        let findings = self.findings.iter().map(|finding| {
            json!({"name": finding.name, "promise": finding.promise, "severity": finding.severity.letter(),
                "result": word(finding), "reason": reason(finding)})
        });
        let mut document = json!({
            "ok": self.holds(), "at": rfc3339(self.at), "passed": passed, "failed": failed, "skipped": skipped,
            "needs": self.about.needs, "scenarios": findings.collect::<Vec<_>>(),
        });
        for (name, fact) in &self.about.facts {
            document[*name] = fact.clone();
        }
        document
    }

    /// A Markdown page for the other side's integration team.
    pub fn to_markdown(&self) -> String {
        let mut facts = self.about.facts.iter().map(|(name, fact)| (*name, fact_text(fact)));
        let examined = facts.next().map_or_else(String::new, |(_, fact)| fact);
        let facts: Vec<String> = facts.map(|(name, fact)| format!("{name} {fact}")).collect();
        let (at, verdict, needs) = (rfc3339(self.at), self.verdict(), self.about.needs);
        let mut page = format!(
            "# Conformance of {examined}\n\nTried with {}, {at}.\n\n{verdict}\n\n{needs}\n\n",
            facts.join(", ")
        );
        page.push_str("Severity: C money created, lost or stolen, or forged state; H service or audit broken; ");
        page.push_str(
            "M degraded; L hygiene.\n\n| Scenario | Severity | Result | Promise | Seen |\n|---|---|---|---|---|\n",
        );
        for finding in &self.findings {
            page.push_str(&format!(
                "| {} | {} | {} | {} | {} |\n",
                finding.name,
                finding.severity.letter(),
                word(finding),
                cell(finding.promise),
                cell(reason(finding)),
            ));
        }
        page
    }

    fn verdict(&self) -> String {
        let (passed, failed, skipped) = self.counts();
        let critical = self
            .findings
            .iter()
            .filter(|finding| word(finding) == "fail" && finding.severity == super::Severity::Critical);
        let critical = critical.count();
        let all = self.findings.len();
        format!("{passed} of {all} scenarios passed, {failed} failed ({critical} of them critical), {skipped} skipped.")
    }
}

/// `pass`, `fail` or `skip`.
pub(super) fn word(finding: &Finding) -> &'static str {
    match finding.end {
        Ok(()) => "pass",
        Err(Stop::Failed(_)) => "fail",
        Err(Stop::Skipped(_)) => "skip",
    }
}

fn reason(finding: &Finding) -> &str {
    match &finding.end {
        Ok(()) => "",
        Err(Stop::Failed(reason) | Stop::Skipped(reason)) => reason,
    }
}

/// A fact as people write it: a text without its quotation marks.
fn fact_text(fact: &Value) -> String {
    fact.as_str().map_or_else(|| fact.to_string(), cell)
}

/// Text that cannot break out of a table cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace(['\n', '\r'], " ")
}

fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().expect("there is always a line");
        if !last.is_empty() && last.chars().count() + 1 + word.chars().count() > usize::from(WIDTH) {
            lines.push(word.to_owned());
        } else {
            let space = if last.is_empty() { "" } else { " " };
            last.push_str(&format!("{space}{word}"));
        }
    }
    lines.join("\n")
}

impl Finding {
    /// One line for a progress display: `pass  C  accept-json`.
    pub fn line(&self) -> String {
        let reason = reason(self);
        let space = if reason.is_empty() { "" } else { ": " };
        format!("{}  {}  {}{space}{reason}", word(self), self.severity.letter(), self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::certify::Severity;

    fn certificate() -> Certificate {
        let finding =
            |name, end| Finding { name, promise: "a promise of some length", severity: Severity::Critical, end };
        Certificate {
            about: About {
                facts: vec![("target", "http://127.0.0.1:1".into()), ("player", "<b>".into()), ("amount", 1000.into())],
                needs: "a test player",
            },
            at: 0,
            findings: vec![
                finding("one", Ok(())),
                finding("two", Err(Stop::Failed("expected | got <script>".repeat(9)))),
                finding("three", Err(Stop::Skipped("needs --bind".into()))),
            ],
        }
    }

    #[test]
    fn every_form_of_the_report_says_the_same() {
        let certificate = certificate();

        assert_eq!(certificate.counts(), (1, 1, 1));
        assert!(!certificate.holds());
        assert!(certificate.to_text().lines().all(|line| line.chars().count() <= usize::from(WIDTH)));
        assert!(certificate.to_text().contains("1 failed (1 of them critical)"));
        assert_eq!(certificate.to_json()["scenarios"][2]["result"], "skip");
        assert_eq!((&certificate.to_json()["amount"], &certificate.to_json()["player"]), (&json!(1000), &json!("<b>")));
        let page = certificate.to_markdown();
        assert!(
            page.starts_with("# Conformance of http://127.0.0.1:1\n\nTried with player &lt;b>, amount 1000, "),
            "{page}"
        );
        assert!(page.contains("| two | C | fail |") && page.contains("\\|") && !page.contains("<script>"));
    }
}
