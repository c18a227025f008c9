//! Why a signature does not hold: tries what senders are known to get wrong, and names what fits.
//!
//! For integrators, at the command line. Nothing here widens what the service accepts.

use super::super::ReadError;
use super::deviations;
use super::pairs::{Members, Pairs, is_name, read_body};
use super::signature::{Reading, SIGNATURE, Verdict, canonical, has_one_reading, sign, value_text, verify};
use super::wire::Fields;
use crate::secret::Secret;

/// A salt shorter than this is not looked for in what is printed: it would be found everywhere.
const SHORTEST_HIDDEN: usize = 6;

/// What was found out about a signed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Whether the service would take the signature for right. False for a right signature over a text with two readings.
    pub holds: bool,
    /// One sentence: how it holds, or which known deviation fits.
    pub finding: String,
    /// The text that should have been signed, `***` in the place of the salt.
    pub canonical: String,
    /// Everything else that the service would refuse the parameters for.
    pub problems: Vec<String>,
}

/// The signature of a set of parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The signed text, `***` in the place of the salt.
    pub canonical: String,
    /// 40 lower-case hex digits.
    pub signature: String,
    /// Why the service would refuse these parameters although the signature is right.
    pub problems: Vec<String>,
}

/// Signs a JSON object or a form body; a `signature` in it is left out.
///
/// # Errors
///
/// When the body is neither, or holds a name twice.
pub fn sign_body(body: &[u8], salt: &Secret) -> Result<Signed, ReadError> {
    let pairs = Pairs::new(read_body(None, body)?)?;
    Ok(Signed {
        canonical: without_salt(canonical(&pairs, Reading::REFERENCE), std::slice::from_ref(salt)),
        signature: sign(&pairs, salt),
        problems: problems(&pairs, Reading::REFERENCE),
    })
}

/// Explains the signature of a JSON object or a form body. `others` are salts that it should not have been signed with.
///
/// # Errors
///
/// When the body is neither, or holds a name twice.
pub fn explain(body: &[u8], salts: &[Secret], others: &[Secret]) -> Result<Explanation, ReadError> {
    let received = read_body(None, body)?;
    let pairs = Pairs::new(received.clone())?;
    let (holds, finding, reading) = find(&received, &pairs, salts, others);
    let all: Vec<Secret> = salts.iter().chain(others).cloned().collect();
    Ok(Explanation {
        holds,
        finding,
        canonical: without_salt(canonical(&pairs, reading), &all),
        problems: problems(&pairs, reading),
    })
}

fn find(received: &Members<'_>, pairs: &Pairs<'_>, salts: &[Secret], others: &[Secret]) -> (bool, String, Reading) {
    let reference = Reading::REFERENCE;
    let Ok(Some(signature)) = Fields(pairs).signature() else {
        return (false, "there is no signature, or it is not a text".to_owned(), reference);
    };
    match verify(pairs, salts, signature) {
        Verdict::Holds(reading) => {
            let case = signature.bytes().any(|b| b.is_ascii_uppercase()).then(|| "upper-case hex".to_owned());
            let how: Vec<_> = reading.deviation().into_iter().chain(case).collect();
            let how = if how.is_empty() { String::new() } else { format!(", with {}", how.join(", ")) };
            return (true, format!("the signature holds{how}"), reading);
        }
        Verdict::TwoReadings => {
            let finding = "the signature is right, but the signed text could also be read as other parameters: refused";
            return (false, finding.to_owned(), reference);
        }
        Verdict::Fails => {}
    }
    let finding = deviations::shape_of(signature)
        .or_else(|| deviations::that_fits(received, pairs, salts, others, signature))
        .unwrap_or_else(|| "no known deviation fits: another salt, or a value that was changed on the way".to_owned());
    (false, finding, reference)
}

fn problems(pairs: &Pairs<'_>, reading: Reading) -> Vec<String> {
    let mut problems: Vec<String> = pairs
        .iter()
        .filter(|(name, _)| !is_name(name))
        .map(|(name, _)| format!("the name {name:?} is outside a-z, 0-9 and underscore: refused"))
        .collect();
    for (name, value) in pairs.members() {
        let alone = Pairs::new(vec![(name.clone(), value.clone())]);
        if alone.is_ok_and(|alone| !has_one_reading(&alone, reading)) {
            problems.push(format!("{name} has a second reading: written out, it looks like further parameters"));
        }
        if name != SIGNATURE && value_text(value, reading).is_none() {
            problems.push(format!("{name} is blank: not signed, and counts as absent"));
        }
    }
    problems
}

/// The signed text for people. A salt that somebody pasted into the message does not come out of it either.
fn without_salt(text: String, salts: &[Secret]) -> String {
    let long = salts.iter().filter(|salt| salt.expose().len() >= SHORTEST_HIDDEN);
    let text = long.fold(text, |text, salt| text.replace(salt.expose(), "***"));
    format!("{text};***")
}
