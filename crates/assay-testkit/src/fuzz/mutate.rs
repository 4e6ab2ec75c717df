//! Mutation of inputs: reproducible from one number, blind to coverage.

/// A small, fast generator of random numbers (xorshift64*), the same on every machine for the same seed.
#[derive(Clone, Debug)]
pub struct Random(u64);

/// Numbers that parsers tend to get wrong, placed as text and as bytes.
const NUMBERS: &[u64] =
    &[0, 1, 7, 127, 128, 255, 256, 32_767, 65_535, 65_536, 0x7fff_ffff, 0xffff_ffff, 1 << 32, u64::MAX];

/// Pieces of text that occur in the formats at hand.
const WORDS: &[&str] = &[
    "\0",
    "\n",
    "\r\n",
    "\n\n",
    "../",
    "/",
    "//",
    "\\",
    "\"",
    "'",
    "{",
    "}",
    "[",
    "]",
    ":",
    ": ",
    ",",
    "=",
    "==",
    "~",
    "^",
    "-",
    "+",
    ".",
    "e",
    "v",
    "0",
    "00",
    "999999999999999999999",
    "%",
    "%00",
    "%2f",
    "@",
    "#",
    "?",
    "\u{feff}",
    "é",
    "null",
    "true",
    "-1",
    "1e999",
    "\"\\ud800\"",
];

impl Random {
    /// # Arguments
    /// Any number; zero stands for another one, which the generator could not start from.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        Self(if mixed == 0 { 1 } else { mixed ^ (mixed >> 31) | 1 })
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `bound`; zero when that is zero.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        usize::try_from(self.number().checked_rem(bound).unwrap_or(0)).unwrap_or(0)
    }

    fn byte(&mut self) -> u8 {
        self.number().to_le_bytes()[3]
    }
}

/// A changed copy of one of the seeds, at most `limit` bytes long.
pub fn mutate(seeds: &[Vec<u8>], random: &mut Random, limit: usize) -> Vec<u8> {
    let mut input = pick(seeds, random);
    for _ in 0..=random.below(6) {
        change(&mut input, seeds, random);
    }
    input.truncate(limit);
    input
}

fn pick(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    seeds.get(random.below(seeds.len())).cloned().unwrap_or_default()
}

fn change(input: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let at = random.below(input.len() + 1);
    match random.below(10) {
        0 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        1 => {
            let byte = random.byte();
            if let Some(old) = input.get_mut(at) {
                *old = byte;
            }
        }
        2 => drop(input.drain(range(input.len(), at, random))),
        3 => {
            let piece = input[range(input.len(), at, random)].to_vec();
            let to = random.below(input.len() + 1);
            input.splice(to..to, piece);
        }
        4 => {
            let word = WORDS[random.below(WORDS.len())];
            input.splice(at..at, word.bytes());
        }
        5 => overwrite(input, at, random),
        6 => {
            let number = NUMBERS[random.below(NUMBERS.len())].to_string();
            let end = at + input[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            input.splice(at..end, number.bytes());
        }
        7 => input.truncate(at),
        8 => {
            let other = pick(seeds, random);
            let from = random.below(other.len() + 1);
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
        _ => {
            let byte = random.byte();
            let count = 1 << random.below(10);
            input.splice(at..at, std::iter::repeat_n(byte, count));
        }
    }
}

/// A range that begins at `at`, mostly short.
fn range(length: usize, at: usize, random: &mut Random) -> std::ops::Range<usize> {
    let most = if random.below(8) == 0 { length } else { 16 };
    at..length.min(at + random.below(most + 1))
}

/// Puts a number of one to eight bytes in either byte order over what stands there.
fn overwrite(input: &mut [u8], at: usize, random: &mut Random) {
    let number = NUMBERS[random.below(NUMBERS.len())].wrapping_add(random.number() % 3).wrapping_sub(1);
    let width = 1 << random.below(4);
    let mut bytes = number.to_le_bytes()[..width].to_vec();
    if random.below(2) == 0 {
        bytes.reverse();
    }
    for (old, new) in input[at..].iter_mut().zip(bytes) {
        *old = new;
    }
}

#[cfg(test)]
mod tests {
    use super::{Random, mutate};

    #[test]
    fn a_seed_gives_the_same_inputs_again_and_they_differ() {
        let seeds = vec![b"1.2.3".to_vec(), b"{\"a\": 12}".to_vec()];
        let many = |seed| {
            let mut random = Random::new(seed);
            (0..2000).map(|_| mutate(&seeds, &mut random, 64)).collect::<Vec<_>>()
        };
        let first = many(7);
        assert_eq!(first, many(7));
        assert!(first.iter().collect::<std::collections::BTreeSet<_>>().len() > 1000);
        assert!(first.iter().all(|input| input.len() <= 64));
    }
}
