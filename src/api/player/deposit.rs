//! `POST /cashier/deposit`: an order, and where the player pays it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::show::Shown;
use super::{Refusal, Refusals, Session, answer, fields};
use crate::api::{body, peer, quiet};
use crate::cashier::deposit::{self, Begun, Door, Wanted};
use crate::cashier::details::Details;
use crate::cashier::doors::Turn;
use crate::cashier::metadata::Metadata;
use crate::cashier::opening::{self, Came};
use crate::cashier::{requests, transactions};
use crate::clock::{self, DAY_MICROS};
use crate::db::{Scope, WriteTx};
use crate::error::Error;
use crate::ids::{ExternalId, SiteId};
use crate::ledger::{self, PlayerId};
use crate::money::Currency;
use crate::orders::Status;
use crate::orders::secrets::{self, Kept};
use crate::players::{Known, PlayerRow};
use crate::providers::{BALANCE_AVAILABLE, BALANCE_HELD, DepositOrder, Opening, Texts};
use crate::state::State;
use crate::talk::{Broken, talk};

/// How long a player's front end waits for a provider to open; the opening goes on behind it.
const PLAYERS_PATIENCE: Duration = Duration::from_secs(40);

/// What a player asks for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Deposit {
    /// An account of the player (a number), or the player's own name; without it, any.
    #[schema(value_type = Option<i64>, example = 5840)]
    login: Option<Box<RawValue>>,
    /// As in `GET /cashier/methods`; may be left out where the site has one.
    #[schema(example = "carouseller")]
    provider: Option<String>,
    /// As in `GET /cashier/methods`; may be left out where one is open to the player.
    #[schema(example = "card")]
    method: Option<String>,
    /// Decimals of the currency, as a number or a text. Read digit by digit.
    #[schema(value_type = f64, example = 250.00)]
    amount: Box<RawValue>,
    /// ISO 4217, the account's.
    #[schema(example = "USD")]
    currency: String,
    /// 1 to 128 characters; a repetition with it has no second effect.
    #[schema(example = "0f9bb0e7-642d-4b70-b458-62e3993c7d2d")]
    idempotency_key: Option<String>,
    /// Where the player goes after a payment; http or https, at most 2048 characters. Kept with the order.
    success_url: Option<String>,
    /// Where the player goes after none.
    failure_url: Option<String>,
    /// What the method needs, texts by name; passed to the provider and kept nowhere.
    #[schema(value_type = Option<Object>, example = json!({"bank_name": "Morgan"}))]
    details: Option<Details>,
    /// At most 512 characters.
    comment: Option<String>,
    /// A text that holds a JSON object of at most 8 KB.
    metadata_json: Option<String>,
}

impl Deposit {
    fn read(self, session: &Session) -> Result<Wanted, Refusal> {
        let account = fields::account(session, self.login.as_deref())?;
        let currency = fields::currency(session, account, &self.currency)?;
        Ok(Wanted {
            amount: fields::amount(&self.amount, currency)?,
            provider: self.provider.filter(|name| !name.is_empty()),
            method: self.method.filter(|name| !name.is_empty()),
            idempotency_key: requests::read_key(self.idempotency_key)?,
            comment: requests::read_comment(self.comment.as_deref())?,
            metadata: Metadata::read(self.metadata_json.as_deref())?,
            urls: [
                deposit::read_url(self.success_url, "success_url")?,
                deposit::read_url(self.failure_url, "failure_url")?,
            ],
            details: self.details.unwrap_or_default().read()?,
        })
    }
}

/// A deposit, and where it is paid.
#[derive(Serialize, ToSchema)]
#[schema(as = CashierDepositAnswer)]
pub(in crate::api) struct Answer {
    transaction: Shown,
    /// `REDIRECT`, while there is somewhere to go; `SHOW_REQUISITES`, while there is something to pay to.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_action: Option<&'static str>,
    /// What to pay to, texts by name: `card_number`, `bank_name`, `amount`, `expires_at`.
    #[serde(skip_serializing_if = "Texts::is_empty")]
    #[schema(value_type = Object)]
    requisites: Texts,
    /// Where the player pays.
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_url: Option<String>,
}

