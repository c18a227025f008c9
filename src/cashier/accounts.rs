//! ScaleTrade's integer accounts: a player has one in each currency, and its number is made of theirs.

use crate::error::Error;
use crate::money::Currency;
use crate::players::PlayerRow;
use crate::settings::Site;

/// Room for the numeric code of a currency behind a player's number.
const CURRENCIES: i64 = 1000;

/// The account of a player in a currency: the player's number, then the three digits of ISO 4217. Nothing is stored.
///
/// # Errors
///
/// `Internal`: there are more players than numbers.
pub fn number(player: i64, currency: Currency) -> Result<i64, Error> {
    let number = player.checked_mul(CURRENCIES).and_then(|first| first.checked_add(i64::from(currency.numeric())));
    number.ok_or_else(|| Error::Internal(format!("no account numbers are left for player {player}")))
}

/// What `login` of a request names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// The player, without saying which currency.
    Player,
    /// The player's account in this currency.
    Account(Currency),
}

/// Reads `login`: an account's number, or the player's own name on the site. `None`: anything else, and whatever belongs to somebody else.
pub fn own(login: Option<&str>, player: &PlayerRow) -> Option<Named> {
    let Some(text) = login else { return Some(Named::Player) };
    if text == player.login {
        return Some(Named::Player);
    }
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0') && (4..=18).contains(&text.len());
    let (of_player, numeric) = text.split_at_checked(text.len().saturating_sub(3)).filter(|_| plain)?;
    let currency = numeric.parse().map(Currency::from_numeric).unwrap_or_default()?;
    (of_player == player.id.to_string()).then_some(Named::Account(currency))
}

impl Named {
    /// The currency of a movement: one of the site's, and the account's when one is named.
    ///
    /// # Errors
    ///
    /// `UnsupportedCurrency`: another one, which would have to be converted.
    pub fn currency(self, sent: &str, site: &Site) -> Result<Currency, Error> {
        let currency = Currency::parse(sent)?;
        let of_account = match self {
            Named::Player => true,
            Named::Account(own) => own == currency,
        };
        if of_account && site.currencies.contains(&currency) { Ok(currency) } else { Err(Error::UnsupportedCurrency) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alice() -> PlayerRow {
        PlayerRow {
            id: 7,
            site_id: 332,
            login: "alice".into(),
            status: "active".into(),
            deposit_allowed: true,
            withdrawal_allowed: true,
            country: None,
            profile: "{}".into(),
            created_at: 0,
            updated_at: 0,
            excluded_until: None,
            limited: false,
        }
    }

    #[test]
    fn an_account_is_its_player_and_its_currency() {
        let usd = Currency::parse("USD").unwrap();
        let all = Currency::parse("ALL").unwrap();

        assert_eq!(number(7, usd).unwrap(), 7840);
        assert_eq!(number(7, all).unwrap(), 7008);
        assert!(number(i64::MAX / 10, usd).is_err());
        assert_eq!(own(Some("7840"), &alice()), Some(Named::Account(usd)));
        assert_eq!(own(Some("7008"), &alice()), Some(Named::Account(all)));
        assert_eq!(own(Some("alice"), &alice()), Some(Named::Player));
        assert_eq!(own(None, &alice()), Some(Named::Player));
    }

    #[test]
    fn what_is_not_exactly_ones_own_account_belongs_to_somebody_else() {
        let foreign = [
            "8840",
            "7001",
            "7",
            "0",
            "-7840",
            "+7840",
            "07840",
            "7840.0",
            "7840 ",
            "",
            " ",
            "bob",
            "Alice",
            "ALICE",
            "99999999999999999999",
            "७८४०",
            "7e3",
        ];
        for login in foreign {
            assert_eq!(own(Some(login), &alice()), None, "{login:?}");
        }
    }

    #[test]
    fn a_login_that_looks_like_an_account_of_somebody_else_is_still_ones_own() {
        let player = PlayerRow { login: "8840".into(), ..alice() };

        assert_eq!(own(Some("8840"), &player), Some(Named::Player));
    }
}
