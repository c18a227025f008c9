//! The summary of a demo as a table of at most 100 columns.

use comfy_table::{ContentArrangement, Table, presets};

use crate::money::Currency;
use crate::simulate::book::End;
use crate::simulate::demo::Report;

const WIDTH: u16 = 100;

/// The whole summary; differences come before the verdict, the ledger check is its last line.
pub(super) fn text(report: &Report) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(WIDTH).set_header(["what", "how", "figure"]);
    for (request, answer, count) in &report.answers {
        table.add_row([request.clone(), answer.clone(), count.to_string()]);
    }
    table.add_row(["requests".to_owned(), "per second".to_owned(), report.per_second().to_string()]);
    add_latency(&mut table, report);
    add_orders(&mut table, report);
    add_money(&mut table, report);
    add_ledger(&mut table, report);
    let plan = report.plan;
    let faults = if plan.faults { "with faults" } else { "without faults" };
    let through = plan.provider.map(|name| format!(", through {name}")).unwrap_or_default();
    let mut lines = vec![
        format!("{} players, {} rounds, seed {}, {faults}{through}", plan.players, plan.rounds, plan.seed),
        table.to_string(),
    ];
    lines.extend(report.named_differences().iter().map(|difference| format!("differs: {difference}")));
    let more = report.differences.len() - report.named_differences().len();
    if more > 0 {
        lines.push(format!("and {more} more differences"));
    }
    lines.push(verdict(report));
    lines.join("\n")
}

fn add_latency(table: &mut Table, report: &Report) {
    let latency = report.latency;
    for (name, micros) in
        [("half", latency.p50), ("95 of 100", latency.p95), ("99 of 100", latency.p99), ("slowest", latency.max)]
    {
        table.add_row(["latency".to_owned(), name.to_owned(), milliseconds(micros)]);
    }
}

fn add_orders(table: &mut Table, report: &Report) {
    for (kind, orders) in [("deposits", &report.deposits), ("payouts", &report.payouts)] {
        for (name, end) in [("paid", End::Paid), ("declined", End::Declined), ("not ended", End::Open)] {
            let count = orders.get(&end).copied().unwrap_or_default();
            if count > 0 || end != End::Open {
                table.add_row([kind.to_owned(), name.to_owned(), count.to_string()]);
            }
        }
    }
    table.add_row(["initiations".to_owned(), "arrived".to_owned(), report.initiations.to_string()]);
    table.add_row(["initiations".to_owned(), "double".to_owned(), report.doubles.to_string()]);
}

fn add_money(table: &mut Table, report: &Report) {
    for (code, flow) in &report.money {
        let shown = |minor| match Currency::parse(code) {
            Ok(currency) => format!("{} {code}", currency.in_major(minor)),
            Err(_) => format!("{minor} {code}, minor units"),
        };
        for (name, minor) in [
            ("paid in", flow.deposited),
            ("paid out", flow.paid_out),
            ("won by players", flow.play),
            ("left with players", flow.left),
        ] {
            table.add_row(["money".to_owned(), name.to_owned(), shown(minor)]);
        }
    }
}

fn add_ledger(table: &mut Table, report: &Report) {
    let Some(ledger) = &report.ledger else {
        table.add_row(["ledger", "check", "not made"]);
        return;
    };
    for (name, count) in
        [("journal entries", ledger.entries), ("postings", ledger.postings), ("players", ledger.players)]
    {
        table.add_row(["ledger".to_owned(), name.to_owned(), count.to_string()]);
    }
    for problem in ledger.problems.iter().take(10) {
        table.add_row(["ledger", "problem", problem]);
    }
    let found =
        if ledger.problems.is_empty() { "holds".to_owned() } else { format!("{} problems", ledger.problems.len()) };
    table.add_row(["ledger".to_owned(), "check".to_owned(), found]);
}

fn verdict(report: &Report) -> String {
    if report.holds() {
        let whose = report.plan.provider.unwrap_or("the Cashier");
        format!("The ledger check holds, every payout ended as {whose}'s book says, and nothing was double.")
    } else {
        format!("NOT in order: {} differences, {} double initiations.", report.differences.len(), report.doubles)
    }
}

fn milliseconds(micros: u64) -> String {
    format!("{}.{} ms", micros / 1000, micros % 1000 / 100)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::simulate::demo::{Flow, LedgerCheck, Plan};
    use crate::simulate::meter::Latency;

    fn report() -> Report {
        Report {
            plan: Plan { players: 50, rounds: 5, faults: true, seed: 1, provider: None },
            took: Duration::from_secs(2),
            answers: vec![("check_deposit".into(), "code 0".into(), 300)],
            latency: Latency { p50: 1500, p95: 2000, p99: 3000, max: 123_456 },
            deposits: BTreeMap::from([(End::Paid, 250)]),
            payouts: BTreeMap::from([(End::Paid, 200)]),
            initiations: 200,
            doubles: 0,
            money: BTreeMap::from([("USD".into(), Flow { deposited: 500, paid_out: 200, play: -100, left: 200 })]),
            differences: Vec::new(),
            ledger: Some(LedgerCheck::default()),
        }
    }

    #[test]
    fn the_table_fits_and_says_what_differs() {
        let mut report = report();
        assert!(report.holds());
        assert!(text(&report).lines().all(|line| line.chars().count() <= usize::from(WIDTH)));

        report.differences = (0..25).map(|n| format!("player {n}")).collect();
        let text = text(&report);

        assert!(!report.holds());
        assert!(text.contains("differs: player 19") && !text.contains("player 20"));
        assert!(text.contains("and 5 more differences") && text.contains("NOT in order"));
        assert!(text.contains("-1.00 USD") && text.contains("123.4 ms"));
    }
}