/// Begin a deposit
///
/// Writes the order, opens the Cashier, and says where the player pays. The Cashier's own question goes on with the same order.
#[utoipa::path(
    post, path = "/cashier/deposit", tag = "player", operation_id = "create_cashier_deposit",
    request_body = Deposit,
    responses((status = 200, description = "The deposit, in its present state", body = Answer),
        (status = 409, description = "`IDEMPOTENCY_KEY_REUSED`", body = super::Body),
        (status = 502, description = "`PROVIDER_ERROR`: the Cashier could not be opened, the deposit has failed", body = super::Body),
        Refusals),
    security(("player" = []))
)]
pub(in crate::api) async fn create(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State>,
) -> Result<HttpResponse, Refusal> {
    let session = Session::of(&request, &state).await?;
    let sent: Deposit = body::json(&request, payload, state.settings.server.max_body_bytes).await?;
    let wanted = sent.read(&session)?;
    state.check_open()?;
    let (site, player) = (Arc::clone(&session.site), session.player.clone());
    let (settings, asked) = (state.settings.clone(), wanted.clone());
    let begin =
        move |tx: &mut WriteTx<'_>| deposit::begin(tx, &settings.providers, &site, &player, &asked, clock::now());
    match state.db.write(Scope::Number(session.player.id), begin).await? {
        Begun::Before(id) => shown(&state, session, id, None).await,
        Begun::NotOffered(why) => Err(why.into()),
        Begun::NoSuchMethod => {
            let message = "this site has no such method of this provider";
            let refusal = Refusal::new(StatusCode::FORBIDDEN, "PAYMENT_METHOD_NOT_AVAILABLE", message);
            Err(refusal.in_field("method"))
        }
        Begun::NotNamed => Err(Refusal::field("method", "must be named: several are open to this player")),
        Begun::Open(id, door) => {
            let turn = match state.doors.ask(&id, session.player.id) {
                Turn::Yours(turn) => turn,
                Turn::UnderWay(waiting) => {
                    if let Some(waiting) = waiting {
                        waiting.ended().await;
                    }
                    return shown(&state, session, id, None).await;
                }
                Turn::Full => return Err(never_asked(&state, &id, &door, session.site.site_id, Error::Busy).await),
            };
            let customer_ip = peer::address(&request, &state.settings.server.trusted_proxies);
            let order = match order(&state, (&id, &door), &session.player, &wanted, customer_ip).await {
                Ok(order) => order,
                Err(error) => return Err(never_asked(&state, &id, &door, session.site.site_id, error).await),
            };
            let state = state.into_inner();
            let opening = {
                let (state, id) = (state.clone(), id.clone());
                // It goes on when the player hangs up, or when the provider takes longer than a player waits.
                tokio::spawn(async move {
                    let _turn = turn;
                    open(&state, &id, &door, &order).await
                })
            };
            match tokio::time::timeout(PLAYERS_PATIENCE, opening).await {
                Ok(Ok(failed)) => shown(&state, session, id, failed?).await,
                Ok(Err(broken)) => Err(Error::Internal(format!("opening deposit {id}: {broken}")).into()),
                Err(_) => shown(&state, session, id, None).await,
            }
        }
    }
}

/// The order as its provider gets it, with the player's money for providers that show it.
async fn order(
    state: &State,
    (id, door): (&ExternalId, &Door),
    player: &PlayerRow,
    wanted: &Wanted,
    customer_ip: IpAddr,
) -> Result<DepositOrder, Error> {
    let mut order = opening::order(id, door, player, wanted, customer_ip)?;
    order.optional.extend(money(state, PlayerId(player.id), order.amount.currency()).await?);
    Ok(order)
}

/// An order whose provider was certainly not asked, and which is never opened a second time, ends; others wait for a repetition. Gives back
/// what the player is told.
async fn never_asked(state: &State, id: &ExternalId, door: &Door, site: SiteId, error: Error) -> Refusal {
    let provider = state.settings.providers.of_site(door.provider, site);
    if provider.is_some_and(|provider| provider.lost_opening_counts(site, door.rail.as_deref())) {
        let (vault, order, came) = (state.vault.clone(), id.clone(), Came::Shut(error.to_string()));
        let ended = state.db.write(Scope::from(id), move |tx| opening::note(tx, &vault, &order, &came, clock::now()));
        if let Err(error) = ended.await {
            log::warn!("deposit {id}: its provider was not asked, and that cannot be written down: {error}");
        }
    }
    error.into()
}

