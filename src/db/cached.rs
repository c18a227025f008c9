//! Statements of a fixed text. Diesel's own UPDATE is parsed again at every use, for its text may depend on its values; what every request
//! writes is therefore written out here and there, and prepared once.

use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::connection::Connection;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Bool, HasSqlType, Text};

/// A value of a [`Fixed`] statement.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// A number, an amount, a time.
    Number(i64),
    /// A text.
    Text(&'a str),
    /// Yes or no.
    Flag(bool),
}

/// A statement whose text is always the same: before each value stands a piece of it. `Name` is a type that stands for this one statement
/// and no other; the connection keeps the prepared statement under it.
pub struct Fixed<'a, Name> {
    text: &'static [&'static str],
    values: &'a [Value<'a>],
    name: PhantomData<Name>,
}

impl<'a, Name> Fixed<'a, Name> {
    /// The statement with these values, as many as pieces.
    pub fn new(text: &'static [&'static str], values: &'a [Value<'a>]) -> Self {
        assert_eq!(text.len(), values.len(), "before each value stands a piece of the text");
        Self { text, values, name: PhantomData }
    }
}

impl<Name, DB> QueryFragment<DB> for Fixed<'_, Name>
where
    DB: Backend + HasSqlType<BigInt> + HasSqlType<Text> + HasSqlType<Bool>,
    i64: ToSql<BigInt, DB>,
    str: ToSql<Text, DB>,
    bool: ToSql<Bool, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        for (piece, value) in self.text.iter().zip(self.values) {
            out.push_sql(piece);
            match value {
                Value::Number(number) => out.push_bind_param::<BigInt, _>(number)?,
                Value::Text(text) => out.push_bind_param::<Text, _>(*text)?,
                Value::Flag(flag) => out.push_bind_param::<Bool, _>(flag)?,
            }
        }
        Ok(())
    }
}

/// What a statement that reads gives.
pub trait Gives {
    /// The type of its row in SQL.
    type Row;
}

impl<Name: Gives> Query for Fixed<'_, Name> {
    type SqlType = Name::Row;
}

impl<Name: 'static> QueryId for Fixed<'_, Name> {
    type QueryId = Fixed<'static, Name>;

    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<Name, Conn: Connection> RunQueryDsl<Conn> for Fixed<'_, Name> {}
