//! JSON, read strictly: RFC 8259 and nothing besides, no name twice, not too deep, not too much.

use super::{Members, Value};

/// How deep lists and objects may stand in each other in a message; the message is the first.
const DEEPEST: usize = 4;
/// How many values a message may hold, counted through lists and objects.
const MOST_VALUES: usize = 1000;

/// The members of one object with nothing behind it; `None`: it is none, or could be read as two.
pub fn parse(bytes: &[u8]) -> Option<Members> {
    parse_to(bytes, DEEPEST)
}

/// The same, nested as deep as that.
pub fn parse_to(bytes: &[u8], deepest: usize) -> Option<Members> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut reader = Reader { rest: text, values: 0, deepest };
    reader.blanks();
    let members = reader.object(1)?;
    reader.blanks();
    reader.rest.is_empty().then_some(members)
}

struct Reader<'t> {
    rest: &'t str,
    values: usize,
    deepest: usize,
}

impl Reader<'_> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn takes(&mut self, word: &str) -> bool {
        match self.rest.strip_prefix(word) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn need(&mut self, word: &str) -> Option<()> {
        self.takes(word).then_some(())
    }

    fn object(&mut self, depth: usize) -> Option<Members> {
        self.need("{").filter(|()| depth <= self.deepest)?;
        let mut members = Members::new();
        self.blanks();
        if self.takes("}") {
            return Some(members);
        }
        loop {
            self.blanks();
            let name = self.string()?;
            if members.iter().any(|(known, _)| *known == name) {
                return None;
            }
            self.blanks();
            self.need(":")?;
            members.push((name, self.value(depth)?));
            if self.takes("}") {
                return Some(members);
            }
            self.need(",")?;
        }
    }

    fn list(&mut self, depth: usize) -> Option<Vec<Value>> {
        self.need("[").filter(|()| depth <= self.deepest)?;
        let mut items = Vec::new();
        self.blanks();
        if self.takes("]") {
            return Some(items);
        }
        loop {
            items.push(self.value(depth)?);
            if self.takes("]") {
                return Some(items);
            }
            self.need(",")?;
        }
    }

    /// A value with the blanks around it, `depth` levels down.
    fn value(&mut self, depth: usize) -> Option<Value> {
        self.values += 1;
        if self.values > MOST_VALUES {
            return None;
        }
        self.blanks();
        let value = match self.rest.bytes().next()? {
            b'{' => Value::Object(self.object(depth + 1)?),
            b'[' => Value::List(self.list(depth + 1)?),
            b'"' => Value::Text(self.string()?),
            b't' => self.need("true").map(|()| Value::Bool(true))?,
            b'f' => self.need("false").map(|()| Value::Bool(false))?,
            b'n' => self.need("null").map(|()| Value::Null)?,
            _ => Value::Number(self.number()?),
        };
        self.blanks();
        Some(value)
    }

    fn number(&mut self) -> Option<String> {
        let whole = self.rest;
        self.takes("-");
        if !self.takes("0") {
            self.digits()?;
        }
        if self.takes(".") {
            self.digits()?;
        }
        if self.takes("e") || self.takes("E") {
            let _ = self.takes("+") || self.takes("-");
            self.digits()?;
        }
        Some(whole[..whole.len() - self.rest.len()].to_owned())
    }

    fn digits(&mut self) -> Option<()> {
        let rest = self.rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let some = rest.len() < self.rest.len();
        self.rest = rest;
        some.then_some(())
    }

    fn string(&mut self) -> Option<String> {
        self.need("\"")?;
        let mut text = String::new();
        loop {
            let c = self.rest.chars().next()?;
            self.rest = &self.rest[c.len_utf8()..];
            match c {
                '"' => return Some(text),
                '\\' => text.push(self.escape()?),
                c if c < ' ' => return None,
                c => text.push(c),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        match c {
            '"' | '\\' | '/' => Some(c),
            'b' => Some('\u{8}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'u' => {
                let first = self.unit()?;
                if !(0xd800..0xdc00).contains(&first) {
                    return char::from_u32(first);
                }
                self.need("\\u")?;
                let second = self.unit().filter(|unit| (0xdc00..0xe000).contains(unit))?;
                char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
            }
            _ => None,
        }
    }

    fn unit(&mut self) -> Option<u32> {
        let digits = self.rest.get(..4).filter(|four| four.bytes().all(|b| b.is_ascii_hexdigit()))?;
        self.rest = &self.rest[4..];
        u32::from_str_radix(digits, 16).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_json_or_could_be_read_twice_is_refused() {
        let refused = [
            "",
            "[]",
            "{",
            "{}x",
            "{\"a\":1,}",
            "{\"a\":01}",
            "{\"a\":1.}",
            "{\"a\":.5}",
            "{\"a\":+1}",
            "{a:1}",
            "{\"a\":1,\"a\":2}",
            "{\"a\":1,\"\\u0061\":2}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\n\"}",
            "{\"a\":[[[[1]]]]}",
            "{\"a\":{\"b\":1,\"b\":2}}",
            "{\"a\":NaN}",
            "{\"a\":1 2}",
            "{,}",
        ];
        for text in refused {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        let taken = [" {} ", "{\"a\":[[[1]]]}", "{\"a\":-0.5e+7}", "{\"a\":\"\\ud83d\\ude00\"}", "{\"\":1}"];
        for text in taken {
            assert!(parse(text.as_bytes()).is_some(), "{text}");
        }
    }
}