/// The player's money, for providers that show it.
async fn money(state: &State, player: PlayerId, currency: Currency) -> Result<[(String, String); 2], Error> {
    let balances = state.db.read(move |conn| Ok(ledger::balances(conn, player)?)).await?;
    let balance = balances.into_iter().find(|(code, _)| code == currency.code());
    let balance = balance.map(|(_, balance)| balance).unwrap_or_default();
    Ok([
        (BALANCE_AVAILABLE.to_owned(), balance.available.to_string()),
        (BALANCE_HELD.to_owned(), balance.held.to_string()),
    ])
}

/// Opens the provider and writes down what came of it; gives back what went wrong.
async fn open(state: &State, id: &ExternalId, door: &Door, order: &DepositOrder) -> Result<Option<Error>, Error> {
    let provider = state.settings.providers.of_site(door.provider, order.site).ok_or(Error::NotFound("account"))?;
    let lost_counts = provider.lost_opening_counts(order.site, order.rail.as_deref());
    let next = |replies: &[_]| provider.open(order, replies);
    let came = match talk(&state.outgoing, &provider.address_rules(order.site), next).await {
        Ok(Opening::Open(opened)) => Came::Open(opened),
        Ok(Opening::Refused(reason)) | Err(Broken::NotSent(reason)) => Came::Shut(reason),
        Ok(Opening::Unknown(reason)) | Err(Broken::Unknown(reason)) if lost_counts => Came::Unknown(reason),
        Ok(Opening::Unknown(reason)) | Err(Broken::Unknown(reason)) => Came::Shut(reason),
        Err(Broken::Driver(error)) => Came::Shut(error.to_string()),
    };
    let failed = match &came {
        Came::Open(_) => None,
        Came::Unknown(reason) => {
            log::warn!("deposit {id}: nobody knows whether {} opened it, it may be paid: {reason}", door.provider);
            None
        }
        Came::Shut(reason) => {
            quiet::say(|| format!("deposit {id}: the Cashier could not be opened: {reason}"));
            Some(Error::Provider(reason.clone()))
        }
    };
    let (vault, order) = (state.vault.clone(), id.clone());
    state.db.write(Scope::from(id), move |tx| opening::note(tx, &vault, &order, &came, clock::now())).await?;
    Ok(failed)
}

/// The deposit in its present state. `failed`: why it could not be opened, which counts when nobody else opened it meanwhile.
async fn shown(
    state: &State,
    session: Session,
    id: ExternalId,
    failed: Option<Error>,
) -> Result<HttpResponse, Refusal> {
    let Session { site, player } = session.clone();
    let vault = state.vault.clone();
    let found = state.db.read(move |conn| {
        let row = transactions::find(conn, &player, &site, &id)?;
        let request = requests::of_order(conn, &id)?;
        let requisites = secrets::open_texts(conn, &vault, id.as_str(), Kept::Requisites)?;
        Ok((row, request, requisites))
    });
    let excluded = Known::from(&session.player).is_excluded(clock::now());
    let (row, request, requisites) = found.await?;
    let (url, reason) = request.map(|request| (request.redirect_url, request.failure_reason)).unwrap_or_default();
    if row.status == Status::Failed && !reason.is_empty() && failed.is_none() {
        // The first answer was that it could not be opened, and so is every other.
        return Err(Error::Provider(reason).into());
    }
    let waits = matches!(row.status, Status::Created | Status::PendingPayment) && !excluded;
    // What was to be paid to yesterday may be somebody else's today.
    let waits = waits && row.created_time > (clock::now() - DAY_MICROS).div_euclid(1_000_000);
    let redirect_url = url.filter(|_| waits);
    let requisites = if waits { requisites } else { Texts::new() };
    match (failed, &redirect_url) {
        (Some(error), None) => Err(error.into()),
        (Some(_), Some(_)) | (None, _) => {
            let to_show = (!requisites.is_empty()).then_some("SHOW_REQUISITES");
            let next_action = redirect_url.as_ref().map(|_| "REDIRECT").or(to_show);
            Ok(answer(Answer { transaction: Shown::of(row)?, next_action, requisites, redirect_url }))
        }
    }
}
