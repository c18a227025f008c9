//! Rows of an SQLite file, as JSON.

use std::collections::BTreeMap;

use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::compare::{Balance, Heads};
use super::tables::{Key, Table};
use super::{CopyError, Count, Home, Line, PAGE, PAGE_BYTES, Page, Word};

/// An SQLite database to be read.
pub(super) struct File<'a> {
    pub conn: &'a mut SqliteConnection,
    columns: BTreeMap<&'static str, Vec<Column>>,
}

#[derive(Debug, Clone, QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
}

impl<'a> File<'a> {
    pub(super) fn new(conn: &'a mut SqliteConnection) -> Self {
        Self { conn, columns: BTreeMap::new() }
    }

    fn typed_columns(&mut self, table: &str) -> QueryResult<Vec<Column>> {
        let sql = format!("SELECT name, type AS kind FROM pragma_table_info('{table}') ORDER BY cid");
        diesel::sql_query(sql).load(self.conn)
    }
}

/// A column as it stands in the JSON of a row: bytes in hex, as PostgreSQL reads and writes them.
fn value(name: &str, kind: &str) -> String {
    if kind == "BLOB" {
        format!("CASE WHEN \"{name}\" IS NOT NULL THEN '\\x' || lower(hex(\"{name}\")) END")
    } else {
        format!("\"{name}\"")
    }
}

fn page_sql(table: &Table, columns: &[Column], first: bool) -> String {
    let pairs: Vec<String> =
        columns.iter().map(|column| format!("'{}', {}", column.name, value(&column.name, &column.kind))).collect();
    let keys: Vec<String> = table.key.iter().map(|key| format!("\"{}\"", key.name())).collect();
    let shown: Vec<String> = table
        .key
        .iter()
        .map(|key| match key {
            Key::Number(name) | Key::Text(name) => value(name, ""),
            Key::Bytes(name) => value(name, "BLOB"),
        })
        .collect();
    let after: Vec<String> = table
        .key
        .iter()
        .enumerate()
        .map(|(at, key)| match key {
            Key::Number(_) | Key::Text(_) => format!("json_extract(?1, '$[{at}]')"),
            Key::Bytes(_) => format!("unhex(substr(json_extract(?1, '$[{at}]'), 3))"),
        })
        .collect();
    let (keys, after) = (keys.join(", "), after.join(", "));
    let condition = if first { "?1 IS NULL".to_owned() } else { format!("({keys}) > ({after})") };
    format!(
        "SELECT json_array({}) AS key, json_object({}) AS line FROM {} WHERE {condition} ORDER BY {keys} LIMIT {PAGE}",
        shown.join(", "),
        pairs.join(", "),
        table.name
    )
}

/// PostgreSQL keeps no character NUL in a text. It means nothing in ours, so it becomes U+FFFD; in a sealed row nothing may change.
fn without_nul(table: &Table, line: Line) -> Result<Line, CopyError> {
    if !line.line.contains("\\u0000") {
        return Ok(line);
    }
    let mut row: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&line.line)
        .map_err(|error| CopyError::refused(format!("{} {}: not a row: {error}", table.name, line.key)))?;
    let mut changed = false;
    for value in row.values_mut() {
        if let serde_json::Value::String(text) = value
            && text.contains('\0')
        {
            *text = text.replace('\0', "\u{fffd}");
            changed = true;
        }
    }
    if changed && (table.chained || line.key.contains("\\u0000")) {
        let text = format!("{} {}: a text has the character NUL, which PostgreSQL cannot keep", table.name, line.key);
        return Err(CopyError::Refused(text));
    }
    Ok(Line { key: line.key, line: serde_json::Value::Object(row).to_string() })
}

