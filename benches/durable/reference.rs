//! The references, each a process of its own: the same request without a database, and the same work with one transaction per request.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use croupier::api::transport::{Limits, Side, bind, only_post, read_body, serve};
use croupier::app::{Application, State};
use croupier::clock;
use croupier::db::{self, DbConn, Place, Scope};
use croupier::error::Error;
use croupier::ids::{ExternalId, Login, Player, SiteId, time_ordered};
use croupier::money::Currency;
use croupier::players;
use croupier::providers::carouseller::answer::{self, Answer};
use croupier::providers::carouseller::{Carouseller, SiteWire};
use croupier::providers::{Direction, RawRequest};
use croupier::questions::{self, Prepared};
use croupier::secret::Secret;
use croupier::settings::Settings;
use croupier::shared;
use croupier::wallet::transactions::{self, Kind, Movement};
use diesel::r2d2::{Error as PoolError, ManageConnection, Pool};

use crate::options::{Options, Reference};
use crate::wire::{FUNDS, KEY, PLAYERS, SALT, SITE, player};

/// The settings of the service and of the reference.
pub fn settings(directory: &Path, database: &str) -> String {
    format!(
        "[server]\npublic_bind = \"127.0.0.1:0\"\nprivate_bind = \"127.0.0.1:0\"\nstate_dir = \"{0}\"\n\
         [database]\nurl = \"{database}\"\n[wallet]\napi_keys = {{ game = \"{KEY}\" }}\n\
         [sites.demo]\nsite_id = {SITE}\ncurrencies = [\"USD\"]\n[sites.demo.carouseller]\nsalts = [\"{SALT}\"]\n\
         payout_url = \"http://127.0.0.1:9/\"\n[sites.demo.payouts]\napproval = \"manual\"\n",
        directory.display()
    )
}

/// Is one of the references until it is killed.
pub fn be(reference: Reference, options: &Options) {
    log::set_max_level(log::LevelFilter::Off);
    actix_web::rt::System::new().block_on(async {
        match reference {
            Reference::Bare => bare().await,
            Reference::OneByOne => {
                let text = settings(&options.dir, &options.database);
                let settings = Settings::from_text(&text).expect("the settings are right");
                let app = Application::build(settings).await.expect("it starts");
                fund(app.state()).await;
                one_by_one(app.state()).await;
            }
        }
    });
}

/// All players at once, so that they share their commits.
async fn fund(state: &State) {
    futures_util::future::join_all((0..PLAYERS).map(|number| fund_one(state, number))).await;
}

async fn fund_one(state: &State, number: u64) {
    let login = Login::parse(&player(number)).expect("a login");
    let player = Player { site: SiteId(SITE), login };
    let (put, whose) = (player.clone(), Scope::from(&player));
    let made =
        state.db.write(whose.clone(), move |tx| players::put(tx, &put, &players::Change::default(), clock::now()));
    made.await.expect("a player");
    let movement = Movement {
        player,
        kind: Kind::Bonus,
        amount: FUNDS,
        currency: Currency::parse("USD").expect("a currency"),
        reference: "seed".into(),
        reason: None,
    };
    let key = format!("seed-{number}");
    state.db.write(whose, move |tx| transactions::make(tx, &key, &movement, clock::now())).await.expect("money");
}

/// The same request, its signature checked, and no database.
async fn bare() {
    let dialect = Arc::new(dialect());
    http(move |config| {
        let dialect = dialect.clone();
        config.service(only_post(
            "/cashier/callback/carouseller",
            move |request: HttpRequest, mut payload: web::Payload| {
                let dialect = dialect.clone();
                async move {
                    let body = read_body(&request, &mut payload, 65_536).await?;
                    let read = dialect.read_question(&raw(&request, &body));
                    let id = ExternalId::parse(&time_ordered()).expect("our own id");
                    Ok::<_, actix_web::Error>(respond(&match read {
                        Ok(question) if question.direction == Direction::Deposit => answer::deposit(&Ok(id)),
                        Ok(_) => answer::payout(&Ok(id)),
                        Err(error) => answer::unread_question(&error),
                    }))
                }
            },
        ));
    })
    .await;
}

