//! Card numbers never stay whole: first six, three dots, last four (threats SEC-2).
//!
//! A card number is 12 to 19 digits with a right check digit (ISO/IEC 7812), written in one piece or in groups with blanks or dashes, or in
//! the groups of a card (4-4-4-4, 4-6-5) with anything between them that is no letter and no digit. Wide digits count as digits.
//! Longer runs of digits are order ids, words of 26 letters and digits or more are addresses of crypto-currencies, and what carries
//! the check digits of an IBAN (ISO 13616) is one: they stay, since a payout has to find its way.

use std::borrow::Cow;

/// The fewest and the most digits of a card number. Fewer would hide phone numbers and ids, more would miss no card.
const CARD: std::ops::RangeInclusive<usize> = 12..=19;
/// The longest gap of blanks and dashes inside one number.
const LONGEST_GAP: usize = 3;

/// The shortest word that is taken for an address instead of a card number with letters around it.
const SHORTEST_ADDRESS: usize = 26;

/// `text` with every card number in it cut to its first six and last four digits.
pub fn mask(text: &str) -> Cow<'_, str> {
    if !text.contains(WIDE_DIGITS) {
        return mask_narrow(text);
    }
    let narrow: String = text.chars().map(narrow).collect();
    match mask_narrow(&narrow) {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        Cow::Owned(masked) => Cow::Owned(masked),
    }
}

/// The digits of East Asian typesetting.
const WIDE_DIGITS: [char; 10] = ['０', '１', '２', '３', '４', '５', '６', '７', '８', '９'];

fn narrow(c: char) -> char {
    let digit = WIDE_DIGITS.iter().zip('0'..='9').find(|(wide, _)| **wide == c);
    digit.map_or(c, |(_, digit)| digit)
}

fn mask_narrow(text: &str) -> Cow<'_, str> {
    if text.bytes().filter(u8::is_ascii_digit).count() < *CARD.start() || is_iban(text) {
        return Cow::Borrowed(text);
    }
    let groups = digit_groups(text);
    let mut masked = String::new();
    let mut kept_to = 0;
    let mut first = 0;
    while first < groups.len() {
        let Some((last, digits)) = card_from(text, &groups, first) else {
            first += 1;
            continue;
        };
        masked.push_str(&text[kept_to..groups[first].0]);
        masked.push_str(&digits[..6]);
        masked.push_str("...");
        masked.push_str(&digits[digits.len() - 4..]);
        kept_to = groups[last].1;
        first = last + 1;
    }
    if kept_to == 0 {
        return Cow::Borrowed(text);
    }
    masked.push_str(&text[kept_to..]);
    Cow::Owned(masked)
}

/// Where each unbroken run of digits starts and ends.
fn digit_groups(text: &str) -> Vec<(usize, usize)> {
    let mut groups: Vec<(usize, usize)> = Vec::new();
    for (at, byte) in text.bytes().enumerate() {
        if !byte.is_ascii_digit() {
            continue;
        }
        match groups.last_mut() {
            Some(group) if group.1 == at => group.1 = at + 1,
            _ => groups.push((at, at + 1)),
        }
    }
    groups.retain(|&(start, end)| word_around(text, start, end) < SHORTEST_ADDRESS);
    groups
}

/// How many ASCII letters and digits stand together here; no further than it takes to know an address.
fn word_around(text: &str, start: usize, end: usize) -> usize {
    let before =
        text.as_bytes()[..start].iter().rev().take(SHORTEST_ADDRESS).take_while(|b| b.is_ascii_alphanumeric()).count();
    let after = text.as_bytes()[end..].iter().take(SHORTEST_ADDRESS).take_while(|b| b.is_ascii_alphanumeric()).count();
    before + (end - start) + after
}

fn is_iban(text: &str) -> bool {
    let compact: Vec<u8> = text.bytes().filter(|b| *b != b' ').collect();
    let is_shaped = (15..=34).contains(&compact.len())
        && compact.iter().all(u8::is_ascii_alphanumeric)
        && compact[..2].iter().all(u8::is_ascii_alphabetic)
        && compact[2..4].iter().all(u8::is_ascii_digit);
    is_shaped && {
        let rotated = compact[4..].iter().chain(&compact[..4]);
        rotated.filter_map(|b| char::from(*b).to_digit(36)).fold(0, |rest, value| {
            let shift = if value < 10 { 10 } else { 100 };
            (rest * shift + value) % 97
        }) == 1
    }
}

