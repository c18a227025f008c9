//! Which columns are no money data, and why. Everything else is: whatever changes there must be found. A table or column that is
//! neither found nor named here is a problem, so that a new one cannot be forgotten.

/// A table, a column or `*` for all, and why the check may overlook a change of it.
pub const NOT_MONEY: &[(&str, &str, &str)] = &[];

/// Why a change of this column may be overlooked.
pub fn why_not(table: &str, column: &str) -> Option<&'static str> {
    let named = NOT_MONEY.iter().find(|(named, which, _)| *named == table && (*which == "*" || *which == column));
    named.map(|(_, _, why)| *why)
}
