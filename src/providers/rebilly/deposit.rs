//! A deposit begins: a deposit request of its own, or the one behind the player's cashier (manual, "Deposit requests", "Cashiers").

use super::account::{Account, DepositBy};
use super::call::{Flow, Script, Stop, is_problem, problem};
use super::customer;
use super::wire::{Doc, Thing, Written};
use crate::error::Error;
use crate::outgoing::Reply;
use crate::outgoing::page::{LONGEST_PAGE, web_page};
use crate::providers::{BALANCE_AVAILABLE, BALANCE_HELD, DepositOrder, Opened, Opening, Texts};

/// The fields of `POST /cashiers` that today's edition refuses (manual, "POST /cashiers request").
const BALANCES: [&str; 3] = ["balance", "bonusBalance", "pendingPayoutTotal"];

type Talk<R> = Flow<R, Opening>;

/// What a deposit is opened with.
struct Wish<'a> {
    account: &'a Account,
    order: &'a DepositOrder,
    customer: &'a str,
    notification_url: String,
}

pub(super) fn open(account: &Account, order: &DepositOrder, script: &mut Script<'_>) -> Talk<Opening> {
    let customer = customer(&order.login, &order.optional).map_err(Stop::Error)?;
    let address = account.notification_url(order.external_id.as_str());
    let notification_url = address.ok_or_else(|| Stop::Error(Error::Conflict("there is no public_url".to_owned())))?;
    let wish = Wish { account, order, customer, notification_url };
    match account.deposit_by {
        DepositBy::DepositRequest => own_request(&wish, script, Texts::new()),
        DepositBy::Cashier => cashier(&wish, script),
    }
}

impl Wish<'_> {
    /// What both calls begin with.
    fn body(&self) -> Written {
        let [success, failure] = &self.order.return_urls;
        let redirect = success.as_deref().or(failure.as_deref()).filter(|url| url.len() <= LONGEST_PAGE);
        Written::default()
            .text("websiteId", &self.account.website_id)
            .text("customerId", self.customer)
            .text("currency", self.order.amount.currency().code())
            .text_if("redirectUrl", redirect)
            .text("notificationUrl", &self.notification_url)
    }

    /// The player's money as we have it, when we were given it: there is no bonus balance of its own, and nothing is shown below zero.
    fn balances(&self) -> Option<[String; 3]> {
        let minor = |wanted: &str| {
            let (_, text) = self.order.optional.iter().find(|(name, _)| name == wanted)?;
            text.parse::<i64>().ok().map(|minor| self.order.amount.currency().in_major(minor.max(0)))
        };
        Some([minor(BALANCE_AVAILABLE)?, "0".to_owned(), minor(BALANCE_HELD)?])
    }

    fn amount(&self) -> String {
        self.order.amount.currency().in_major(self.order.amount.minor())
    }
}

/// `POST /deposit-requests` with one amount to choose from.
fn own_request(wish: &Wish<'_>, script: &mut Script<'_>, facts: Texts) -> Talk<Opening> {
    let body = wish.body().json("amounts", &format!("[{}]", wish.amount())).json("customAmount", "null");
    let reply = script.say(wish.account.post(&["deposit-requests"], body.done()))?;
    match reply.status {
        201 => {}
        400 | 401 | 403 | 404 | 409 | 422 | 429 if is_problem(reply) => return Ok(Opening::Refused(problem(reply))),
        _ => return Ok(Opening::Unknown(problem(reply))),
    }
    Ok(opened(wish, reply, facts).unwrap_or_else(|why| Opening::Unknown(format!("HTTP status 201: {why}"))))
}

