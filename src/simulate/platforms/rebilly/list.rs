//! Lists: filters, paging and order (manual, "Conventions").

use serde::Serialize;

use super::problem::{Outcome, Problem};
use crate::simulate::platforms::host::Reply;

const MOST: usize = 1000;
const USUAL: usize = 100;

/// What a list is asked for. Filters of the form `field:value`, `,` for any of, `;` for and; ranges and `!` are refused here.
#[derive(Debug)]
pub struct Query {
    filters: Vec<(String, Vec<String>)>,
    limit: usize,
    offset: usize,
    oldest_first: bool,
}

impl Query {
    /// Reads a query string whose filters may name these fields.
    ///
    /// # Errors
    ///
    /// 400: a bad filter, number or order.
    pub fn read(query: &str, fields: &[&str]) -> Result<Self, Problem> {
        let bad = || Problem::unreadable("bad query");
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).map_err(|_| bad())?;
        let mut read = Self { filters: Vec::new(), limit: USUAL, offset: 0, oldest_first: false };
        for (name, value) in &pairs {
            match name.as_str() {
                "limit" => read.limit = value.parse().ok().filter(|n| *n <= MOST).ok_or_else(bad)?,
                "offset" => read.offset = value.parse::<usize>().map_err(|_| bad())?.min(MOST),
                "sort" => {
                    read.oldest_first = match value.as_str() {
                        "createdTime" => true,
                        "-createdTime" => false,
                        _ => return Err(Problem::unreadable("only createdTime sorts here")),
                    }
                }
                "filter" => {
                    for part in value.split(';').filter(|part| !part.is_empty()) {
                        read.filters.push(filter(part, fields)?);
                    }
                }
                _ => {}
            }
        }
        Ok(read)
    }

    /// Whether something with these values is asked for.
    pub fn takes(&self, value: impl Fn(&str) -> Option<String>) -> bool {
        self.filters.iter().all(|(field, any)| value(field).is_some_and(|value| any.contains(&value)))
    }

    /// The one id that is asked for, when the filter names one.
    pub fn ids(&self) -> impl Iterator<Item = &String> {
        self.filters.iter().filter(|(field, _)| field == "id").flat_map(|(_, any)| any)
    }

    /// The page of what was found, which comes oldest first.
    ///
    /// # Errors
    ///
    /// None: the type is that of every call.
    pub fn page<T: Serialize>(&self, mut found: Vec<T>) -> Outcome {
        if !self.oldest_first {
            found.reverse();
        }
        let headers = vec![
            ("pagination-total", found.len().to_string()),
            ("pagination-limit", self.limit.to_string()),
            ("pagination-offset", self.offset.to_string()),
        ];
        let page: Vec<T> = found.into_iter().skip(self.offset).take(self.limit).collect();
        let body = serde_json::to_string(&page).expect("views are JSON");
        Ok(Reply::JsonText(200, headers, body))
    }
}

fn filter(part: &str, fields: &[&str]) -> Result<(String, Vec<String>), Problem> {
    let (field, values) = part.split_once(':').ok_or_else(|| Problem::unreadable("a filter is field:value"))?;
    if !fields.contains(&field) || values.contains(['!', ':']) || values.contains("..") {
        return Err(Problem::unreadable(format!("the filter {field} is not known here")));
    }
    Ok((field.to_owned(), values.split(',').map(str::to_owned).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simple_filters_choose() {
        let query = Query::read("filter=customerId%3Aa%2Cb%3Bstatus%3Aready&limit=5", &["customerId", "status"]);
        let query = query.expect("a filter");
        let of = |customer: &'static str, status: &'static str| {
            move |field: &str| Some(if field == "status" { status } else { customer }.to_owned())
        };

        assert!(query.takes(of("a", "ready")) && query.takes(of("b", "ready")));
        assert!(!query.takes(of("c", "ready")) && !query.takes(of("a", "pending")));
    }

    #[test]
    fn bad_filters_are_refused() {
        for query in
            ["filter=customerId", "filter=name:x", "filter=id:!x", "filter=id:1..2", "limit=1001", "sort=amount"]
        {
            assert!(Query::read(query, &["id", "customerId"]).is_err(), "{query}");
        }
    }
}
