//! Payment API 1.0: host to host with a session key, and the status of any order (manual, "Payment API 1.0").
//!
//! Checked in this order: path, method, content type, a JSON object, the signature where there is one, the session key, each field, a
//! known `external_id`. The manual publishes no refusal: here it is HTTP 403 for signature and session key, 404 for an unknown order,
//! 400 for a field, always with `success` false; a payment that is refused although the call is in order, and an `external_id` with
//! other content, are HTTP 200 with `success` false and `code` 500, as at the Cashier. Nor does it publish the answers that take an
//! order: here they are those of the plain payout, and a deposit by card has `3ds_redirect_url` besides. The second deposit call of
//! Korean virtual accounts is not published and not played.

use serde_json::{Value, json};

use super::reading::{Call, Player, Refusal};
use super::{CARD_GROUPS, Desk, KOREAN_GROUP, amount};
use crate::simulate::platforms::host::{Incoming, Reply};
use crate::simulate::platforms::shelf::{Answers, Draft, evasion};
use crate::simulate::platforms::{End, Taken, Way};

/// `force_action` of a session.
const ACTIONS: [i64; 3] = [1, 2, 3];
/// `status_id`: waiting for the external system.
const EXTERNAL: i64 = 2;

impl Desk {
    /// A session key. The body of the answer is not published: `success` and `errors` are those of the Cashier's key, and the name of
    /// the key is the account's choice.
    pub(super) fn session(&self, incoming: &Incoming) -> Result<Reply, Refusal> {
        let call = Call::json(incoming)?.signed_by(&self.account.brand)?;
        let player = call.player(&ACTIONS)?;
        let mut answer = json!({"success": true, "errors": null});
        answer[self.account.session_key_member] = self.keys().issue(player).into();
        Ok(Reply::ok(answer))
    }

    /// A deposit. It is not signed: the session key says who it is for, and in which currency.
    pub(super) fn deposit(&self, incoming: &Incoming) -> Result<Reply, Refusal> {
        let call = Call::json(incoming)?;
        let player = self.bearer(&call)?;
        let group = group(&call)?;
        if group == KOREAN_GROUP {
            for name in ["account_number", "Owner_name", "bank_name"] {
                call.text(name)?;
            }
        } else {
            card(&call)?;
            check(&call, "cvv", |text| digits(text, 3..=4))?;
        }
        browser(&call)?;
        let amount = either_amount(&call, &player)?;
        self.make(Way::Deposit, call, player, group, amount)
    }

    /// A payout to a card.
    pub(super) fn payout(&self, incoming: &Incoming) -> Result<Reply, Refusal> {
        let call = Call::json(incoming)?.signed_by(&self.account.brand)?;
        let player = self.bearer(&call)?;
        if call.text("site_login")? != player.login {
            return Err(Refusal::session());
        }
        let group = group(&call)?;
        if group == KOREAN_GROUP {
            return Err(Refusal::invalid("group"));
        }
        card(&call)?;
        let amount = major(call.amount.as_deref().ok_or_else(|| Refusal::missing("amount"))?, &player)?;
        self.make(Way::Payout, call, player, group, amount)
    }

    /// How an order stands, whoever made it, by one of its two ids.
    pub(super) fn status(&self, incoming: &Incoming) -> Result<Reply, Refusal> {
        let call = Call::json(incoming)?.signed_by(&self.account.brand)?;
        let login = call.text("site_login")?;
        let (id, order) = match (call.optional("order_id")?, call.optional("external_id")?) {
            (Some(_), Some(_)) => return Err(Refusal::invalid("order_id")),
            (None, None) => return Err(Refusal::missing("external_id")),
            (None, Some(id)) => (id.to_owned(), self.shelf.order(id)),
            (Some(own_id), None) => {
                let found = self.shelf.by_own_id(own_id);
                (found.as_ref().map_or_else(|| own_id.to_owned(), |order| order.id.clone()), found)
            }
        };
        let not_found = Refusal::new(404, "Order not found");
        if let Some(reply) = evasion(self.shelf.question(&id), not_found.clone().into()) {
            return Ok(reply);
        }
        // An order of somebody else's is none.
        let order = order.filter(|order| order.login == login).ok_or(not_found)?;
        Ok(Reply::ok(stands(&order)))
    }

    fn bearer(&self, call: &Call) -> Result<Player, Refusal> {
        let key = call.params.get("session_key").ok_or_else(|| Refusal::missing("session_key"))?;
        key.as_str().and_then(|key| self.keys().find(key)).ok_or_else(Refusal::session)
    }

