//! Statements that Diesel would parse again at every use: an UPDATE, because its text may depend on its values.

use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::connection::Connection;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};

/// A statement whose text is always the same; see [`always_the_same`].
pub struct Cached<Name, Statement>(Statement, PhantomData<Name>);

/// Lets a connection keep the parsed statement under `Name`, a type that stands for this one statement and no other. Only for statements
/// whose text does not depend on their values: every column is set each time, nothing is optional, no list has a length of its own.
pub fn always_the_same<Name: 'static, Statement>(statement: Statement) -> Cached<Name, Statement> {
    Cached(statement, PhantomData)
}

impl<Name, Statement: QueryFragment<DB>, DB: Backend> QueryFragment<DB> for Cached<Name, Statement> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }
}

impl<Name: 'static, Statement> QueryId for Cached<Name, Statement> {
    type QueryId = Cached<Name, ()>;

    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<Name, Statement, Conn: Connection> RunQueryDsl<Conn> for Cached<Name, Statement> {}
