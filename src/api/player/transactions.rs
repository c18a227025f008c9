//! `GET /cashier/transactions`: everything a player has moved, narrowed, sorted and in pages.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::brackets::{Brackets, Node};
use super::show::{One, Shown};
use super::{Refusal, Refusals, Session, answer};
use crate::cashier::accounts::{self, Named};
use crate::cashier::filter::{self, Condition, Field, Operator, Selection, Test, Value};
use crate::cashier::transactions;
use crate::error::Error;
use crate::ids::ExternalId;
use crate::state::State;

/// A page when the caller does not say.
const PAGE: usize = 100;
/// The longest page.
const LONGEST_PAGE: usize = 1000;
/// Conditions and orders together. More would be work for nobody's good.
const MOST_CONDITIONS: usize = 20;

/// How long a list waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

const PLAIN: [&str; 3] = ["limit", "offset", "login"];
const LISTS: [&str; 7] = ["where", "whereNot", "whereIn", "whereNotIn", "whereBetween", "whereNotBetween", "orderBy"];

/// A page of transactions.
#[derive(Serialize, ToSchema)]
#[schema(as = CashierTransactions)]
pub(in crate::api) struct Listed {
    rows: Vec<Shown>,
    /// How many there are before paging.
    count: usize,
}

/// List the player's transactions
///
/// Newest first. Fields to compare: `id`, `customer_id`, `login`, `type`, `status`, `source`, `provider`, `method`, `currency`,
/// `provider_payment_id`, `approved_time`, `processed_time`, `created_time`; operators `=`, `!=`, `<`, `<=`, `>`, `>=`, and `like` with
/// `%` for texts. Lists come in brackets, `where[0][0]=status&where[0][1]==&where[0][2]=1`, or as a JSON array in one value. At most 20
/// conditions with 100 values; of the newest 5 000 orders.
#[utoipa::path(
    get, path = "/cashier/transactions", tag = "player", operation_id = "get_cashier_transactions",
    params(
        ("limit" = Option<i64>, Query, description = "1 to 1000, 100 when not given"),
        ("offset" = Option<i64>, Query, description = "How many to pass over"),
        ("login" = Option<String>, Query, description = "An account of the player, or the player's own name"),
        ("where" = Option<String>, Query, description = "Conditions [field, operator, value], all of which must hold"),
        ("whereNot" = Option<String>, Query, description = "Conditions of which none may hold"),
        ("whereIn" = Option<String>, Query, description = "[field, [values]]"),
        ("whereNotIn" = Option<String>, Query, description = "[field, [values]]"),
        ("whereBetween" = Option<String>, Query, description = "[field, [from, to]], both included"),
        ("whereNotBetween" = Option<String>, Query, description = "[field, [from, to]]"),
        ("orderBy" = Option<String>, Query, description = "[field, asc or desc]"),
    ),
    responses((status = 200, description = "A page", body = Listed), Refusals),
    security(("player" = []))
)]
pub(in crate::api) async fn list(request: HttpRequest, state: web::Data<State>) -> Result<HttpResponse, Refusal> {
    let session = Session::of(&request, &state).await?;
    let query = Brackets::read(request.query_string(), &PLAIN, &LISTS)?;
    let account = accounts::own(query.get("login"), &session.player).ok_or_else(Refusal::foreign_account)?;
    let mut selection = selection(&query)?;
    if let Named::Account(currency) = account {
        let own = Value::Text(currency.code().to_owned());
        let test = Test::Compare(Operator::Equal, own);
        selection.conditions.push(Condition { field: Field::Currency, test, negated: false });
    }
    let place = tokio::time::timeout(PATIENCE, state.lists.acquire()).await;
    let _place = place.ok().and_then(Result::ok).ok_or(Error::Busy)?;
    let found = state.db.read(move |conn| {
        let all = transactions::of_player(conn, &session.player, &session.site)?;
        Ok(filter::select(all, &selection))
    });
    let (rows, count) = found.await?;
    let rows = rows.into_iter().map(Shown::of).collect::<Result<Vec<_>, Error>>()?;
    Ok(answer(Listed { rows, count }))
}

/// Show one of the player's transactions
///
/// As it stands now; somebody else's is not found.
#[utoipa::path(
    get, path = "/cashier/transactions/{id}", tag = "player", operation_id = "get_cashier_transaction",
    params(("id" = String, Path, description = "`id` of the transaction")),
    responses((status = 200, description = "The transaction", body = One),
        (status = 404, description = "`NOT_FOUND`: no transaction of this player", body = super::Body), Refusals),
    security(("player" = []))
)]
pub(in crate::api) async fn one(request: HttpRequest, state: web::Data<State>) -> Result<HttpResponse, Refusal> {
    let session = Session::of(&request, &state).await?;
    let id = id_in_path(&request)?;
    let found = state.db.read(move |conn| transactions::find(conn, &session.player, &session.site, &id)).await?;
    Ok(answer(One { transaction: Shown::of(found)? }))
}

