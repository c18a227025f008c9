//! The main Cashier: a key, its page, the rotation, and the plain payout (manual, "Key obtaining", "User reset conditions",
//! "Pay-out initiation").
//!
//! These answer HTTP 200 with `success` false when they refuse, and a repeated `external_id` with other content is a refusal with
//! `code` 500: the manual has no word on either.

use serde_json::json;

use super::Desk;
use super::reading::{Call, Refusal};
use crate::simulate::platforms::Way;
use crate::simulate::platforms::host::{Incoming, Reply};
use crate::simulate::platforms::shelf::{Answers, Draft};
use crate::simulate::sign;

/// `force_action` of the Cashier; API 1.0 has others.
const ACTIONS: [i64; 4] = [1, 2, 4, 5];

impl Desk {
    /// A key to the payment form.
    pub(super) fn authlink(&self, incoming: &Incoming) -> Result<Reply, Refusal> {
        let call = Call::query(incoming)?.signed_by(&self.account.brand).map_err(Refusal::softly)?;
        let player = call.player(&ACTIONS).map_err(Refusal::softly)?;
        Ok(Reply::ok(json!({"success": true, "key": self.keys().issue(player), "errors": null})))
    }

    /// The page behind a key. What the player does there, [`super::Carouseller::check_deposit`] does.
    pub(super) fn open(&self, incoming: &Incoming) -> Result<Reply, Refusal> {
        let call = Call::query(incoming)?;
        let player = self.keys().find(call.text("key")?).ok_or_else(|| Refusal::new(403, "Invalid key"))?;
        log::debug!("simulated Cashier: opened in {}", player.currency);
        Ok(Reply::Raw(200, "text/html", b"<html><body>The player chooses how to pay here.</body></html>".to_vec()))
    }

    /// The reset of a player's rotation.
    pub(super) fn rotation(&self, incoming: &Incoming) -> Result<Reply, Refusal> {
        let call = Call::json(incoming)?.signed_by(&self.account.brand).map_err(Refusal::softly)?;
        call.text("site_login").map_err(Refusal::softly)?;
        Ok(Reply::ok(json!({"success": true, "error": null})))
    }

    /// A payout that the Cashier was told of before, by its own question.
    pub(super) fn initiation(&self, incoming: &Incoming) -> Result<Reply, Refusal> {
        let call = Call::json_or_form(incoming)?.signed_by(&self.account.brand).map_err(Refusal::softly)?;
        let draft = plain(call).map_err(Refusal::softly)?;
        let answers = Answers {
            taken: &super::accepted,
            refused: Refusal::declined().into(),
            conflict: Refusal::conflict().into(),
        };
        Ok(self.shelf.make(draft, &super::own_id, answers))
    }
}

fn plain(call: Call) -> Result<Draft, Refusal> {
    if call.optional("action")?.is_some_and(|action| action != "payout") {
        return Err(Refusal::invalid("action"));
    }
    let id = call.text("external_id")?.to_owned();
    let login = call.text("site_login")?.to_owned();
    let currency = call.currency()?;
    let amount = call.params.get("amount").map(sign::text).ok_or_else(|| Refusal::missing("amount"))?;
    let is_plain = !amount.starts_with('0') && amount.bytes().all(|byte| byte.is_ascii_digit());
    let amount = amount.parse().ok().filter(|_| is_plain).ok_or_else(|| Refusal::invalid("amount"))?;
    call.optional("customer_purse")?;
    Ok(Draft { id, way: Way::Payout, login, method: String::new(), amount, currency, params: call.params })
}