/// The same work as the service, with one transaction per request on a pool of connections.
async fn one_by_one(state: &State) {
    // A file has nobody to lock out, and what is not read in is looked up.
    let is_server = state.db.place().file().is_none();
    let pool = Pool::builder().max_size(16).build(Connections(state.db.place().clone())).expect("a pool");
    let (dialect, sites) = (Arc::new(dialect()), state.sites.clone());
    http(move |config| {
        let (dialect, sites, pool) = (dialect.clone(), sites.clone(), pool.clone());
        config.service(only_post(
            "/cashier/callback/carouseller",
            move |request: HttpRequest, mut payload: web::Payload| {
                let (dialect, sites, pool) = (dialect.clone(), sites.clone(), pool.clone());
                async move {
                    let body = read_body(&request, &mut payload, 65_536).await?;
                    let question = match dialect.read_question(&raw(&request, &body)) {
                        Ok(question) => question,
                        Err(error) => return Ok(respond(&answer::unread_question(&error))),
                    };
                    let direction = question.direction;
                    let whose = [Scope::from(&Player { site: question.site, login: question.login.clone() })];
                    let prepared = Prepared::new("carouseller", sites[&SiteId(SITE)].clone(), question);
                    let worked = web::block(move || {
                        let mut conn = pool.get().map_err(|error| Error::NoConnection(error.to_string()))?;
                        db::immediately(&mut conn, |tx| {
                            if is_server {
                                (shared::HOOKS.warm)(tx, &whose)?;
                            }
                            questions::decide(tx, &prepared, clock::now())
                        })
                    });
                    let decided = worked.await?;
                    Ok::<_, actix_web::Error>(respond(&match direction {
                        Direction::Deposit => answer::deposit(&decided),
                        Direction::Payout => answer::payout(&decided),
                    }))
                }
            },
        ));
    })
    .await;
}

/// Connections that write, each used by one request at a time.
struct Connections(Place);

impl ManageConnection for Connections {
    type Connection = DbConn;
    type Error = PoolError;

    fn connect(&self) -> Result<DbConn, PoolError> {
        use diesel::connection::SimpleConnection;
        let mut conn = db::connect(&self.0).expect("the database opens");
        if let DbConn::Sqlite(file) = &mut conn {
            // Many writers wait for one lock here; that is what is measured.
            file.batch_execute("PRAGMA busy_timeout = 30000").map_err(PoolError::QueryError)?;
        }
        Ok(conn)
    }

    fn is_valid(&self, _conn: &mut DbConn) -> Result<(), PoolError> {
        Ok(())
    }

    fn has_broken(&self, _conn: &mut DbConn) -> bool {
        false
    }
}

/// Says where it listens, as the service does, and serves.
async fn http(configure: impl Fn(&mut web::ServiceConfig) + Send + Clone + 'static) {
    let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
    println!("public on http://{}", listener.local_addr().expect("an address"));
    serve(listener, Side::Public, Limits::default(), configure).expect("it serves").await.expect("it runs");
}

fn dialect() -> Carouseller {
    Carouseller::new([SiteWire {
        site: SiteId(SITE),
        salts: vec![Secret::new(SALT)],
        allow_from: Vec::new(),
        currencies: vec![Currency::parse("USD").expect("a currency")],
        accept_unsigned: false,
    }])
}

fn raw<'a>(request: &'a HttpRequest, body: &'a [u8]) -> RawRequest<'a> {
    let content_type = request.headers().get("content-type").and_then(|value| value.to_str().ok());
    let peer = std::net::IpAddr::from([127, 0, 0, 1]);
    RawRequest::plain(content_type, request.query_string(), body, peer)
}

fn respond(answer: &Answer) -> HttpResponse {
    let status = actix_web::http::StatusCode::from_u16(answer.http).expect("a status");
    HttpResponse::build(status).content_type("application/json").body(answer.to_json())
}