/// The longest card number that starts with group `first`: the index of its last group, and its digits.
fn card_from(text: &str, groups: &[(usize, usize)], first: usize) -> Option<(usize, String)> {
    let mut digits = String::new();
    let mut found = None;
    for (index, &(start, end)) in groups.iter().enumerate().skip(first) {
        if index > first {
            let between = &text[groups[index - 1].1..start];
            let grouped = is_like_a_card(&groups[first..index]);
            if !(is_gap(between) || grouped && is_odd_gap(between)) {
                break;
            }
        }
        if digits.len() + (end - start) > *CARD.end() {
            break;
        }
        digits.push_str(&text[start..end]);
        if CARD.contains(&digits.len()) && has_right_check_digit(&digits) {
            found = Some((index, digits.clone()));
        }
    }
    found
}

fn is_gap(between: &str) -> bool {
    between.len() <= LONGEST_GAP && between.bytes().all(|b| b == b' ' || b == b'-')
}

/// Up to three characters, none of them a letter or a digit: dots, slashes, blanks that nobody sees.
fn is_odd_gap(between: &str) -> bool {
    between.chars().count() <= LONGEST_GAP && !between.chars().any(char::is_alphanumeric)
}

/// Whether these groups begin a number as it is printed on cards. Addresses of machines and dates do not.
fn is_like_a_card(groups: &[(usize, usize)]) -> bool {
    let lengths: Vec<usize> = groups.iter().map(|(start, end)| end - start).collect();
    lengths.iter().all(|length| *length == 4) || lengths == [4, 6]
}

/// The Luhn formula.
fn has_right_check_digit(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            match (place % 2, digit) {
                (0, digit) => digit,
                (_, digit) if digit < 5 => digit * 2,
                (_, digit) => digit * 2 - 9,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_numbers_are_cut_to_six_and_four_wherever_they_stand() {
        let cases = [
            ("4111111111111111", "411111...1111"),
            ("4111 1111 1111 1111", "411111...1111"),
            ("4111-1111-1111-1111", "411111...1111"),
            ("378282246310005", "378282...0005"),
            ("card=4111111111111111;exp", "card=411111...1111;exp"),
            ("4111111111111111 123", "411111...1111 123"),
            ("12 4111111111111111", "12 411111...1111"),
            ("a 4111111111111111, b 5555555555554444.", "a 411111...1111, b 555555...4444."),
            ("6304000000000000000", "630400...0000"),
            ("ж4111111111111111ж", "ж411111...1111ж"),
            ("card4111111111111111", "card411111...1111"),
            ("4111.1111.1111.1111", "411111...1111"),
            ("4111_1111_1111_1111", "411111...1111"),
            ("4111/1111/1111/1111", "411111...1111"),
            ("4111\u{a0}1111\u{a0}1111\u{a0}1111", "411111...1111"),
            ("4111\u{200b}1111\u{200b}1111\u{200b}1111", "411111...1111"),
            ("3782.822463.10005", "378282...0005"),
            ("４１１１１１１１１１１１１１１１", "411111...1111"),
            ("DE01 4111 1111 1111 1111", "DE01 411111...1111"),
        ];
        for (whole, cut) in cases {
            assert_eq!(mask(whole), cut);
            assert_eq!(mask(&mask(whole)), cut, "masking twice changes nothing");
        }
    }

    #[test]
    fn what_is_no_card_number_stays_as_it_is() {
        let kept = [
            "",
            "555555...4444",
            "4111111111111112",
            "217742619264065507927945843197",
            "DE89 3704 0044 0532 0130 00",
            "BE68539007547034",
            "0xAb5801a74111111111111111dE4B5BB02d2B4ddA",
            "2016-02-12T15:19:21+00:00",
            "0x12312412541251",
            "41111111111",
            "192.168.100.101",
            "2026.11.21.0001",
            "4111/1111",
            "12345.67890.11111.1",
            "４１１１",
        ];
        for text in kept {
            assert_eq!(mask(text), text);
        }
    }
}
