//! People who work in the back office, and what they ask for.

use croupier::clock;
use croupier::db::Scope;
use croupier::secret::Secret;
use croupier::staff::passwords::Hashed;
use croupier::staff::{Role, accounts};
use serde_json::{Value, json};

use super::app::TestApp;
use super::wire::Reply;

impl TestApp {
    /// Makes a member of the staff; their bearer token.
    pub async fn staff(&self, name: &'static str, role: Role) -> String {
        let password = Hashed::new(&Secret::new("correct horse battery")).expect("a password");
        let made = self.state.db.write(Scope::Nobody, move |tx| {
            accounts::add(tx, "cli", name, role, &password, clock::now())?;
            accounts::issue_token(tx, "cli", name, clock::now())
        });
        made.await.expect("a member of the staff").expose().to_owned()
    }

    /// A decision about a payout: `approve`, `decline`.
    pub async fn decide(&self, token: &str, act: &str, external_id: &str) -> Reply {
        let path = format!("/admin/api/v1/payouts/{external_id}/{act}");
        self.as_staff(token, "POST", &path, json!({"reason": format!("{act} it")})).await
    }

    /// Any request with a staff token.
    pub async fn as_staff(&self, token: &str, method: &str, path: &str, body: Value) -> Reply {
        let body = if body.is_null() { None } else { Some(body) };
        self.wallet().with_key(token).call(method, path, &[], body).await
    }
}
