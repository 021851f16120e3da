//! Numbers that follow from a seed: `SplitMix64` (Steele, Lea and Flood, OOPSLA 2014).

/// A sequence of numbers; the same seed gives the same ones, on every machine.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence of a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A sequence of its own for one round of many, so that a round can be run again alone.
    pub const fn for_round(seed: u64, round: u64) -> Self {
        let mut mixed = Self(seed ^ round.wrapping_mul(0xA076_1D64_78BD_642F));
        mixed.next_number();
        mixed
    }

    /// The next number, any of 64 bits.
    pub const fn next_number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below an end; 0 where the end is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        u64::try_from((u128::from(self.next_number()) * u128::from(end)) >> 64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_from_the_seed_and_stay_below_their_end() {
        let some = |seed| {
            let mut random = Random::new(seed);
            (0..100).map(|_| random.below(7)).collect::<Vec<_>>()
        };
        assert_eq!(some(1), some(1));
        assert_ne!(some(1), some(2));
        assert!(some(3).iter().all(|number| *number < 7));
        assert_eq!(Random::new(1).below(0), 0);
    }
}
