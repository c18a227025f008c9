//! Reads the head of a request line by line, before anything else does: its limits, its form, and how long its body is.
//!
//! It is stricter than the HTTP library behind it, so that the library never has to refuse: its refusals are empty, ours are not.
//! Sources: RFC 9112, sections 2 to 6; the checks of actix-http's decoder.

use std::io::BufRead;

use actix_web::http::Uri;

/// What is wrong with a request before any handler sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Not HTTP/1.1, contradictory lengths, or something two readers could read differently: 400.
    Unreadable,
    /// The head or the body did not arrive in time: 408.
    Timeout,
    /// The body is longer than any we take: 413.
    TooLarge,
    /// The request line is longer than the limit: 414.
    AddressTooLong,
    /// The head is longer than the limit, or has too many fields: 431.
    HeadTooLarge,
}

/// How the body of a request is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// None, or of length zero.
    Empty,
    /// This many bytes, more than zero.
    Length(u64),
    /// Chunked.
    Chunked,
}

/// What is known of a head that is still arriving. Offsets count from its first byte.
#[derive(Debug, Default)]
pub(super) struct HeadReader {
    searched: usize,
    line_start: usize,
    request_line: Option<RequestLine>,
    fields: usize,
    hosts: usize,
    length: Option<u64>,
    chunked: bool,
}

#[derive(Debug, Clone, Copy)]
struct RequestLine {
    is_http_10: bool,
    is_post: bool,
}

/// The HTTP library takes no more.
const MAX_FIELDS: usize = 96;

impl HeadReader {
    /// Reads on; `head` is everything since the first byte of the head, at every call. When the head is complete,
    /// says how long it is and what follows.
    pub(super) fn read(
        &mut self,
        head: &[u8],
        max_line: usize,
        max_head: usize,
    ) -> Result<Option<(usize, Framing)>, Fault> {
        while let Some(at) = find_newline(&head[self.searched..]) {
            let end = self.searched + at;
            let line = head[self.line_start..end].strip_suffix(b"\r").ok_or(Fault::Unreadable)?;
            self.check_size(end, max_line, max_head)?;
            (self.searched, self.line_start) = (end + 1, end + 1);
            match (self.request_line, line.is_empty()) {
                // Some senders end a body with an extra line break.
                (None, true) => {}
                (None, false) => self.request_line = Some(request_line(line)?),
                (Some(_), false) => self.field(line)?,
                (Some(request), true) => return Ok(Some((end + 1, self.framing(request)?))),
            }
        }
        self.searched = head.len();
        if self.request_line.is_none() && head.get(self.line_start).is_some_and(|b| *b != b'\r' && !is_token(*b)) {
            return Err(Fault::Unreadable);
        }
        self.check_size(head.len(), max_line, max_head).map(|()| None)
    }

    fn check_size(&self, end: usize, max_line: usize, max_head: usize) -> Result<(), Fault> {
        match self.request_line {
            None if end - self.line_start > max_line => Err(Fault::AddressTooLong),
            None | Some(_) if end > max_head => Err(Fault::HeadTooLarge),
            None | Some(_) => Ok(()),
        }
    }

    fn field(&mut self, line: &[u8]) -> Result<(), Fault> {
        let colon = line.iter().position(|b| *b == b':').ok_or(Fault::Unreadable)?;
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        self.fields += 1;
        if self.fields > MAX_FIELDS {
            return Err(Fault::HeadTooLarge);
        }
        // A name with a blank, or none, is also how a folded line looks.
        let control = value.iter().fold(false, |bad, b| bad | (*b < b' ' && *b != b'\t') | (*b == 0x7f));
        if name.is_empty() || !name.iter().all(|b| is_token(*b)) || control {
            return Err(Fault::Unreadable);
        }
        let value = value.trim_ascii();
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => self.hosts += 1,
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                let earlier = self.length.replace(decimal(value)?);
                return if earlier.is_none() { Ok(()) } else { Err(Fault::Unreadable) };
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(Fault::Unreadable);
                }
                self.chunked = true;
            }
            // The library would take everything that follows as the body.
            7 if name.eq_ignore_ascii_case(b"upgrade") && value.eq_ignore_ascii_case(b"websocket") => {
                return Err(Fault::Unreadable);
            }
            _ => {}
        }
        Ok(())
    }

    fn framing(&self, request: RequestLine) -> Result<Framing, Fault> {
        let hosts_wanted = if request.is_http_10 { self.hosts <= 1 } else { self.hosts == 1 };
        let unclear = match (self.chunked, self.length) {
            (true, length) => length.is_some() || request.is_http_10,
            (false, None) => request.is_http_10 && request.is_post,
            (false, Some(_)) => false,
        };
        if !hosts_wanted || unclear {
            return Err(Fault::Unreadable);
        }
        Ok(match self.length {
            _ if self.chunked => Framing::Chunked,
            None | Some(0) => Framing::Empty,
            Some(length) => Framing::Length(length),
        })
    }
}

