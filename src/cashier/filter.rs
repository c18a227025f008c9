//! Narrowing, sorting and paging of a player's transactions: pure functions over rows.

use std::cmp::Ordering;

use super::rows::{Transaction, type_of};

/// What rows can be compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// `id`
    Id,
    /// `customer_id`
    CustomerId,
    /// `login`
    Login,
    /// `type`
    Type,
    /// `status`
    Status,
    /// `source`
    Source,
    /// `provider`
    Provider,
    /// `method`
    Method,
    /// `currency`
    Currency,
    /// `provider_payment_id`
    ProviderPaymentId,
    /// `approved_time`
    ApprovedTime,
    /// `processed_time`
    ProcessedTime,
    /// `created_time`
    CreatedTime,
}

/// Every field with its name on the wire.
const FIELDS: [(Field, &str); 13] = [
    (Field::Id, "id"),
    (Field::CustomerId, "customer_id"),
    (Field::Login, "login"),
    (Field::Type, "type"),
    (Field::Status, "status"),
    (Field::Source, "source"),
    (Field::Provider, "provider"),
    (Field::Method, "method"),
    (Field::Currency, "currency"),
    (Field::ProviderPaymentId, "provider_payment_id"),
    (Field::ApprovedTime, "approved_time"),
    (Field::ProcessedTime, "processed_time"),
    (Field::CreatedTime, "created_time"),
];

impl Field {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        FIELDS.iter().map(|(field, _)| *field)
    }

    /// The field with this name on the wire.
    pub fn from_name(name: &str) -> Option<Self> {
        FIELDS.iter().find(|(_, known)| *known == name).map(|(field, _)| *field)
    }

    /// Whether it is a text, and not a number.
    pub fn is_text(self) -> bool {
        match self {
            Field::Id | Field::Provider | Field::Method | Field::Currency | Field::ProviderPaymentId => true,
            Field::CustomerId
            | Field::Login
            | Field::Type
            | Field::Status
            | Field::Source
            | Field::ApprovedTime
            | Field::ProcessedTime
            | Field::CreatedTime => false,
        }
    }

    fn of(self, row: &Transaction) -> Value {
        match self {
            Field::Id => Value::Text(row.id.clone()),
            Field::CustomerId => Value::Number(row.customer_id),
            Field::Login => Value::Number(row.login),
            Field::Type => Value::Number(type_of(row.direction)),
            Field::Status => Value::Number(row.status.code()),
            Field::Source => Value::Number(row.source),
            Field::Provider => Value::Text(row.provider.clone()),
            Field::Method => Value::Text(row.method.clone()),
            Field::Currency => Value::Text(row.amount.currency().code().to_owned()),
            Field::ProviderPaymentId => Value::Text(row.provider_payment_id.clone()),
            Field::ApprovedTime => Value::Number(row.approved_time),
            Field::ProcessedTime => Value::Number(row.processed_time),
            Field::CreatedTime => Value::Number(row.created_time),
        }
    }
}

/// A value of a field, or one to compare it with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// An integer.
    Number(i64),
    /// A text, compared byte for byte.
    Text(String),
}

impl Value {
    /// Reads a value to compare `field` with. `None`: the field is a number, and this is none.
    pub fn read(field: Field, text: &str) -> Option<Self> {
        if field.is_text() {
            return Some(Self::Text(text.to_owned()));
        }
        let digits = text.strip_prefix('-').unwrap_or(text);
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        match text.parse() {
            Ok(number) if plain => Some(Self::Number(number)),
            Ok(_) | Err(_) => None,
        }
    }
}

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `like`, for texts: `%` stands for any text, case matters not for ASCII letters.
    Like,
}

impl Operator {
    /// The operator with this name on the wire.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "=" => Self::Equal,
            "!=" => Self::NotEqual,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            "like" => Self::Like,
            _ => return None,
        })
    }
}

/// What a field must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// Compared with one value.
    Compare(Operator, Value),
    /// One of these.
    In(Vec<Value>),
    /// From the first to the second, both included.
    Between(Value, Value),
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Of which field.
    pub field: Field,
    /// What it must be.
    pub test: Test,
    /// Whether it must not be so.
    pub negated: bool,
}

impl Condition {
    /// Whether a row passes.
    pub fn holds(&self, row: &Transaction) -> bool {
        let value = self.field.of(row);
        let holds = match &self.test {
            Test::Compare(operator, other) => compare(&value, *operator, other),
            Test::In(others) => others.contains(&value),
            Test::Between(from, to) => *from <= value && value <= *to,
        };
        holds != self.negated
    }
}

fn compare(value: &Value, operator: Operator, other: &Value) -> bool {
    match operator {
        Operator::Equal => value == other,
        Operator::NotEqual => value != other,
        Operator::Less => value < other,
        Operator::LessOrEqual => value <= other,
        Operator::Greater => value > other,
        Operator::GreaterOrEqual => value >= other,
        Operator::Like => match (value, other) {
            (Value::Text(text), Value::Text(pattern)) => like(text, pattern),
            (Value::Number(_), _) | (_, Value::Number(_)) => false,
        },
    }
}

/// Whether a text is like a pattern: each piece between `%` is found after the one before it. Takes no longer than text times pattern.
pub fn like(text: &str, pattern: &str) -> bool {
    let (text, pattern) = (text.to_ascii_lowercase(), pattern.to_ascii_lowercase());
    let mut pieces = pattern.split('%');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Which rows, in which order, and which page of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// All of them must hold.
    pub conditions: Vec<Condition>,
    /// By these, the first first; rising unless the flag says falling. What is equal in all of them comes newest first.
    pub order: Vec<(Field, bool)>,
    /// How many rows to pass over.
    pub offset: usize,
    /// How many rows at most.
    pub limit: usize,
}

/// The page of `rows` that was asked for, and how many there are before paging. `rows` come newest first.
pub fn select(mut rows: Vec<Transaction>, selection: &Selection) -> (Vec<Transaction>, usize) {
    rows.retain(|row| selection.conditions.iter().all(|condition| condition.holds(row)));
    if !selection.order.is_empty() {
        rows.sort_by(|a, b| by(a, b, &selection.order));
    }
    let count = rows.len();
    let page = rows.into_iter().skip(selection.offset).take(selection.limit).collect();
    (page, count)
}

fn by(a: &Transaction, b: &Transaction, order: &[(Field, bool)]) -> Ordering {
    let compared = order.iter().map(|(field, falling)| {
        let rising = field.of(a).cmp(&field.of(b));
        if *falling { rising.reverse() } else { rising }
    });
    compared.fold(Ordering::Equal, Ordering::then)
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
