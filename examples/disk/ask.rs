//! Requests to the service, as they came, and what it answers: the same code decides that the listeners call, inside a write.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, OnceLock};

use croupier::clock;
use croupier::db::{DbConn, WriteTx};
use croupier::error::Error;
use croupier::ids::{ExternalId, Login, Player, SiteId};
use croupier::ledger;
use croupier::money::Currency;
use croupier::payouts::approve::{self, By, Ending};
use croupier::players;
use croupier::providers::carouseller::answer;
use croupier::providers::{Direction, Heard, Provider, RawRequest, Said};
use croupier::questions::{self, Prepared};
use croupier::settings::{Settings, Site};
use croupier::simulate::{Params, sign};
use croupier::staff::approvals::Agreement;
use croupier::wallet::adjust::{self, Adjusted, Adjustment};
use croupier::wallet::rollback;
use croupier::wallet::transactions::{self, Kind, Movement};
use croupier::{cashier::withdrawal, webhooks};
use serde_json::{Value, json};

use crate::home::{SALT, SITE, settings};

/// A request.
#[derive(Debug, Clone)]
pub enum Ask {
    /// A signed question of the Cashier, as it stood on the wire.
    Question(String),
    /// A signed notification, as it stood on the wire.
    Notice(String),
    /// The game server moves money.
    Play {
        login: &'static str,
        kind: Kind,
        amount: i64,
        reference: &'static str,
    },
    /// The game server undoes a bet.
    Rollback {
        login: &'static str,
        reference: &'static str,
    },
    /// The game server makes a player.
    Player {
        login: &'static str,
    },
    /// Somebody of the staff decides about a payout.
    Approve {
        id: String,
        by: &'static str,
    },
    Decline {
        id: String,
        by: &'static str,
    },
    Resolve {
        id: String,
        by: &'static str,
        ending: Ending,
    },
    /// The player takes a payout back.
    TakeBack {
        login: &'static str,
        id: String,
    },
    /// Somebody of the staff changes a balance.
    Adjust {
        login: &'static str,
        amount: i64,
        by: &'static str,
    },
    /// Not a request: the worker sends what is due.
    Send,
}

/// What asking the same once more must lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// The same answer.
    Same,
    /// A refusal: it is done.
    Refused,
    /// It is not asked: nothing makes a repetition recognisable, or nobody asked.
    Never,
}

impl Ask {
    pub fn again(&self) -> Again {
        match self {
            Ask::Question(_) | Ask::Notice(_) | Ask::Play { .. } | Ask::Rollback { .. } | Ask::TakeBack { .. } => {
                Again::Same
            }
            Ask::Player { .. } => Again::Same,
            Ask::Approve { .. } | Ask::Decline { .. } | Ask::Resolve { .. } => Again::Refused,
            Ask::Adjust { .. } | Ask::Send => Again::Never,
        }
    }
}

/// A question of the Cashier, signed.
pub fn question(action: &str, login: &str, amount: i64, transaction: &str) -> Ask {
    let own = if action == "request_payout" { "remember_customer_purse" } else { "source_type" };
    Ask::Question(signed(&json!({"action": action, own: 0, "site_id": SITE, "site_login": login, "amount": amount,
        "currency": "USD", "payment_group_id": 6, "payment_type_id": 18, "customer_purse": "555555...4444",
        "customer_ip": "127.0.0.1", "transaction_id": transaction})))
}

/// A notification of the Cashier, signed. `codes` are type and status.
pub fn notice(id: &str, login: &str, amount: i64, codes: (i64, i64), transaction: &str) -> Ask {
    Ask::Notice(signed(
        &json!({"site_id": SITE, "amount": amount, "currency": "USD", "real_amount": amount, "real_currency": "USD",
        "extended_info_enabled": 0, "processor_id": "89151432", "processor_message": "as the processor says",
        "customer_purse": "555555...4444", "completed_at": "2026-02-12T15:19:21+00:00", "site_login": login,
        "payment_group_id": 6, "display_payment_group_id": 6, "payment_type_id": 18, "customer_ip": "127.0.0.1",
        "source_type": 4, "type_id": codes.0, "status_id": codes.1, "transaction_id": transaction, "external_id": id}),
    ))
}

fn signed(params: &Value) -> String {
    let params: &Params = params.as_object().expect("parameters are an object");
    Value::Object(sign::signed(params, SALT)).to_string()
}

fn raw(body: &str) -> RawRequest<'_> {
    RawRequest::plain(Some("application/json"), "", body.as_bytes(), IpAddr::V4(Ipv4Addr::LOCALHOST))
}

/// The settings that decide, whatever the directory of the books.
fn known() -> &'static (Settings, Arc<Site>) {
    static KNOWN: OnceLock<(Settings, Arc<Site>)> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let settings = settings(std::path::Path::new("."), "http://127.0.0.1:9/api/payout/");
        let site = Arc::new(settings.sites.first().expect("one site").clone());
        (settings, site)
    })
}

/// A player of the site.
pub fn player(login: &str) -> Player {
    Player { site: SiteId(SITE), login: Login::parse(login).expect("a login") }
}

pub fn usd() -> Currency {
    Currency::parse("USD").expect("a currency")
}

