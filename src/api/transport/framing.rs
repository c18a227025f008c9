//! Follows a connection from head to body to head, so that every head is seen, and every body has an end.

use super::head::{Fault, Framing, HeadReader};

/// Where a connection is.
#[derive(Debug)]
pub(super) struct Follower {
    max_line: usize,
    max_head: usize,
    /// More bytes than this are no body of ours, however they are chunked.
    max_body_wire: u64,
    phase: Phase,
    body_wire: u64,
    finished: u64,
}

#[derive(Debug)]
enum Phase {
    Head(HeadReader),
    Length(u64),
    Chunked(Chunk),
}

/// Where in a chunked body, RFC 9112 section 7.1.
#[derive(Debug, Clone, Copy)]
enum Chunk {
    /// In the size; how many digits were seen, and their value.
    Size(u32, u64),
    /// After the size, up to the end of the line.
    Extension(u64),
    /// The line feed after a size line.
    SizeLf(u64),
    /// In the data; this much is left, then CR and LF.
    Data(u64),
    DataCr,
    DataLf,
    /// At the beginning of a line after the last chunk.
    LineStart,
    /// In a trailer field, which nobody reads.
    Trailer,
    TrailerLf,
    EndLf,
}

/// What became of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// This many bytes from the beginning may be handed on.
    pub(super) good: usize,
    /// What is wrong with what comes after them. Without a fault, the rest is a head that is not complete yet.
    pub(super) fault: Option<Fault>,
}

impl Follower {
    pub(super) fn new(max_line: usize, max_head: usize, max_body: usize) -> Self {
        let max_body_wire = 2 * max_body as u64 + 65_536;
        Self { max_line, max_head, max_body_wire, phase: Phase::Head(HeadReader::default()), body_wire: 0, finished: 0 }
    }

    /// Whether the next byte belongs to a body.
    pub(super) fn is_in_body(&self) -> bool {
        !matches!(self.phase, Phase::Head(_))
    }

    /// How many requests have arrived completely.
    pub(super) fn finished(&self) -> u64 {
        self.finished
    }

    /// Takes what has arrived. Bytes of an incomplete head must come again, with what follows, at the next call.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Step {
        let mut good = 0;
        while good < bytes.len() {
            let rest = &bytes[good..];
            let taken = match &mut self.phase {
                Phase::Head(head) => match head.read(rest, self.max_line, self.max_head) {
                    Ok(None) => return Step { good, fault: None },
                    Ok(Some((length, framing))) => {
                        self.phase = begin(framing);
                        self.finished += u64::from(framing == Framing::Empty);
                        self.body_wire = 0;
                        good += length;
                        continue;
                    }
                    Err(fault) => Err(fault),
                },
                Phase::Length(left) => {
                    let taken = rest.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= taken as u64;
                    Ok((taken, *left == 0))
                }
                Phase::Chunked(chunk) => chunk.take(rest),
            };
            match taken {
                Ok((taken, is_over)) => {
                    good += taken;
                    self.body_wire += taken as u64;
                    if is_over {
                        self.phase = Phase::Head(HeadReader::default());
                        self.finished += 1;
                    } else if self.body_wire > self.max_body_wire {
                        return Step { good, fault: Some(Fault::TooLarge) };
                    }
                }
                Err(fault) => return Step { good, fault: Some(fault) },
            }
        }
        Step { good, fault: None }
    }
}

fn begin(framing: Framing) -> Phase {
    match framing {
        Framing::Empty => Phase::Head(HeadReader::default()),
        Framing::Length(length) => Phase::Length(length),
        Framing::Chunked => Phase::Chunked(Chunk::Size(0, 0)),
    }
}

impl Chunk {
    /// Takes one byte of structure or a run of data; says how much, and whether the body is over.
    fn take(&mut self, bytes: &[u8]) -> Result<(usize, bool), Fault> {
        if let Chunk::Data(left) = self {
            let taken = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= taken as u64;
            if *left == 0 {
                *self = Chunk::DataCr;
            }
            return Ok((taken, false));
        }
        let next = match (*self, bytes[0]) {
            (Chunk::Size(digits, size), b) if b.is_ascii_hexdigit() && digits < 15 => {
                let digit = char::from(b).to_digit(16).unwrap_or(0);
                Chunk::Size(digits + 1, size * 16 + u64::from(digit))
            }
            (Chunk::Size(1.., size), b'\r') | (Chunk::Extension(size), b'\r') => Chunk::SizeLf(size),
            (Chunk::Size(1.., size), b';' | b' ' | b'\t') => Chunk::Extension(size),
            (Chunk::Extension(size), b' '..=b'~' | b'\t') => Chunk::Extension(size),
            (Chunk::SizeLf(0), b'\n') => Chunk::LineStart,
            (Chunk::SizeLf(size), b'\n') => Chunk::Data(size),
            (Chunk::DataCr, b'\r') => Chunk::DataLf,
            (Chunk::DataLf, b'\n') => Chunk::Size(0, 0),
            (Chunk::LineStart, b'\r') => Chunk::EndLf,
            (Chunk::LineStart | Chunk::Trailer, b' '..=b'~' | b'\t') => Chunk::Trailer,
            (Chunk::Trailer, b'\r') => Chunk::TrailerLf,
            (Chunk::TrailerLf, b'\n') => Chunk::LineStart,
            (Chunk::EndLf, b'\n') => return Ok((1, true)),
            _ => return Err(Fault::Unreadable),
        };
        *self = next;
        Ok((1, false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    const NEXT: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

    fn take(text: &str) -> Step {
        Follower::new(100, 300, 1000).take(text.as_bytes())
    }

    #[test]
    fn every_head_of_a_connection_is_seen() {
        let bodies = ["0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "0A ;x=y\r\n0123456789\r\n00\r\ntrailer: x\r\n\r\n"];
        for body in bodies {
            let good = format!("{HEAD}{body}{NEXT}");
            assert_eq!(take(&good), Step { good: good.len(), fault: None });
            let bad = Step { good: good.len(), fault: Some(Fault::Unreadable) };
            assert_eq!(take(&format!("{good}GET / HTTP/1.1\n\n")), bad, "{body:?}");
            assert_eq!(take(&format!("{good}GET / HT")), Step { good: good.len(), fault: None }, "held back");
        }
        let length = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello";
        assert_eq!(take(&format!("{length}{NEXT}(")).fault, Some(Fault::Unreadable));
    }

    #[test]
    fn a_broken_chunk_ends_the_body() {
        let bodies = [
            "\r\n",
            "x\r\n",
            "-1\r\n",
            "5\nhello",
            "5\r\nhelloX",
            "5\r\nhello\rX",
            "5;\u{1}\r\n",
            "0\r\n\rX",
            "0\r\na\n",
            "fffffffffffffffff\r\n",
            "5 5\rX",
            "0\r\n\n",
        ];
        for body in bodies {
            assert_eq!(take(&format!("{HEAD}{body}")).fault, Some(Fault::Unreadable), "{body:?}");
        }
    }

    #[test]
    fn no_chunked_body_is_endless() {
        let endless = format!("{HEAD}{}", "1\r\nx\r\n".repeat(20_000));
        assert_eq!(take(&endless).fault, Some(Fault::TooLarge));
        let trailers = format!("{HEAD}0\r\n{}", "a: b\r\n".repeat(20_000));
        assert_eq!(take(&trailers).fault, Some(Fault::TooLarge));
    }
}
