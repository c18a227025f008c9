//! Inputs made of other inputs by a seed: the same seed and inputs make the same ones.

/// Pieces that mean something to one of the targets.
const WORDS: [&str; 40] = [
    ";",
    ":",
    "=",
    "&",
    "%",
    "+",
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    "\n",
    "%3b",
    "%3B",
    "%00",
    "%c3%a9",
    "\\u003b",
    "\\ud800",
    ";amount:1",
    ";status_id:4",
    "signature",
    "amount",
    "external_id",
    "0",
    "00",
    "-1",
    "1e3",
    "null",
    "true",
    "false",
    "\u{feff}",
    "{\"a\":",
    "[[[[",
    "200",
    "500",
    "application/json",
    "salts = [\"\"]",
    "[sites.demo]",
];

/// Makes inputs.
pub struct Mutator<'i> {
    state: u64,
    inputs: &'i [Vec<u8>],
}

impl<'i> Mutator<'i> {
    /// Of these inputs, by this seed.
    pub fn new(seed: u64, inputs: &'i [Vec<u8>]) -> Self {
        Self { state: seed, inputs }
    }

    /// The next one: an input with one to four changes.
    pub fn next(&mut self) -> Vec<u8> {
        let mut input = self.pick();
        for _ in 0..=self.below(4) {
            self.change(&mut input);
        }
        input
    }

    fn pick(&mut self) -> Vec<u8> {
        let at = self.below(self.inputs.len());
        self.inputs[at].clone()
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        match self.below(7) {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 if at < input.len() => input[at] = self.below(256) as u8,
            2 => {
                let end = (at + self.below(12)).min(input.len());
                input.drain(at..end);
            }
            3 => {
                let end = (at + self.below(40)).min(input.len());
                let copy = input[at..end].to_vec();
                let to = self.below(input.len() + 1);
                input.splice(to..to, copy);
            }
            4 => {
                let other = self.pick();
                let from = self.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            _ => {
                let word = WORDS[self.below(WORDS.len())];
                input.splice(at..at, word.bytes());
            }
        }
    }

    /// A number below `most` (xorshift64*).
    fn below(&mut self, most: usize) -> usize {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let mixed = self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(mixed).expect("31 bits") % most.max(1)
    }
}