/// Does what is asked, and gives the answer as its sender would see it. An error is what the listeners map to a refusal or to 503.
pub fn perform(tx: &mut WriteTx<'_>, ask: &Ask) -> Result<String, Error> {
    let (settings, site) = known();
    let at = clock::now();
    match ask {
        Ask::Question(body) => {
            let read = settings.providers.carouseller.read_question(&raw(body));
            let question = read.map_err(|error| Error::Internal(format!("our own question: {error}")))?;
            let direction = question.direction;
            let decided = questions::decide(tx, &Prepared::new("carouseller", site.clone(), question), at)?;
            let answer = match direction {
                Direction::Deposit => answer::deposit(&Ok(decided)),
                Direction::Payout => answer::payout(&Ok(decided)),
            };
            Ok(answer.to_json())
        }
        Ask::Notice(body) => {
            let provider: &dyn Provider = settings.providers.get("carouseller").expect("it is set");
            match provider.read(&raw(body)) {
                Ok(Heard::Notification(told)) => {
                    webhooks::additional::receive(tx, &told, provider.surplus(&told), at)?;
                    Ok(provider.tell(Said::Taken).body)
                }
                Ok(Heard::Hint(_) | Heard::Nothing(_)) => Err(Error::Internal("our own notification".into())),
                Err(error) => Err(Error::Internal(format!("our own notification: {error}"))),
            }
        }
        Ask::Play { .. } | Ask::Rollback { .. } | Ask::Player { .. } => of_game_server(tx, ask),
        Ask::Approve { .. } | Ask::Decline { .. } | Ask::Resolve { .. } | Ask::Adjust { .. } => of_staff(tx, site, ask),
        Ask::TakeBack { login, id } => {
            let row = players::read(tx.read()?, &player(login))?.ok_or(Error::UnknownPlayer)?;
            let taken = withdrawal::take_back(tx, site, &row, &ExternalId::parse(id)?, at)?;
            Ok(format!("{taken:?}"))
        }
        Ask::Send => Err(Error::Internal("nobody asks for that".into())),
    }
}

fn of_game_server(tx: &mut WriteTx<'_>, ask: &Ask) -> Result<String, Error> {
    let at = clock::now();
    match ask {
        Ask::Play { login, kind, amount, reference } => {
            let movement = Movement {
                player: player(login),
                kind: *kind,
                amount: *amount,
                currency: usd(),
                reference: (*reference).to_owned(),
                reason: None,
            };
            let moved = transactions::make(tx, &format!("{login} {} {reference}", kind.name()), &movement, at)?;
            // Whether it was done before stands in a header and is not part of the body.
            Ok(format!("{} {:?} {}", moved.transaction_id, moved.balance, moved.rolled_back))
        }
        Ask::Rollback { login, reference } => {
            let (done, _) = rollback::make(tx, &player(login), reference, at)?;
            Ok(format!("{done:?}"))
        }
        Ask::Player { login } => {
            let (row, _) = players::put(tx, &player(login), &players::Change::default(), at)?;
            Ok(format!("{} {}", row.id, row.login))
        }
        _ => Err(Error::Internal("not of the game server".into())),
    }
}

fn of_staff(tx: &mut WriteTx<'_>, site: &Site, ask: &Ask) -> Result<String, Error> {
    let (at, reason) = (clock::now(), "as the papers say");
    let agreed = |agreement: Agreement| match agreement {
        Agreement::Waiting { approvals, required } => format!("{approvals} of {required}"),
        Agreement::Agreed { .. } => "done".to_owned(),
    };
    match ask {
        Ask::Approve { id, by } => {
            approve::approve(tx, site, &ExternalId::parse(id)?, By { actor: by, reason }, at).map(agreed)
        }
        Ask::Decline { id, by } => {
            approve::decline(tx, &ExternalId::parse(id)?, By { actor: by, reason }, at).map(|()| "done".to_owned())
        }
        Ask::Resolve { id, by, ending } => {
            approve::resolve(tx, site, &ExternalId::parse(id)?, *ending, By { actor: by, reason }, at).map(agreed)
        }
        Ask::Adjust { login, amount, by } => {
            let (player, amount, currency) = (player(login), *amount, usd());
            let wanted = Adjustment { player, amount, currency, reason: reason.to_owned() };
            match adjust::adjust(tx, site, &wanted, by, at)? {
                Adjusted::Waiting { approvals, required } => Ok(format!("{approvals} of {required}")),
                Adjusted::Done { id, balance } => Ok(format!("{id} {balance:?}")),
            }
        }
        _ => Err(Error::Internal("not of the staff".into())),
    }
}

/// Available and held of a player, in the one currency; nothing of somebody who is not there.
pub fn balance(conn: &mut DbConn, login: &str) -> Result<(i64, i64), Error> {
    let Some(row) = players::read(conn, &player(login))? else { return Ok((0, 0)) };
    let all = ledger::balances(conn, ledger::PlayerId(row.id))?;
    let own = all.into_iter().find(|(code, _)| code == "USD");
    Ok(own.map_or((0, 0), |(_, balance)| (balance.available, balance.held)))
}

/// The order in an answer.
pub fn order_in(answer: &str) -> Option<String> {
    let json: Value = serde_json::from_str(answer).ok()?;
    Some(json.get("external_id")?.as_str()?.to_owned())
}