/// `METHOD SP target SP HTTP/1.x`, with one blank each.
fn request_line(line: &[u8]) -> Result<RequestLine, Fault> {
    let bad = Fault::Unreadable;
    let first = line.iter().position(|b| *b == b' ').ok_or(bad)?;
    let last = line.iter().rposition(|b| *b == b' ').filter(|last| *last > first).ok_or(bad)?;
    let (method, target, version) = (&line[..first], &line[first + 1..last], &line[last + 1..]);
    let is_http_10 = match version {
        b"HTTP/1.1" => false,
        b"HTTP/1.0" => true,
        _ => return Err(bad),
    };
    // Registered methods are letters and hyphens. CONNECT asks for a tunnel; the library would take everything that
    // follows as its content.
    let letters = method.iter().all(|b| b.is_ascii_alphabetic() || *b == b'-');
    if method.is_empty() || !letters || method == b"CONNECT" {
        return Err(bad);
    }
    let plain = target.first() == Some(&b'/') && target.iter().all(|b| is_plain(*b));
    let visible = !target.is_empty() && target.iter().all(u8::is_ascii_graphic);
    if plain || (visible && Uri::try_from(target).is_ok()) {
        return Ok(RequestLine { is_http_10, is_post: method == b"POST" });
    }
    Err(bad)
}

fn decimal(text: &[u8]) -> Result<u64, Fault> {
    let digits = std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    digits.and_then(|digits| digits.parse().ok()).ok_or(Fault::Unreadable)
}

fn find_newline(bytes: &[u8]) -> Option<usize> {
    // The standard library searches word by word here, and byte by byte in `position`.
    let taken = (&mut &*bytes).skip_until(b'\n').unwrap_or(0);
    (taken > 0 && bytes[taken - 1] == b'\n').then(|| taken - 1)
}

/// Bytes that need no closer look in a target.
fn is_plain(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'_' | b'.' | b'~' | b'?' | b'&' | b'=' | b'%' | b'+' | b':')
}

/// `tchar` of RFC 9110, section 5.6.2.
fn is_token(b: u8) -> bool {
    const TOKEN: [bool; 256] = {
        let mut table = [false; 256];
        let mut b = 0;
        while b < 256 {
            table[b] = (b as u8).is_ascii_alphanumeric();
            b += 1;
        }
        let marks = b"!#$%&'*+-.^_`|~";
        let mut at = 0;
        while at < marks.len() {
            table[marks[at] as usize] = true;
            at += 1;
        }
        table
    };
    TOKEN[b as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(head: &str) -> Result<Option<(usize, Framing)>, Fault> {
        HeadReader::default().read(head.as_bytes(), 100, 300)
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        let heads = [
            "GET / HTTP/1.1\n\n",
            "GET / HTTP/1.1\nhost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a\n\r\n",
            "GET  / HTTP/1.1\r\nhost: a\r\n\r\n",
            "GET /\r\nhost: a\r\n\r\n",
            "GET / x HTTP/1.1\r\nhost: a\r\n\r\n",
            "GET /\u{1} HTTP/1.1\r\nhost: a\r\n\r\n",
            "GET /ä HTTP/1.1\r\nhost: a\r\n\r\n",
            "GET / HTTP/2.0\r\nhost: a\r\n\r\n",
            "GET / http/1.1\r\nhost: a\r\n\r\n",
            "G(T / HTTP/1.1\r\nhost: a\r\n\r\n",
            "CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a\r\n folded\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a\r\n\tfolded: x\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a\r\nname : x\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a\r\n: x\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a\r\nno colon\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a\0b\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a\rb\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1, 1\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: +1\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0x1\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length:\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999999999999\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\ntransfer-encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: identity\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: xchunked\r\n\r\n",
            "POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n",
            "POST / HTTP/1.0\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a\r\nupgrade: WebSocket\r\n\r\n",
            "\u{16}\u{3}\u{1}",
        ];
        for head in heads {
            assert_eq!(read(head), Err(Fault::Unreadable), "{head:?}");
        }
    }

    #[test]
    fn heads_beyond_the_limits_are_refused_as_soon_as_that_is_known() {
        let long = "x".repeat(200);
        assert_eq!(read(&format!("GET /{long}")), Err(Fault::AddressTooLong));
        assert_eq!(read(&format!("GET /{long} HTTP/1.1\r\nhost: a\r\n\r\n")), Err(Fault::AddressTooLong));
        assert_eq!(read(&"\r\n".repeat(200)), Err(Fault::HeadTooLarge), "an endless row of empty lines");
        assert_eq!(read(&format!("GET / HTTP/1.1\r\na: {long}{long}")), Err(Fault::HeadTooLarge));
        let many = format!("GET / HTTP/1.1\r\n{}", "a:\r\n".repeat(97));
        assert_eq!(HeadReader::default().read(many.as_bytes(), 100, 30_000), Err(Fault::HeadTooLarge));
    }

    #[test]
    fn a_head_that_arrives_byte_by_byte_reads_the_same() {
        let cases = [
            ("GET / HTTP/1.0\r\n\r\n", Framing::Empty),
            ("\r\nGET /a?b=c%20d HTTP/1.1\r\nHost: a\r\n\r\n", Framing::Empty),
            ("GET http://a/b HTTP/1.1\r\nhost: a\r\nx-any: \u{e9}\t!\r\n\r\n", Framing::Empty),
            ("POST /a HTTP/1.1\r\nhost: a\r\nContent-Length: 0\r\n\r\n", Framing::Empty),
            ("POST /a HTTP/1.1\r\nhost: a\r\nContent-Length:  12 \r\n\r\n", Framing::Length(12)),
            ("POST /a HTTP/1.1\r\nhost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", Framing::Chunked),
        ];
        for (head, framing) in cases {
            let complete = Ok(Some((head.len(), framing)));
            assert_eq!(read(&format!("{head}rest of it")), complete, "{head:?}");
            let mut slow = HeadReader::default();
            for end in 0..head.len() {
                assert_eq!(slow.read(&head.as_bytes()[..end], 100, 300), Ok(None), "{head:?} up to {end}");
            }
            assert_eq!(slow.read(head.as_bytes(), 100, 300), complete);
        }
    }
}
