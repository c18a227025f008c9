//! A page of a list: its items and the cursor of the next one.

use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::Error;

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub struct Page<T> {
    items: Vec<T>,
    /// What to send as `after` for the next page; null at the end.
    next: Option<String>,
}

/// A page of at most `limit` rows, of which one more was asked for: its presence means that there is a next page.
pub fn page<T, I: Serialize>(
    mut rows: Vec<T>,
    limit: usize,
    cursor: impl Fn(&T) -> String,
    item: impl Fn(T) -> Result<I, Error>,
) -> Result<HttpResponse, Error> {
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(cursor);
    let items: Vec<I> = rows.into_iter().map(item).collect::<Result<_, _>>()?;
    Ok(HttpResponse::Ok().json(Page { items, next }))
}

#[cfg(test)]
mod tests {
    use actix_web::body::MessageBody;
    use serde_json::{Value, json};

    use super::*;

    fn shown(rows: Vec<i64>, limit: usize) -> Value {
        let answer = page(rows, limit, i64::to_string, |row| Ok(json!(row))).unwrap();
        serde_json::from_slice(&answer.into_body().try_into_bytes().unwrap()).unwrap()
    }

    #[test]
    fn there_is_a_cursor_only_when_there_is_more() {
        assert_eq!(shown(vec![], 2), json!({"items": [], "next": null}));
        assert_eq!(shown(vec![7, 8], 2), json!({"items": [7, 8], "next": null}));
        assert_eq!(shown(vec![7, 8, 9], 2), json!({"items": [7, 8], "next": "8"}));
    }
}
