//! Two databases held against each other: every row, every balance, every end.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::tables::{CHAIN, ENTRIES, TABLES, Table};
use super::{CopyError, Home, Step, Tell, told};

/// What accounts of one kind and currency have in all, in minor units: decimal numbers that may be longer than 64 bits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Balance {
    /// The kind of account.
    pub kind: String,
    /// The currency.
    pub currency: String,
    /// What is available.
    pub available: String,
    /// What is held.
    pub held: String,
}

/// Where everything that only grows ends: a number, and the hash or token of that row; `none` when there is no row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Heads {
    /// The chain of the journal.
    pub journal: String,
    /// The audit.
    pub audit: String,
    /// The log of events.
    pub event: String,
}

impl Heads {
    /// The number in an end.
    pub fn number(end: &str) -> i64 {
        end.split(' ').next().map_or(0, |number| number.parse().unwrap_or(0))
    }
}

/// Rows of one table on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// The table.
    pub table: &'static str,
    /// Rows in the source.
    pub source: i64,
    /// Rows in the target.
    pub target: i64,
    /// Whether the rows are the same, byte for byte.
    pub same: bool,
}

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether nothing differs.
    pub ok: bool,
    /// Every table.
    pub tables: Vec<Counted>,
    /// Balances of the source.
    pub balances: Vec<Balance>,
    /// Ends of the source.
    pub heads: Heads,
    /// What differs, in sentences.
    pub differences: Vec<String>,
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Everything that was copied.
    Everything,
    /// Everything but where pushes stand.
    Books,
}

/// Reads both sides whole and says in what they differ.
pub(super) fn compare(
    source: &mut dyn Home,
    target: &mut dyn Home,
    scope: Scope,
    tell: &mut Tell<'_>,
) -> Result<Report, CopyError> {
    let mut differences = Vec::new();
    let mut tables = Vec::new();
    let compared = TABLES.into_iter().filter(|table| scope == Scope::Everything || table.books);
    for table in compared.map(|table| if table == ENTRIES { CHAIN } else { table }) {
        let columns = source.columns(table.name)?;
        let (mut ours, mut theirs) = (Fingerprint::new(), Fingerprint::new());
        let rows = source.count(table.name)?;
        ours.read(source, &table, &columns, |done| {
            told(tell, Step::Checked { table: table.name, rows: done, of: rows * 2 })
        })?;
        theirs.read(target, &table, &columns, |done| {
            told(tell, Step::Checked { table: table.name, rows: rows + done, of: rows * 2 })
        })?;
        let name = if table == CHAIN { ENTRIES.name } else { table.name };
        let counted = Counted { table: name, source: ours.rows, target: theirs.rows, same: ours == theirs };
        if counted.source != counted.target {
            differences
                .push(format!("{name}: {} rows in the source, {} in the target", counted.source, counted.target));
        } else if !counted.same {
            differences.push(format!("{name}: as many rows on both sides, but not the same ones"));
        }
        tables.push(counted);
    }
    // Entries that the chain does not show would be missed above.
    let (entries, sealed) = (target.count(ENTRIES.name)?, target.count(CHAIN.name)?);
    if entries != sealed {
        differences.push(format!("{}: {entries} rows in the target, {sealed} of them sealed", ENTRIES.name));
    }
    let balances = source.balances()?;
    differences.extend(unequal_balances(&balances, &target.balances()?));
    let heads = source.heads()?;
    differences.extend(unequal_heads(&heads, &target.heads()?));
    Ok(Report { ok: differences.is_empty(), tables, balances, heads, differences })
}

fn unequal_balances(source: &[Balance], target: &[Balance]) -> Vec<String> {
    let mut found = Vec::new();
    let missing = |list: &[Balance], one: &Balance| {
        !list.iter().any(|other| (&other.kind, &other.currency) == (&one.kind, &one.currency))
    };
    for one in source {
        let same = |other: &&Balance| (&other.kind, &other.currency) == (&one.kind, &one.currency);
        let (available, held) =
            target.iter().find(same).map_or(("no", "no"), |other| (other.available.as_str(), other.held.as_str()));
        if (available, held) != (one.available.as_str(), one.held.as_str()) {
            found.push(format!(
                "accounts of {} in {}: {} available and {} held in the source, {available} and {held} in the target",
                one.kind, one.currency, one.available, one.held
            ));
        }
    }
    for one in target.iter().filter(|one| missing(source, one)) {
        found.push(format!("accounts of {} in {}: only in the target", one.kind, one.currency));
    }
    found
}

