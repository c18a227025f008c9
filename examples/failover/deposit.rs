//! A deposit from the question to what the Cashier says of it: well, twice, late, in contradiction, with another amount, or never.

use croupier::simulate::messages::{self, CHARGEBACK, DECLINED, Notice, PURCHASE, SUCCESS};
use serde_json::json;

use crate::door::Call;
use crate::player::{Player, accepted, declined, notify};

/// Deposits that players begin themselves have amounts of their own from here on, so that the Cashier's question takes over the one it is
/// about, and no other that was given up.
const BEGUN: i64 = 10_000;

impl Player {
    /// A deposit that the Cashier asks about, and mostly its notification.
    pub async fn deposit(&mut self, amount: i64) {
        self.cashier_asks(amount, None).await;
    }

    /// A deposit that the player begins in the players' API. Mostly the Cashier asks about it.
    pub async fn begin_deposit(&mut self) {
        let amount = BEGUN + self.number_of_begun();
        let body = json!({
            "amount": self.purse.decimals(amount), "currency": self.purse.currency,
            "idempotency_key": self.purse.reference(&format!("deposit-{amount}")),
        });
        let Some(external_id) = self.as_player("/cashier/deposit", &body).await else { return };
        self.load.book().deposit_opened(&external_id, &self.purse, amount);
        if self.dice.percent(80) {
            self.cashier_asks(amount, Some(&external_id)).await;
        }
    }

    async fn cashier_asks(&mut self, amount: i64, begun: Option<&str>) {
        let order = self.order(amount);
        let call = Call::question(&self.purse, &messages::check_deposit(self.purse.site, &order));
        let Some(answer) = self.load.ask(&mut self.dice, &call).await else { return };
        let external_id = accepted(&answer, 0).filter(|id| begun.is_none_or(|begun| begun == id));
        let Some(external_id) = external_id else { return self.load.unexpected(&call, &answer) };
        {
            let mut book = self.load.book();
            if begun.is_none() {
                book.deposit_opened(&external_id, &self.purse, amount);
            }
            book.answered(&call, &answer.body);
        }
        self.hear(Notice { external_id, order, type_id: PURCHASE, status_id: SUCCESS }).await;
    }

    /// What the Cashier says of it. Only the first final word moves money, but for a payment after a decline, and for a chargeback.
    async fn hear(&mut self, paid: Notice) {
        let mut other_amount = paid.clone();
        other_amount.order.amount += 1;
        let chargeback = Notice { type_id: CHARGEBACK, status_id: SUCCESS, ..paid.clone() };
        let declined = declined(&paid);
        let words = match self.dice.between(0, 19) {
            0 | 1 => vec![],
            2 => vec![declined],
            3 => vec![declined, paid],
            4 => vec![paid, declined],
            5 => vec![paid, chargeback],
            6 => vec![other_amount, paid],
            7 => vec![Notice { external_id: self.purse.reference("nobody"), ..paid.clone() }, paid],
            _ => vec![paid],
        };
        for word in words {
            self.say(&word).await;
            if self.dice.percent(25) {
                self.say(&word).await;
            }
        }
    }

    async fn say(&mut self, notice: &Notice) {
        if !notify(&self.load, &mut self.dice, &self.purse, notice).await {
            return;
        }
        {
            let mut book = self.load.book();
            let asked = book.deposits.get(&notice.external_id).is_some_and(|one| one.amount == notice.order.amount);
            match (notice.type_id, notice.status_id) {
                (_, _) if !asked => {}
                (PURCHASE, SUCCESS) => book.deposit_paid(&notice.external_id),
                (PURCHASE, DECLINED) => book.deposit_declined(&notice.external_id),
                (CHARGEBACK, SUCCESS) => book.deposit_reversed(&notice.external_id),
                (type_id, status_id) => book.problem(format!("type {type_id}, status {status_id}: nobody says so")),
            }
        }
        self.remember(notice);
    }

    /// Something that was said long ago comes again, and changes nothing.
    pub async fn late(&mut self) {
        if let Some(notice) = self.something_said() {
            notify(&self.load, &mut self.dice, &self.purse, &notice).await;
        }
    }
}
