//! Figures of several rounds: the median, the lowest, the highest.

use serde_json::{Value, json};

use crate::load::Figures;

/// What is kept of one measurement.
#[derive(Debug, Clone)]
pub struct Summary {
    pub per_second: f64,
    pub p50_micros: u32,
    pub p99_micros: u32,
    /// Requests that were due or sent.
    pub due: usize,
    /// Requests that were answered.
    pub answered: usize,
    /// Wrong answers and broken connections.
    pub bad: usize,
    pub first_bad: Option<String>,
}

impl From<Figures> for Summary {
    fn from(figures: Figures) -> Self {
        Self {
            per_second: figures.per_second,
            p50_micros: figures.at(500),
            p99_micros: figures.at(990),
            due: figures.due,
            answered: figures.micros.len(),
            bad: figures.bad,
            first_bad: figures.first_bad,
        }
    }
}

/// One figure in all rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    pub median: f64,
    pub lowest: f64,
    pub highest: f64,
}

impl Spread {
    /// Of figures, or `None` when there are none.
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut all: Vec<f64> = figures.into_iter().filter(|figure| figure.is_finite()).collect();
        all.sort_unstable_by(f64::total_cmp);
        let (lowest, highest) = (*all.first()?, *all.last()?);
        let half = all.len() / 2;
        let median = if all.len() % 2 == 1 { all[half] } else { f64::midpoint(all[half - 1], all[half]) };
        Some(Self { median, lowest, highest })
    }

    /// As `13 338 (12 900–13 801)`, or what else `show` makes of a figure; without the spread when there is none.
    pub fn shown(self, show: impl Fn(f64) -> String) -> String {
        let (median, lowest, highest) = (show(self.median), show(self.lowest), show(self.highest));
        if lowest == highest { median } else { format!("{median} ({lowest}–{highest})") }
    }

    pub fn to_json(self) -> Value {
        json!({"median": self.median, "lowest": self.lowest, "highest": self.highest})
    }
}

/// A whole number with its thousands apart.
pub fn thousands(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut shown = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            shown.push(' ');
        }
        shown.push(digit);
    }
    shown
}

/// Milliseconds with as many digits as say something.
pub fn milliseconds(micros: f64) -> String {
    let ms = micros / 1000.0;
    match ms {
        ms if ms < 10.0 => format!("{ms:.2}"),
        ms if ms < 100.0 => format!("{ms:.1}"),
        ms => thousands(ms),
    }
}