fn unequal_heads(source: &Heads, target: &Heads) -> Vec<String> {
    let ends = [
        ("the chain of the journal", &source.journal, &target.journal),
        ("the audit", &source.audit, &target.audit),
        ("the log of events", &source.event, &target.event),
    ];
    let differs = ends.into_iter().filter(|(_, ours, theirs)| ours != theirs);
    differs
        .map(|(what, ours, theirs)| format!("{what} ends with {ours} in the source, with {theirs} in the target"))
        .collect()
}

/// A digest over rows in order, the same for the same values whatever database wrote them down.
struct Fingerprint {
    rows: i64,
    hasher: Sha256,
}

impl PartialEq for Fingerprint {
    fn eq(&self, other: &Self) -> bool {
        self.rows == other.rows && self.hasher.clone().finalize() == other.hasher.clone().finalize()
    }
}

impl Fingerprint {
    fn new() -> Self {
        Self { rows: 0, hasher: Sha256::new() }
    }

    fn read(
        &mut self,
        home: &mut dyn Home,
        table: &Table,
        columns: &[String],
        mut told: impl FnMut(i64) -> Result<(), CopyError>,
    ) -> Result<(), CopyError> {
        let mut after: Option<String> = None;
        loop {
            let page = home.page(table, after.as_deref())?;
            for row in &page.rows {
                self.add(row, columns).map_err(|error| CopyError::refused(format!("{}: {error}", table.name)))?;
            }
            if page.last.is_none() {
                return Ok(());
            }
            after = page.last;
            told(self.rows)?;
        }
    }

    fn add(&mut self, row: &str, columns: &[String]) -> Result<(), serde_json::Error> {
        let row: serde_json::Map<String, serde_json::Value> = serde_json::from_str(row)?;
        for column in columns {
            let text = match row.get(column) {
                // SQLite has no type for yes and no.
                Some(serde_json::Value::Bool(yes)) => i64::from(*yes).to_string(),
                Some(value) => value.to_string(),
                None => "missing".into(),
            };
            self.hasher.update((text.len() as u64).to_be_bytes());
            self.hasher.update(text.as_bytes());
        }
        self.rows += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: &[&str]) -> Fingerprint {
        let mut found = Fingerprint::new();
        let columns = ["id".to_owned(), "voided".to_owned(), "note".to_owned()];
        rows.iter().for_each(|row| found.add(row, &columns).expect("a row"));
        found
    }

    #[test]
    fn rows_are_the_same_however_they_are_written_down_and_nothing_else_is() {
        let first = of(&[r#"{"id":1,"voided":0,"note":"a\u00e9"}"#]);

        assert!(first == of(&[r#"{"note": "aé", "voided": false, "id": 1}"#]));
        for other in [
            r#"{"id":2,"voided":0,"note":"aé"}"#,
            r#"{"id":1,"voided":1,"note":"aé"}"#,
            r#"{"id":1,"voided":0,"note":"a"}"#,
            r#"{"id":1,"voided":0,"note":null}"#,
            r#"{"id":1,"voided":0}"#,
            r#"{"id":"1","voided":0,"note":"aé"}"#,
        ] {
            assert!(first != of(&[other]), "{other}");
        }
        assert!(first != of(&[]) && of(&[]) == of(&[]));
    }

    #[test]
    fn every_difference_of_balances_and_ends_is_named() {
        let balance = |kind: &str, available: &str| Balance {
            kind: kind.into(),
            currency: "USD".into(),
            available: available.into(),
            held: "0".into(),
        };
        let (ours, theirs) =
            ([balance("player", "5"), balance("games", "-5")], [balance("player", "6"), balance("gift", "1")]);
        let found = unequal_balances(&ours, &theirs);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].contains("5 available") && found[0].contains("6 and 0 in the target"), "{found:?}");
        assert!(unequal_balances(&ours, &ours).is_empty());

        let heads = Heads { journal: "7 ab".into(), audit: "none".into(), event: "2 t".into() };
        assert!(unequal_heads(&heads, &heads).is_empty());
        assert_eq!(unequal_heads(&heads, &Heads { audit: "1 ff".into(), ..heads.clone() }).len(), 1);
        assert_eq!((Heads::number("7 ab"), Heads::number("none")), (7, 0));
    }
}