/// The order in the path. What cannot be one of ours is not found.
pub(super) fn id_in_path(request: &HttpRequest) -> Result<ExternalId, Refusal> {
    let text = super::super::path_part(request, "id")?;
    ExternalId::parse(&text).map_err(|_| Error::NotFound("transaction").into())
}

fn selection(query: &Brackets) -> Result<Selection, Refusal> {
    let mut selection = Selection {
        limit: integer(query, "limit", PAGE, 1..=LONGEST_PAGE)?,
        offset: integer(query, "offset", 0, 0..=i32::MAX as usize)?,
        ..Selection::default()
    };
    let lists: [(&'static str, ReadTest, bool); 6] = [
        ("where", compared, false),
        ("whereNot", compared, true),
        ("whereIn", listed, false),
        ("whereNotIn", listed, true),
        ("whereBetween", between, false),
        ("whereNotBetween", between, true),
    ];
    for (name, read, negated) in lists {
        for node in query.list(name) {
            let (field, rest) = field(name, node)?;
            let test = read(name, field, rest)?;
            selection.conditions.push(Condition { field, test, negated });
        }
    }
    for node in query.list("orderBy") {
        let (field, rest) = field("orderBy", node)?;
        let falling = match rest {
            [] => false,
            [Node::Text(word)] if word.eq_ignore_ascii_case("asc") => false,
            [Node::Text(word)] if word.eq_ignore_ascii_case("desc") => true,
            _ => return Err(Refusal::field("orderBy", "must be a field and asc or desc")),
        };
        selection.order.push((field, falling));
    }
    if selection.conditions.len() + selection.order.len() > MOST_CONDITIONS {
        return Err(Refusal::field("where", format!("and the like are more than {MOST_CONDITIONS} conditions")));
    }
    Ok(selection)
}

type ReadTest = fn(&'static str, Field, &[Node]) -> Result<Test, Refusal>;

/// The field that a condition begins with, and the rest of it.
fn field<'n>(name: &'static str, node: &'n Node) -> Result<(Field, &'n [Node]), Refusal> {
    let Node::List(parts) = node else { return Err(Refusal::field(name, "must be a list of lists")) };
    let Some((Node::Text(first), rest)) = parts.split_first() else {
        return Err(Refusal::field(name, "must begin with the name of a field"));
    };
    let field = Field::from_name(first);
    Ok((field.ok_or_else(|| Refusal::field(name, "names a field that cannot be compared"))?, rest))
}

fn compared(name: &'static str, field: Field, rest: &[Node]) -> Result<Test, Refusal> {
    let [Node::Text(operator), node] = rest else {
        return Err(Refusal::field(name, "must be a field, an operator and a value"));
    };
    let operator = Operator::from_name(operator).filter(|operator| field.is_text() || *operator != Operator::Like);
    let operator = operator.ok_or_else(|| Refusal::field(name, "has an operator that this field does not know"))?;
    Ok(Test::Compare(operator, value(name, field, node)?))
}

fn listed(name: &'static str, field: Field, rest: &[Node]) -> Result<Test, Refusal> {
    let [Node::List(nodes)] = rest else { return Err(Refusal::field(name, "must be a field and a list of values")) };
    let values: Result<Vec<Value>, Refusal> = nodes.iter().map(|node| value(name, field, node)).collect();
    Ok(Test::In(values?))
}

fn between(name: &'static str, field: Field, rest: &[Node]) -> Result<Test, Refusal> {
    let [Node::List(ends)] = rest else { return Err(Refusal::field(name, "must be a field and a list of two values")) };
    let [from, to] = ends.as_slice() else { return Err(Refusal::field(name, "must have two values")) };
    Ok(Test::Between(value(name, field, from)?, value(name, field, to)?))
}

fn value(name: &'static str, field: Field, node: &Node) -> Result<Value, Refusal> {
    let Node::Text(text) = node else { return Err(Refusal::field(name, "must compare with a single value")) };
    Value::read(field, text).ok_or_else(|| Refusal::field(name, "must compare this field with an integer"))
}

fn integer(
    query: &Brackets,
    name: &'static str,
    default: usize,
    range: std::ops::RangeInclusive<usize>,
) -> Result<usize, Refusal> {
    let Some(text) = query.get(name) else { return Ok(default) };
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(number) if digits && range.contains(&number) => Ok(number),
        Ok(_) | Err(_) => {
            Err(Refusal::field(name, format!("must be an integer of {} to {}", range.start(), range.end())))
        }
    }
}