/// Where the deposit request of a reply is paid, when it is one for this player and order.
fn opened(wish: &Wish<'_>, reply: &Reply, mut facts: Texts) -> Result<Opening, &'static str> {
    let doc = Doc::read(&reply.body)?;
    let request = doc.thing().ok_or("the answer is no object")?;
    let id = request.text("id").ok_or("the deposit request has no id")?;
    if request.text("customerId").is_some_and(|customer| customer != wish.customer) {
        return Err("the deposit request is another customer's");
    }
    let link = request.link("deposit").ok_or("the deposit request has no link to pay")?;
    if web_page(link).is_none() {
        return Err("the link to pay is no address of a page");
    }
    facts.insert("deposit_request_id".to_owned(), id.to_owned());
    facts.insert("customer_id".to_owned(), wish.customer.to_owned());
    Ok(Opening::Open(Opened { redirect_url: Some(link.to_owned()), facts, ..Opened::default() }))
}

/// `POST /cashiers`, and the deposit request behind it.
///
/// A cashier lives an hour, cannot be changed, and an earlier one is given back as it was (manual, "Open questions" 2 and 3): what is
/// behind it then belongs to the order it was made for, and this order gets a deposit request of its own.
fn cashier(wish: &Wish<'_>, script: &mut Script<'_>) -> Talk<Opening> {
    let amount = wish.amount();
    let limits = format!("{{\"minimum\":{amount},\"maximum\":{amount}}}");
    let plain = || wish.body().json("depositLimits", &limits);
    let balances = wish.account.send_balances.then(|| wish.balances()).flatten();
    let body = match &balances {
        Some(known) => BALANCES.iter().zip(known).fold(plain(), |body, (name, text)| body.json(name, text)),
        None => plain(),
    };
    let mut reply = script.say(wish.account.post(&["cashiers"], body.done()))?;
    if reply.status == 422 && balances.is_some() && names_balances(reply) {
        reply = script.say(wish.account.post(&["cashiers"], plain().done()))?;
    }
    match reply.status {
        200 | 201 => {}
        400 | 401 | 403 | 404 | 409 | 422 | 429 if is_problem(reply) => return Ok(Opening::Refused(problem(reply))),
        _ => return Ok(Opening::Unknown(problem(reply))),
    }
    let (id, request) = match of_cashier(wish, reply) {
        Ok(found) => found,
        Err(why) => return Ok(Opening::Unknown(format!("HTTP status {}: {why}", reply.status))),
    };
    let facts = Texts::from([("cashier_id".to_owned(), id)]);
    let Some(request) = request else { return own_request(wish, script, facts) };
    let reply = script.say(wish.account.get(&["deposit-requests", &request]))?;
    match reply.status {
        200 if is_open_for(wish, reply) => match opened(wish, reply, facts.clone()) {
            Ok(opening) => Ok(opening),
            Err(_) => own_request(wish, script, facts),
        },
        200 | 404 => own_request(wish, script, facts),
        _ => Ok(Opening::Unknown(problem(reply))),
    }
}

fn names_balances(reply: &Reply) -> bool {
    let Ok(doc) = Doc::read(&reply.body) else { return false };
    let wrong = doc.thing().map(|thing| thing.things("invalidFields")).unwrap_or_default();
    wrong.iter().filter_map(|one| one.text("field")).any(|field| BALANCES.contains(&field))
}

/// The cashier's id, and its deposit request when the cashier was made for this order.
fn of_cashier(wish: &Wish<'_>, reply: &Reply) -> Result<(String, Option<String>), &'static str> {
    let doc = Doc::read(&reply.body)?;
    let cashier = doc.thing().ok_or("the answer is no object")?;
    let id = cashier.text("id").ok_or("the cashier has no id")?;
    if cashier.text("customerId").is_some_and(|customer| customer != wish.customer) {
        return Err("the cashier is another customer's");
    }
    let request = cashier.text("lastDepositRequestId").filter(|_| is_ours(wish, cashier));
    Ok((id.to_owned(), request.map(str::to_owned)))
}

/// Whether what was made reports to this order's own address.
fn is_ours(wish: &Wish<'_>, thing: Thing<'_>) -> bool {
    thing.text("notificationUrl") == Some(&wish.notification_url)
}

/// Whether a deposit request is this order's and can still be paid.
fn is_open_for(wish: &Wish<'_>, reply: &Reply) -> bool {
    let Ok(doc) = Doc::read(&reply.body) else { return false };
    let Some(request) = doc.thing() else { return false };
    let is_open = !matches!(request.text("status"), Some("completed" | "expired") | None);
    is_open && is_ours(wish, request)
}
