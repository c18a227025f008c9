//! What is measured: the service itself, and two references in the same process: the same request without a database, and with one
//! transaction per request.

use std::collections::HashMap;
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

/// The site of the load.
pub const SITE: i64 = 332;
/// Its salt.
pub const SALT: &str = "a_salt_for_benchmarks_only_0123456789";
/// Players the load is spread over.
pub const PLAYERS: usize = 1000;

/// Starts the real service on a fresh database with funded players.
pub fn start(directory: &Path, database: &str, lanes: u64) -> (SocketAddr, State) {
    let text = format!(
        "[server]\npublic_bind = \"127.0.0.1:0\"\nprivate_bind = \"127.0.0.1:0\"\nstate_dir = \"{0}\"\n\
         [database]\nurl = \"{database}\"\nlanes = {lanes}\n[wallet]\napi_keys = {{ game = \"{SALT}{SALT}\" }}\n\
         [sites.demo]\nsite_id = {SITE}\ncurrencies = [\"USD\"]\n[sites.demo.carouseller]\nsalts = [\"{SALT}\"]\n\
         payout_url = \"http://127.0.0.1:9/\"\n[sites.demo.payouts]\napproval = \"manual\"\n",
        directory.display()
    );
    let settings = Settings::from_text(&text).expect("the settings are right");
    let (started, start) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async {
            let app = Application::build(settings).await.expect("it starts");
            fund(app.state()).await;
            started.send((app.public_address(), app.state().clone())).expect("the benchmark waits");
            app.run(std::future::pending()).await.expect("it runs");
        });
    });
    start.recv().expect("the service starts")
}

async fn fund(state: &State) {
    let usd = Currency::parse("USD").expect("a currency");
    for number in 0..PLAYERS {
        let login = Login::parse(&format!("player{number}")).expect("a login");
        let player = Player { site: SiteId(SITE), login };
        let put = player.clone();
        let made = state.db.write(Scope::from(&put.clone()), move |tx| {
            players::put(tx, &put, &players::Change::default(), clock::now())
        });
        made.await.expect("a player");
        let movement = Movement {
            player,
            kind: Kind::Bonus,
            amount: 900_000_000_000_000,
            currency: usd,
            reference: "seed".into(),
            reason: None,
        };
        let key = format!("seed-{number}");
        let whose = Scope::from(&movement.player);
        state.db.write(whose, move |tx| transactions::make(tx, &key, &movement, clock::now())).await.expect("money");
    }
}

/// The same request, its signature checked, and no database.
pub fn bare() -> SocketAddr {
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
}

/// The same work as the service, with one transaction per request on a pool of connections.
pub fn one_by_one(state: &State) -> SocketAddr {
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
                    let question = dialect.read_question(&raw(&request, &body)).expect("the load is well signed");
                    let direction = question.direction;
                    let whose = [Scope::from(&Player { site: question.site, login: question.login.clone() })];
                    let prepared = Prepared::new("carouseller", sites[&SiteId(SITE)].clone(), question);
                    let worked = web::block(move || {
                        let mut conn = pool.get().map_err(|error| Error::NoConnection(error.to_string()))?;
                        db::immediately(&mut conn, |tx| {
                            (shared::HOOKS.warm)(tx, &whose)?;
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

fn http(configure: impl Fn(&mut web::ServiceConfig) + Send + Clone + 'static) -> SocketAddr {
    let (started, start) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async {
            let listener = bind(([127, 0, 0, 1], 0).into()).expect("a free port");
            started.send(listener.local_addr().expect("an address")).expect("the benchmark waits");
            serve(listener, Side::Public, Limits::default(), configure).expect("it serves").await.expect("it runs");
        });
    });
    start.recv().expect("the reference starts")
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

/// What a signed form body looks like, by action.
pub fn body(action: &str, number: usize) -> String {
    let mut fields: Vec<(&str, String)> = vec![
        ("action", action.to_owned()),
        ("amount", (100 + number % 900).to_string()),
        ("currency", "USD".into()),
        ("customer_ip", "127.0.0.1".into()),
        ("customer_purse", "555555...4444".into()),
        ("payment_group_id", "6".into()),
        ("payment_type_id", "18".into()),
        ("remember_customer_purse", "0".into()),
        ("site_id", SITE.to_string()),
        ("site_login", format!("player{}", number % PLAYERS)),
        ("source_type", "4".into()),
        ("transaction_id", format!("{}", 70_000_000_000 + number)),
    ];
    let signed: HashMap<_, _> = fields.iter().cloned().collect();
    let mut names: Vec<_> = signed.keys().copied().collect();
    names.sort_unstable();
    let text: String = names.iter().map(|name| format!("{name}:{};", signed[name])).collect();
    use sha1::Digest;
    let digest = sha1::Sha1::digest(format!("{text}{SALT}").as_bytes());
    fields.push(("signature", hex::encode(digest)));
    serde_urlencoded::to_string(&fields).expect("texts")
}
