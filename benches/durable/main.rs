//! `cargo bench --bench durable`: durable requests per second against the bare ceiling and against one transaction per request, all
//! in one run on one machine, the load generator included. What counts are the ratios.
//!
//! `-- --seconds N` per measurement (default 2), `-- --rounds N` of which the median counts (default 3), `-- --json`;
//! `-- --database postgres://…` for an empty database on a server instead of a new file, `-- --lanes N` there.

mod load;
mod service;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use load::Figures;

/// Connections at once.
const CONNECTIONS: [usize; 4] = [1, 16, 64, 256];

struct Plan {
    seconds: u64,
    lanes: u64,
    database: Option<String>,
    rounds: usize,
    json: bool,
}

struct Row {
    what: &'static str,
    connections: usize,
    figures: Figures,
}

fn main() {
    let plan = plan();
    let directory = std::env::temp_dir().join(format!("croupier-bench-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory for the database");
    log_off();
    let file = format!("sqlite://{}/croupier.db", directory.display());
    let (address, state) = service::start(&directory, plan.database.as_ref().unwrap_or(&file), plan.lanes);
    let targets = [
        ("bare ceiling", "request_payout", service::bare()),
        ("request_payout", "request_payout", address),
        ("check_deposit", "check_deposit", address),
        ("one transaction per request", "request_payout", service::one_by_one(&state)),
    ];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (mut rows, mut number) = (Vec::new(), 0);
    for connections in CONNECTIONS {
        for (what, action, address) in targets {
            let mut rounds: Vec<Figures> = (0..plan.rounds)
                .map(|_| runtime.block_on(measure(&plan, action, address, connections, &mut number)))
                .collect();
            rounds.sort_by_key(|figures| figures.per_second);
            let figures = rounds[rounds.len() / 2];
            eprintln!("{connections:>4} connections  {what:<28} {:>7}/s", figures.per_second);
            rows.push(Row { what, connections, figures });
        }
    }
    // Under many connections the reference times out on the write lock; the service must not.
    let own = rows.iter().filter(|row| row.what != "one transaction per request");
    let bad: usize = own.map(|row| row.figures.bad).sum();
    report(&plan, &rows);
    let _left_for_the_system = std::fs::remove_dir_all(&directory);
    assert_eq!(bad, 0, "every answer is the wanted one");
    std::process::exit(0);
}

async fn measure(plan: &Plan, action: &str, address: SocketAddr, connections: usize, number: &mut usize) -> Figures {
    let most = usize::try_from(plan.seconds).expect("a few seconds") * 60_000;
    let requests: Vec<Vec<u8>> = (0..most)
        .map(|_| {
            *number += 1;
            let body = service::body(action, *number);
            let head = "POST /cashier/callback/carouseller HTTP/1.1\r\nhost: bench\r\n\
                        content-type: application/x-www-form-urlencoded\r\ncontent-length: ";
            format!("{head}{}\r\n\r\n{body}", body.len()).into_bytes()
        })
        .collect();
    let wanted: &[u8] = if action == "check_deposit" { b"\"code\":0," } else { b"\"code\":50," };
    load::run(address, Arc::new(requests), connections, Duration::from_secs(plan.seconds), wanted).await
}

fn report(plan: &Plan, rows: &[Row]) {
    let rate = |what: &str, connections: usize| {
        let row = rows.iter().find(|row| row.what == what && row.connections == connections);
        row.map_or(1, |row| row.figures.per_second).max(1)
    };
    if !plan.json {
        println!(
            "{:<28} {:>11} {:>10} {:>9} {:>9} {:>10} {:>9}",
            "", "connections", "requests/s", "p50 ms", "p99 ms", "of ceiling", "of 1-by-1"
        );
    }
    for row in rows {
        let hundredths = |of: u64| row.figures.per_second * 100 / of;
        let (ceiling, reference) =
            (rate("bare ceiling", row.connections), rate("one transaction per request", row.connections));
        let (ceiling, reference) = (hundredths(ceiling), hundredths(reference));
        let ms = |micros: u64| format!("{}.{:02}", micros / 1000, micros % 1000 / 10);
        if plan.json {
            println!(
                "{}",
                serde_json::json!({"what": row.what, "connections": row.connections, "per_second": row.figures.per_second,
                    "p50_micros": row.figures.p50_micros, "p99_micros": row.figures.p99_micros,
                    "percent_of_ceiling": ceiling, "percent_of_one_by_one": reference})
            );
        } else {
            println!(
                "{:<28} {:>11} {:>10} {:>9} {:>9} {:>9}% {:>7}.{:02}x",
                row.what,
                row.connections,
                row.figures.per_second,
                ms(row.figures.p50_micros),
                ms(row.figures.p99_micros),
                ceiling,
                reference / 100,
                reference % 100
            );
        }
    }
}

fn plan() -> Plan {
    let arguments: Vec<String> = std::env::args().collect();
    let text = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let after = |name: &str| text(name)?.parse().ok();
    Plan {
        seconds: after("--seconds").unwrap_or(2),
        lanes: after("--lanes").unwrap_or(2),
        database: text("--database"),
        rounds: usize::try_from(after("--rounds").unwrap_or(3)).expect("a few rounds").max(1),
        json: arguments.iter().any(|argument| argument == "--json"),
    }
}

/// The service logs nothing here, as it would with `RUST_LOG=warn` and no refusals.
fn log_off() {
    log::set_max_level(log::LevelFilter::Off);
}
