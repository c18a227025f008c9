//! The curve of the open loop as an SVG: throughput to the right, latency upwards, both in powers of ten, one line per design.

use std::fmt::Write;

use crate::measure::Point;
use crate::stats::Summary;
use crate::target::Target;

const WIDTH: f64 = 930.0;
const HEIGHT: f64 = 520.0;
/// The corners of the plot.
pub const LEFT: f64 = 78.0;
pub const RIGHT: f64 = 690.0;
const TOP: f64 = 76.0;
const BOTTOM: f64 = 452.0;

/// Colours that keep their distance, also for those who do not see all of them, in light and in dark.
const STYLE: &str = "
  svg { --back: #ffffff; --ink: #1f2328; --soft: #59636e; --grid: #d9dee3;
    --bare: #8b949e; --sqlite: #0969da; --postgres: #1a7f5a; --one-sqlite: #bf8700; --one-postgres: #9a6ae0; --fastapi: #cf222e; --fastify: #d4581a; }
  @media (prefers-color-scheme: dark) {
    svg { --back: #12161c; --ink: #e6edf3; --soft: #9aa4af; --grid: #2c333c;
      --bare: #8b949e; --sqlite: #58a6ff; --postgres: #3fb984; --one-sqlite: #e3b341; --one-postgres: #bc8cff; --fastapi: #ff7b72; --fastify: #ffa25e; }
  }
  .back { fill: var(--back) }
  text { fill: var(--soft); font: 13px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif }
  .title { fill: var(--ink); font-size: 17px; font-weight: 600 }
  .name { fill: var(--ink) }
  .grid { stroke: var(--grid); stroke-width: 1 }
  .line { fill: none; stroke-width: 2.5; stroke-linejoin: round; stroke-linecap: round }
  .end { fill: none; stroke-width: 1.75; stroke-dasharray: 2 5; stroke-linecap: round }
  .hollow { fill: var(--back); stroke-width: 2 }
";

/// A range of numbers on a logarithmic axis.
pub struct Axis {
    pub low: f64,
    pub high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    /// From the power of ten below the lowest number to the one above the highest; a number just below a power counts as that.
    pub fn over(numbers: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Self {
        let positive = numbers.filter(|number| *number > 0.0);
        let low = (positive.clone().fold(f64::INFINITY, f64::min).log10() + 0.03).floor();
        let high = positive.fold(f64::NEG_INFINITY, f64::max).log10().ceil();
        Self { low, high: high.max(low + 1.0), from, to }
    }

    pub fn at(&self, number: f64) -> f64 {
        let share = (number.log10() - self.low) / (self.high - self.low);
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// 1, 2 and 5 in each power of ten; the ones are labelled.
    fn ticks(&self) -> Vec<(f64, bool)> {
        let powers = self.low as i32..=self.high as i32;
        let all = powers.flat_map(|power| [1.0, 2.0, 5.0].map(|digit| (digit * 10_f64.powi(power), digit == 1.0)));
        all.filter(|(number, _)| number.log10() <= self.high + 1e-9).collect()
    }
}

/// One point of a design: requests per second and milliseconds.
#[derive(Clone, Copy)]
struct Spot {
    per_second: f64,
    ms: f64,
    follows: bool,
}

/// Draws the points.
pub fn svg(points: &[Point]) -> String {
    let spots =
        |target: Target| -> Vec<Spot> { points.iter().filter(|point| point.target == target).map(spot).collect() };
    let all: Vec<Spot> = points.iter().map(spot).collect();
    let x = Axis::over(all.iter().map(|spot| spot.per_second), LEFT, RIGHT);
    let y = Axis::over(all.iter().map(|spot| spot.ms), BOTTOM, TOP);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"Latency of request_payout over requests per second, by design\">\n<style>{STYLE}</style>\n\
         <rect class=\"back\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"8\"/>\n"
    );
    text(&mut out, "title", LEFT - 54.0, 32.0, "start", "Durable payouts: latency over throughput");
    let said = "99 of 100 answers come within, in ms; open loop, counted from when a request was due; lower and further right is better";
    text(&mut out, "said", LEFT - 54.0, 54.0, "start", said);
    axes(&mut out, &x, &y);
    let mut row = TOP + 14.0;
    for target in Target::all() {
        let own = spots(target);
        if own.is_empty() {
            continue;
        }
        design(&mut out, &x, &y, target, &own);
        legend(&mut out, row, target, &own);
        row += 46.0;
    }
    text(&mut out, "said", RIGHT + 24.0, BOTTOM + 4.0, "start", "hollow: falls behind the rate");
    out.push_str("</svg>\n");
    out
}

fn spot(point: &Point) -> Spot {
    let figure = |of: fn(&Summary) -> f64| point.figure(of).map_or(0.0, |spread| spread.median);
    Spot {
        per_second: figure(|round| round.per_second),
        ms: figure(|round| f64::from(round.p99_micros)) / 1000.0,
        follows: point.follows(),
    }
}

fn text(out: &mut String, class: &str, x: f64, y: f64, anchor: &str, content: &str) {
    put(
        out,
        format_args!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{content}</text>"),
    );
}

fn put(out: &mut String, element: std::fmt::Arguments<'_>) {
    writeln!(out, "{element}").expect("a text takes everything");
}

fn axes(out: &mut String, x: &Axis, y: &Axis) {
    for (number, labelled) in x.ticks() {
        let at = x.at(number);
        let top = if labelled { TOP } else { BOTTOM - 5.0 };
        put(out, format_args!("<line class=\"grid\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{top:.1}\" y2=\"{BOTTOM}\"/>"));
        if labelled || x.high - x.low < 3.5 {
            text(out, "tick", at, BOTTOM + 20.0, "middle", &short(number));
        }
    }
    for (number, labelled) in y.ticks() {
        let at = y.at(number);
        let right = if labelled { RIGHT } else { LEFT + 5.0 };
        put(out, format_args!("<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>"));
        if labelled {
            text(out, "tick", LEFT - 10.0, at + 4.5, "end", &duration(number));
        }
    }
    text(out, "tick", f64::midpoint(LEFT, RIGHT), BOTTOM + 46.0, "middle", "requests per second");
}

/// `0.1`, `20`, `5k`.
pub fn short(number: f64) -> String {
    if number >= 999.5 {
        format!("{:.0}k", number / 1000.0)
    } else if number >= 0.95 {
        format!("{number:.0}")
    } else {
        format!("{}", (number * 1000.0).round() / 1000.0)
    }
}

/// `20 ms`, `10 s`.
fn duration(ms: f64) -> String {
    if ms < 999.5 { format!("{} ms", short(ms)) } else { format!("{} s", short(ms / 1000.0)) }
}

fn design(out: &mut String, x: &Axis, y: &Axis, target: Target, spots: &[Spot]) {
    let colour = colour(target);
    let place = |spot: &Spot| (x.at(spot.per_second), y.at(spot.ms));
    let path = |spots: &[Spot]| {
        let places: Vec<String> = spots.iter().map(place).map(|(across, up)| format!("{across:.1},{up:.1}")).collect();
        places.join(" ")
    };
    let following: Vec<Spot> = spots.iter().copied().filter(|spot| spot.follows).collect();
    let behind = spots.iter().find(|spot| !spot.follows);
    put(out, format_args!("<polyline class=\"line\" stroke=\"var({colour})\" points=\"{}\"/>", path(&following)));
    if let Some(behind) = behind {
        let ends: Vec<Spot> = following.last().copied().into_iter().chain([*behind]).collect();
        put(out, format_args!("<polyline class=\"end\" stroke=\"var({colour})\" points=\"{}\"/>", path(&ends)));
        let (across, up) = place(behind);
        put(
            out,
            format_args!(
                "<circle class=\"hollow\" stroke=\"var({colour})\" cx=\"{across:.1}\" cy=\"{up:.1}\" r=\"4\"/>"
            ),
        );
    }
    for (across, up) in following.iter().map(place) {
        put(out, format_args!("<circle fill=\"var({colour})\" cx=\"{across:.1}\" cy=\"{up:.1}\" r=\"3.5\"/>"));
    }
}

/// The name of a design, and how far it goes.
fn legend(out: &mut String, row: f64, target: Target, spots: &[Spot]) {
    let (colour, left) = (colour(target), RIGHT + 24.0);
    put(
        out,
        format_args!(
            "<line class=\"line\" stroke=\"var({colour})\" x1=\"{left}\" x2=\"{:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"/>",
            left + 20.0,
            row - 4.5,
            row - 4.5
        ),
    );
    text(out, "name", left + 28.0, row, "start", target.name());
    let most = spots.iter().map(|spot| spot.per_second).fold(0.0, f64::max);
    let far = if spots.iter().all(|spot| spot.follows) { "follows to" } else { "most" };
    text(out, "said", left + 28.0, row + 17.0, "start", &format!("{far} {}/s", crate::stats::thousands(most)));
}

fn colour(target: Target) -> &'static str {
    match target {
        Target::Bare => "--bare",
        Target::Sqlite => "--sqlite",
        Target::Postgres => "--postgres",
        Target::OneByOneSqlite => "--one-sqlite",
        Target::OneByOnePostgres => "--one-postgres",
        Target::Fastapi => "--fastapi",
        Target::Fastify => "--fastify",
    }
}
