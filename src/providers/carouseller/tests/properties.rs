//! What holds for every input.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::pairs::{self, Pairs, Value};
use super::super::signature::{Reading, Verdict, canonical, has_one_reading, sign, verify};
use super::*;

/// Reads a signed text back: `;name:` starts a parameter.
fn split(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for part in text.split(';') {
        match (part.split_once(':'), found.last_mut()) {
            (Some((name, value)), _) if pairs::is_name(name) => found.push((name.to_owned(), value.to_owned())),
            (_, Some((_, value))) => value.push_str(&format!(";{part}")),
            (_, None) => {}
        }
    }
    found
}

fn values() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[a-c:; 0-1]{0,12}", "(;[ab]?:?)*[ab;:]{0,3}"]
}

proptest! {
    #[test]
    fn an_accepted_map_is_what_its_signed_text_splits_back_into(map in prop::collection::btree_map("[a-c_1]{1,3}", values(), 0..6)) {
        let members = map.iter().map(|(name, text)| (name.as_str().into(), Value::Text(text.as_str().into())));
        let pairs = Pairs::new(members.collect()).unwrap();
        let kept: Vec<(String, String)> = map.clone().into_iter().filter(|(_, text)| !pairs::is_blank(text)).collect();
        let text = canonical(&pairs, Reading::REFERENCE);

        if has_one_reading(&pairs, Reading::REFERENCE) {
            prop_assert_eq!(split(&text), kept);
        } else {
            prop_assert_ne!(split(&text), kept);
        }
    }

    /// threats R2: of all sets that would sign one text, at most one may come through.
    #[test]
    fn of_two_sets_with_one_signed_text_at_most_one_is_accepted(
        map in prop::collection::btree_map("[a-c_1]{1,3}", values(), 2..6), pick in any::<prop::sample::Index>()
    ) {
        let of = |map: &BTreeMap<String, String>| {
            let members = map.iter().map(|(name, text)| (name.clone().into(), Value::Text(text.clone().into())));
            Pairs::new(members.collect()).unwrap()
        };
        let kept: BTreeMap<String, String> = map.into_iter().filter(|(_, text)| !pairs::is_blank(text)).collect();
        prop_assume!(kept.len() > 1);
        // A parameter swallows the next one.
        let mut swallowed = kept.clone();
        let at = pick.index(kept.len() - 1);
        let (next, text) = kept.iter().nth(at + 1).unwrap();
        swallowed.remove(next);
        swallowed.values_mut().nth(at).unwrap().push_str(&format!(";{next}:{text}"));
        let (one, other) = (of(&kept), of(&swallowed));

        prop_assert_eq!(canonical(&one, Reading::REFERENCE), canonical(&other, Reading::REFERENCE));
        prop_assert!(!has_one_reading(&other, Reading::REFERENCE));
        let signature = sign(&one, &salt());
        prop_assert_eq!(verify(&other, &[salt()], &signature), Verdict::TwoReadings);
    }

    /// threats SIG-6, SIG-7: blanks count as absent, wherever they come from; a zero counts.
    #[test]
    fn blanks_change_no_signature_and_zeros_do(
        map in prop::collection::btree_map("[a-c]{1,2}", "[a-z0-9]{1,4}", 1..5), blank in "[ \t\n\r\x1c-\x1f\u{85}\u{a0}\u{2003}\u{3000}]{0,3}",
    ) {
        let with = |extra: Option<&str>| {
            let members = map.iter().map(|(name, text)| (name.clone().into(), Value::Text(text.clone().into())));
            let extra = extra.map(|text| ("zz".into(), Value::Text(text.to_owned().into())));
            sign(&Pairs::new(members.chain(extra).collect()).unwrap(), &salt())
        };

        prop_assert_eq!(with(Some(&blank)), with(None));
        prop_assert_ne!(with(Some("0")), with(None));
    }

    #[test]
    fn names_are_taken_exactly_when_they_are_of_the_alphabet(name in prop_oneof![any::<String>(), "[a-z0-9_]{0,70}", "[A-z0-9.-]{1,5}"]) {
        let body = serde_json::json!({ &name: "1" }).to_string();
        let of_alphabet = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        let good = of_alphabet && (1..=64).contains(&name.len());

        prop_assert_eq!(pairs::read(&json_body(&body)).is_ok(), good, "{:?}", name);
    }

    #[test]
    fn no_bytes_make_reading_panic(body in prop::collection::vec(any::<u8>(), 0..300), json in any::<Option<bool>>()) {
        let dealer = Carouseller::new([site()]);
        let content_type = json.map(|json| if json { "application/json" } else { "application/x-www-form-urlencoded" });

        prop_assert!(dealer.read_question(&raw(content_type, &body)).is_err());
        prop_assert!(dealer.read_notification(&raw(content_type, &body)).is_err());
        let _ = read_initiation_answer(200, &body);
    }

    #[test]
    fn no_text_that_resembles_a_message_makes_reading_panic(body in "\\{(\"[a-c]\":([\\[\\]{}\"\\\\u0-9a-f,:. -]{0,12}|null|true),?){0,6}\\}?") {
        let _ = Carouseller::new([site()]).read_question(&json_body(&body));
        let _ = Carouseller::new([site()]).read_notification(&form_body(&body));
    }

    #[test]
    fn json_and_form_dress_give_one_question(login in "[^\\p{C};:]{1,40}", amount in 1_i64..=1_000_000_000_000_000) {
        prop_assume!(!pairs::is_blank(&login));
        let message = Message::deposit().with("site_login", login.as_str()).with("amount", amount).signed();
        let form = message.form();

        let in_json = ask(&message).unwrap();
        let in_form = Carouseller::new([site()]).read_question(&form_body(&form)).unwrap();

        prop_assert_eq!(in_json.login.as_str(), login);
        prop_assert_eq!(in_json, in_form);
    }

    #[test]
    fn a_changed_value_never_keeps_its_signature(map in prop::collection::btree_map("[a-z]{1,5}", "[a-z0-9]{1,9}", 1..6), pick in any::<prop::sample::Index>()) {
        let of = |map: &BTreeMap<String, String>| {
            let members = map.iter().map(|(name, text)| (name.clone().into(), Value::Text(text.clone().into())));
            Pairs::new(members.collect()).unwrap()
        };
        let signature = sign(&of(&map), &salt());
        let mut changed = map.clone();
        changed.values_mut().nth(pick.index(map.len())).unwrap().push('x');

        prop_assert_ne!(verify(&of(&changed), &[salt()], &signature), verify(&of(&map), &[salt()], &signature));
    }
}
