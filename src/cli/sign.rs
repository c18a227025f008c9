//! `croupier sign`: what the Cashier would sign, and the signature.

use std::io::Read;
use std::path::Path;

use super::{Failure, Outcome};
use crate::providers::carouseller::explain::{Signed, sign_body};
use crate::secret::Secret;

/// The most that is read from standard input: far more than any message, far less than memory.
const LONGEST_INPUT: u64 = 1 << 20;

/// Signs a JSON object or a form body read from standard input, and prints `{"canonical":…,"signature":…}`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The salt. In what is printed `***` stands in its place.
    #[arg(long, value_parser = as_secret)]
    salt: Secret,
}

/// Runs `croupier sign`.
///
/// # Errors
///
/// `WrongUse` when the salt cannot be one, or standard input is neither a JSON object nor a form.
pub fn run(args: Args, _settings: &Path) -> Outcome {
    check_salts([&args.salt])?;
    let signed = sign_body(&read_input()?, &args.salt).map_err(|error| Failure::WrongUse(error.to_string()))?;
    for problem in &signed.problems {
        eprintln!("croupier: {problem}");
    }
    println!("{}", report(&signed));
    Ok(())
}

fn report(signed: &Signed) -> String {
    serde_json::json!({"canonical": signed.canonical, "signature": signed.signature}).to_string()
}

/// Takes every text: clap quotes what it refuses, and a salt must not be printed. [`check_salts`] refuses instead.
pub(super) fn as_secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text))
}

/// A salt has to be one by the rule of the settings (threats SIG-11).
pub(super) fn check_salts<'s>(salts: impl IntoIterator<Item = &'s Secret>) -> Outcome {
    for salt in salts {
        if salt.expose().trim().is_empty() {
            return Err(Failure::WrongUse("a salt cannot be blank".to_owned()));
        }
        if salt.expose().contains(';') {
            return Err(Failure::WrongUse("a salt cannot hold a semicolon".to_owned()));
        }
    }
    Ok(())
}

/// Standard input without the line end that a shell adds.
pub(super) fn read_input() -> Result<Vec<u8>, Failure> {
    let mut input = Vec::new();
    let read = std::io::stdin().lock().take(LONGEST_INPUT + 1).read_to_end(&mut input);
    read.map_err(|error| Failure::WrongUse(format!("standard input cannot be read: {error}")))?;
    if input.len() as u64 > LONGEST_INPUT {
        return Err(Failure::WrongUse("standard input is larger than 1 MiB".to_owned()));
    }
    while matches!(input.last(), Some(b'\n' | b'\r')) {
        input.pop();
    }
    Ok(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_is_the_promised_document_without_the_salt() {
        let body = br#"{"site_id": 1, "site_login": "test_login", "customer_ip": "1.2.3.4", "currency": "USD"}"#;
        let signed = sign_body(body, &Secret::new("test_salt")).unwrap();

        let expected = "{\"canonical\":\"currency:USD;customer_ip:1.2.3.4;site_id:1;site_login:test_login;***\",\
                        \"signature\":\"2cbf8ea150a654d1c7ad4a97c240ee093d7f76b8\"}";
        assert_eq!(report(&signed), expected);
    }

    #[test]
    fn texts_that_cannot_be_salts_are_refused_and_not_quoted() {
        for text in ["", " ", "\t", "a;b", ";"] {
            let refused = check_salts([&Secret::new("fine"), &Secret::new(text)]);
            assert!(matches!(refused, Err(Failure::WrongUse(why)) if !why.contains("a;b")), "{text:?}");
        }
        assert!(check_salts([&Secret::new(" padded ")]).is_ok());
    }
}
