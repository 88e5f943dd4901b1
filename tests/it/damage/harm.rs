//! Ways to harm a file, each made of a seed.

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

const PAGE: u64 = 4096;

/// Numbers that look random and are the same each time.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % below
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| u8::try_from(self.roll(256)).unwrap()).collect()
    }
}

/// What is done to a file.
#[derive(Debug, Clone, Copy)]
pub enum Harm {
    Cut { to: u64 },
    Overwrite { at: u64, length: usize, with: With },
}

#[derive(Debug, Clone, Copy)]
pub enum With {
    Noughts,
    Ones,
    Noise(u64),
}

impl Harm {
    /// Some harm to a file of that length.
    pub fn of(dice: &mut Dice, length: u64) -> Vec<Self> {
        let with = |dice: &mut Dice| match dice.roll(3) {
            0 => With::Noughts,
            1 => With::Ones,
            _ => With::Noise(dice.roll(1 << 32)),
        };
        let pages = length / PAGE;
        match dice.roll(6) {
            0 => vec![Self::Cut { to: dice.roll(length) }],
            1 => vec![Self::Cut { to: dice.roll(pages) * PAGE }],
            2 => {
                vec![Self::Overwrite { at: 0, length: 16 + usize::try_from(dice.roll(200)).unwrap(), with: with(dice) }]
            }
            _ => (0..=dice.roll(4))
                .map(|_| Self::Overwrite { at: dice.roll(pages) * PAGE, length: 4096, with: with(dice) })
                .collect(),
        }
    }

    pub fn to(self, path: &Path) {
        let mut file = OpenOptions::new().write(true).open(path).unwrap();
        match self {
            Self::Cut { to } => file.set_len(to).unwrap(),
            Self::Overwrite { at, length, with } => {
                let bytes = match with {
                    With::Noughts => vec![0; length],
                    With::Ones => vec![0xFF; length],
                    With::Noise(seed) => Dice::new(seed).bytes(length),
                };
                file.seek(SeekFrom::Start(at)).unwrap();
                file.write_all(&bytes).unwrap();
            }
        }
    }
}

pub fn length(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}