    fn make(&self, way: Way, call: Call, player: Player, group: i64, amount: i64) -> Result<Reply, Refusal> {
        let id = order_of(&call)?.to_owned();
        let here = self.address.get().map(ToString::to_string).unwrap_or_default();
        let taken = |order: &Taken| {
            let mut answer = super::accepted(order);
            if way == Way::Deposit && group != KOREAN_GROUP {
                answer["3ds_redirect_url"] = format!("http://{here}{}{}", super::PAGE, order.own_id).into();
            }
            answer
        };
        let answers =
            Answers { taken: &taken, refused: Refusal::declined().into(), conflict: Refusal::conflict().into() };
        let Player { login, currency } = player;
        let draft = Draft { id, way, login, method: group.to_string(), amount, currency, params: call.params };
        Ok(self.shelf.make(draft, &super::own_id, answers))
    }
}

/// The answer to a status call. `amount` is in minor units: the manual's sample is an integer, and orders of the Cashier are asked
/// about here too.
fn stands(order: &Taken) -> Value {
    let status = match order.end {
        End::Pending => EXTERNAL,
        End::Paid => 4,
        End::Declined => 6,
        End::Expired => 13,
        End::Cancelled => 14,
    };
    json!({"success": true, "order_id": order.own_id, "payment_group_id": super::group_of(order),
        "external_id": order.id, "status_id": status, "amount": order.amount, "currency": order.currency,
        "real_amount": order.amount, "real_currency": order.currency})
}

/// The merchant's id: the table calls it `external_id`, the samples `order_ref`. Both may be there and are equal then.
fn order_of(call: &Call) -> Result<&str, Refusal> {
    match (call.optional("external_id")?, call.optional("order_ref")?) {
        (Some(id), Some(reference)) if id != reference => Err(Refusal::invalid("order_ref")),
        (Some(id), _) | (None, Some(id)) => Ok(id),
        (None, None) => Err(Refusal::missing("external_id")),
    }
}

fn group(call: &Call) -> Result<i64, Refusal> {
    let group = call.params.get("group").ok_or_else(|| Refusal::missing("group"))?;
    let known = |group: &i64| CARD_GROUPS.contains(group) || *group == KOREAN_GROUP;
    group.as_i64().filter(known).ok_or_else(|| Refusal::invalid("group"))
}

/// `amount` in major units or `minor_amount`; both, when they agree.
fn either_amount(call: &Call, player: &Player) -> Result<i64, Refusal> {
    let bad = || Refusal::invalid("minor_amount");
    let major = call.amount.as_deref().map(|text| major(text, player)).transpose()?;
    let minor = call.params.get("minor_amount").map(|value| value.as_i64().filter(|minor| *minor > 0).ok_or_else(bad));
    match (major, minor.transpose()?) {
        (Some(major), Some(minor)) if major != minor => Err(bad()),
        (Some(amount), _) | (None, Some(amount)) => Ok(amount),
        (None, None) => Err(Refusal::missing("amount")),
    }
}

fn major(text: &str, player: &Player) -> Result<i64, Refusal> {
    amount::minor(text, &player.currency).ok_or_else(|| Refusal::invalid("amount"))
}

fn card(call: &Call) -> Result<(), Refusal> {
    check(call, "card_number", |text| digits(text, 12..=19))?;
    check(call, "valid_thru_month", |text| digits(text, 2..=2) && ("01"..="12").contains(&text))?;
    check(call, "valid_thru_year", |text| digits(text, 4..=4))?;
    call.text("card_holder").map(|_| ())
}

/// What is known of the browser: integers; `time_zone_offset` may be a text, as in the sample; texts.
fn browser(call: &Call) -> Result<(), Refusal> {
    for name in ["screen_width", "screen_height", "color_depth"] {
        if call.params.get(name).is_some_and(|value| !value.is_i64()) {
            return Err(Refusal::invalid(name));
        }
    }
    if call.params.get("time_zone_offset").is_some_and(|value| !value.is_i64() && !value.is_string()) {
        return Err(Refusal::invalid("time_zone_offset"));
    }
    for name in ["browser_language", "redirect_success_url", "redirect_fail_url"] {
        call.optional(name)?;
    }
    Ok(())
}

fn check(call: &Call, name: &str, allows: impl Fn(&str) -> bool) -> Result<(), Refusal> {
    if allows(call.text(name)?) { Ok(()) } else { Err(Refusal::invalid(name)) }
}

fn digits(text: &str, lengths: std::ops::RangeInclusive<usize>) -> bool {
    lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}