impl Home for File<'_> {
    fn columns(&mut self, table: &str) -> QueryResult<Vec<String>> {
        Ok(self.typed_columns(table)?.into_iter().map(|column| column.name).collect())
    }

    fn count(&mut self, table: &str) -> QueryResult<i64> {
        let sql = format!("SELECT count(*) AS count FROM {table}");
        diesel::sql_query(sql).get_result::<Count>(self.conn).map(|found| found.count)
    }

    fn page(&mut self, table: &Table, after: Option<&str>) -> Result<Page, CopyError> {
        if !self.columns.contains_key(table.name) {
            let columns = self.typed_columns(table.name)?;
            self.columns.insert(table.name, columns);
        }
        let sql = page_sql(table, &self.columns[table.name], after.is_none());
        let query = diesel::sql_query(sql).bind::<Nullable<Text>, _>(after);
        let (mut page, mut bytes) = (Page::default(), 0);
        for line in query.load_iter::<Line, DefaultLoadingMode>(self.conn)? {
            let line = without_nul(table, line?)?;
            bytes += line.line.len();
            page.rows.push(line.line);
            page.last = Some(line.key);
            if bytes > PAGE_BYTES {
                break;
            }
        }
        Ok(page)
    }

    fn balances(&mut self) -> QueryResult<Vec<Balance>> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            kind: String,
            #[diesel(sql_type = Text)]
            currency: String,
            #[diesel(sql_type = BigInt)]
            available: i64,
            #[diesel(sql_type = BigInt)]
            held: i64,
        }
        // Added up here: a sum of SQLite ends where 64 bits end.
        let mut sums: BTreeMap<(String, String), (i128, i128)> = BTreeMap::new();
        let rows = diesel::sql_query("SELECT kind, currency, available, held FROM accounts");
        for row in rows.load_iter::<Row, DefaultLoadingMode>(self.conn)? {
            let row = row?;
            let sum = sums.entry((row.kind, row.currency)).or_default();
            *sum = (sum.0 + i128::from(row.available), sum.1 + i128::from(row.held));
        }
        let balance = |((kind, currency), (available, held)): (_, (i128, i128))| Balance {
            kind,
            currency,
            available: available.to_string(),
            held: held.to_string(),
        };
        Ok(sums.into_iter().map(balance).collect())
    }

    fn heads(&mut self) -> QueryResult<Heads> {
        let mut one = |sql: &str| -> QueryResult<String> {
            let found = diesel::sql_query(sql).get_result::<Word>(self.conn).optional()?;
            Ok(found.map_or_else(|| "none".into(), |found| found.word))
        };
        Ok(Heads {
            journal: one(
                "SELECT number || ' ' || lower(hex(hash)) AS word FROM sealed_entries ORDER BY number DESC LIMIT 1",
            )?,
            audit: one("SELECT id || ' ' || lower(hex(hash)) AS word FROM audit ORDER BY id DESC LIMIT 1")?,
            event: one("SELECT id || ' ' || token AS word FROM events ORDER BY id DESC LIMIT 1")?,
        })
    }

    fn meta(&mut self, name: &str) -> QueryResult<Option<String>> {
        let query = diesel::sql_query("SELECT value AS word FROM meta WHERE name = ?").bind::<Text, _>(name);
        Ok(query.get_result::<Word>(self.conn).optional()?.map(|found| found.word))
    }

    fn tables(&mut self) -> QueryResult<Vec<String>> {
        let sql = "SELECT name AS word FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
                   AND name NOT LIKE '\\_\\_diesel%' ESCAPE '\\' ORDER BY name";
        Ok(diesel::sql_query(sql).load::<Word>(self.conn)?.into_iter().map(|found| found.word).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::copy::tables::{ENTRIES, TABLES};

    #[test]
    fn a_page_is_read_on_from_the_key_of_the_last_one() {
        let columns = [Column { name: "digest".into(), kind: "BLOB".into() }];
        let tokens = TABLES.into_iter().find(|table| table.name == "staff_tokens").expect("it is copied");
        let sql = page_sql(&tokens, &columns, false);
        assert!(sql.contains("(\"digest\") > (unhex(substr(json_extract(?1, '$[0]'), 3)))"), "{sql}");
        assert!(page_sql(&tokens, &columns, true).contains("WHERE ?1 IS NULL ORDER BY \"digest\" LIMIT"));
    }

    #[test]
    fn a_nul_is_replaced_where_nothing_is_sealed_and_refused_where_it_is() {
        let line = |line: &str| Line { key: "[7]".into(), line: line.into() };
        let reviews = TABLES.into_iter().find(|table| table.name == "reviews").expect("it is copied");

        let kept = without_nul(&reviews, line(r#"{"note":"a\\u0000b"}"#)).expect("a backslash, no NUL");
        let changed = without_nul(&reviews, line("{\"note\":\"a\\u0000b\"}")).expect("replaced");
        let refused = without_nul(&ENTRIES, line("{\"cause\":\"a\\u0000b\"}"));

        assert_eq!(kept.line, r#"{"note":"a\\u0000b"}"#);
        assert_eq!(changed.line, "{\"note\":\"a\u{fffd}b\"}");
        assert!(matches!(refused, Err(CopyError::Refused(text)) if text.contains("[7]")));
    }
}
