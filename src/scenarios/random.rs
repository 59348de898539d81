//! Random numbers from one seed, our own: the stream of a seed must never change with a crate.
//!
//! xoshiro256++ (Blackman and Vigna, 2019) seeded by SplitMix64 (Steele, Lea and Flood, 2014), and
//! the few distributions that traffic is made of. Every generator draws from a stream of its own
//! ([`Random::of`]), so that adding a client changes nobody else's requests.

/// SplitMix64's step between two states.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
/// The largest mean that Knuth's method for Poisson counts is used with: `exp(-mean)` must stay
/// far from zero. Larger means are drawn in parts.
const POISSON_MEAN_MAX: f64 = 16.0;

/// A well-mixed number from any number, one to one.
#[must_use]
pub const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(GOLDEN);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The coin of a thing: true for a share `p` of all things, always the same for one.
#[must_use]
pub fn coin(seed: u64, thing: u64, p: f64) -> bool {
    unit_of(mix(seed ^ mix(thing))) < p
}

/// The whole part of a number of milliseconds or the like.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "saturates, which is what a span should do")]
pub const fn whole(value: f64) -> i64 {
    value as i64
}

/// A number in [0, 1) with 53 random bits.
fn unit_of(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub struct Random([u64; 4]);

impl Random {
    /// The stream of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        let second = seed.wrapping_add(GOLDEN);
        let third = second.wrapping_add(GOLDEN);
        Self([mix(seed), mix(second), mix(third), mix(third.wrapping_add(GOLDEN))])
    }

    /// The stream of one thing among many: of part `part` of the portal with this seed, number
    /// `index`.
    #[must_use]
    pub const fn of(seed: u64, part: u64, index: u64) -> Self {
        Self::new(mix(seed ^ mix(part ^ mix(index))))
    }

    /// 64 random bits.
    pub const fn bits(&mut self) -> u64 {
        let [a, b, c, d] = self.0;
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c2, d2) = (c ^ a, d ^ b);
        self.0 = [a ^ d2, b ^ c2, c2 ^ (b << 17), d2.rotate_left(45)];
        result
    }

    /// A number below `bound`; 0 where the bound is 0.
    // The high half of a product of 64 bits.
    pub const fn below(&mut self, bound: u64) -> u64 {
        ((self.bits() as u128 * bound as u128) >> 64) as u64
    }

    /// A number in [0, 1).
    pub fn unit(&mut self) -> f64 {
        unit_of(self.bits())
    }

    /// True with this probability.
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// A waiting time with this mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// A number from the standard normal distribution (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        let radius = (2.0 * self.exponential(1.0)).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// A number with this mean whose logarithm spreads by `sigma`.
    pub fn log_normal(&mut self, mean: f64, sigma: f64) -> f64 {
        mean * (sigma * self.normal() - sigma * sigma / 2.0).exp()
    }

    /// A number with a gamma distribution of this shape and mean `shape * scale` (Marsaglia and
    /// Tsang, 2000; below shape 1 by their own boost).
    pub fn gamma(&mut self, shape: f64, scale: f64) -> f64 {
        if shape < 1.0 {
            let boost = (1.0 - self.unit()).powf(1.0 / shape.max(1e-6));
            return boost * self.gamma(shape + 1.0, scale);
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let normal = self.normal();
            let v = (1.0 + c * normal).powi(3);
            let limit = 0.5 * normal * normal + d - d * v + d * v.max(f64::MIN_POSITIVE).ln();
            if v > 0.0 && -self.exponential(1.0) < limit {
                return d * v * scale;
            }
        }
    }

    /// A share with mean `a / (a + b)`; the larger `a + b`, the closer to it.
    pub fn beta(&mut self, a: f64, b: f64) -> f64 {
        let (x, y) = (self.gamma(a, 1.0), self.gamma(b, 1.0));
        if x + y > 0.0 { x / (x + y) } else { a / (a + b) }
    }

    /// A count with this mean.
    pub fn poisson(&mut self, mean: f64) -> u64 {
        let (mut left, mut count) = (mean, 0);
        while left > 0.0 {
            let floor = (-left.min(POISSON_MEAN_MAX)).exp();
            let mut product = self.unit();
            while product > floor {
                count += 1;
                product *= self.unit();
            }
            left -= POISSON_MEAN_MAX;
        }
        count
    }

    /// A count with this mean and variance `mean + mean * mean / k`.
    pub fn negative_binomial(&mut self, mean: f64, k: f64) -> u64 {
        let mean = self.gamma(k, mean / k);
        self.poisson(mean)
    }

    /// A count from 1 on with this mean, each further one as likely as the last.
    pub fn geometric(&mut self, mean: f64) -> u64 {
        let mut count = 1;
        while self.chance(1.0 - 1.0 / mean.max(1.0)) {
            count += 1;
        }
        count
    }

    /// Puts a slice into random order.
    pub fn shuffle<T>(&mut self, slice: &mut [T]) {
        for end in (1..slice.len()).rev() {
            let other = usize::try_from(self.below(end as u64 + 1)).unwrap_or(end);
            slice.swap(end, other);
        }
    }
}

/// A random order of the numbers below a bound that needs no memory of them: a Feistel network of
/// four rounds, walked until the result is in range. (`a * i + b` would be a walk of constant
/// stride, which is just what must not be there.)
#[derive(Clone, Copy, Debug)]
pub struct Permutation {
    seed: u64,
    bound: u64,
    half_bits: u32,
}

impl Permutation {
    /// An order of the numbers below `bound`, at most 2^62.
    #[must_use]
    pub const fn new(seed: u64, bound: u64) -> Self {
        let bits = u64::BITS - bound.saturating_sub(1).leading_zeros();
        Self { seed: mix(seed), bound, half_bits: if bits < 2 { 1 } else { bits.div_ceil(2) } }
    }

    /// The number at this place, taken modulo the bound.
    #[must_use]
    pub const fn at(&self, index: u64) -> u64 {
        if self.bound < 2 {
            return 0;
        }
        let mut value = self.round_trip(index % self.bound);
        while value >= self.bound {
            value = self.round_trip(value);
        }
        value
    }

    /// The place of a number below the bound: what [`at`](Self::at) takes it from.
    #[must_use]
    pub const fn place_of(&self, number: u64) -> u64 {
        if self.bound < 2 {
            return 0;
        }
        let mut value = self.way_back(number % self.bound);
        while value >= self.bound {
            value = self.way_back(value);
        }
        value
    }

    const fn way_back(&self, value: u64) -> u64 {
        let mask = (1_u64 << self.half_bits) - 1;
        let (mut left, mut right) = (value >> self.half_bits, value & mask);
        let mut round = 4;
        while round > 0 {
            round -= 1;
            let mixed = mix(self.seed ^ (left << 3) ^ round) & mask;
            (left, right) = (right ^ mixed, left);
        }
        (left << self.half_bits) | right
    }

    const fn round_trip(&self, value: u64) -> u64 {
        let mask = (1_u64 << self.half_bits) - 1;
        let (mut left, mut right) = (value >> self.half_bits, value & mask);
        let mut round = 0;
        while round < 4 {
            let mixed = mix(self.seed ^ (right << 3) ^ round) & mask;
            (left, right) = (right, left ^ mixed);
            round += 1;
        }
        (left << self.half_bits) | right
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean and variance of many draws.
    fn moments(mut draw: impl FnMut(&mut Random) -> f64) -> (f64, f64) {
        let mut random = Random::new(7);
        let draws: Vec<f64> = (0..100_000).map(|_| draw(&mut random)).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let spread = draws.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        (mean, spread)
    }

    fn assert_near(seen: (f64, f64), expected: (f64, f64)) {
        assert!((seen.0 / expected.0 - 1.0).abs() < 0.03, "mean {seen:?}, not {expected:?}");
        assert!((seen.1 / expected.1 - 1.0).abs() < 0.06, "variance {seen:?}, not {expected:?}");
    }

    #[test]
    fn a_number_is_found_at_its_place() {
        for bound in [1, 2, 17, 1_000, 62_500] {
            let order = Permutation::new(bound, bound);
            assert!((0..bound).all(|it| order.place_of(order.at(it)) == it), "{bound}");
        }
    }

    #[test]
    fn the_stream_of_a_seed_is_the_published_one() {
        // The first output of xoshiro256++ from the state 1, 2, 3, 4, by its reference code.
        let mut random = Random([1, 2, 3, 4]);
        assert_eq!((random.bits(), random.bits()), (41_943_041, 58_720_359));
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
    }

    #[test]
    fn distributions_have_their_means_and_variances() {
        assert_near(moments(Random::unit), (0.5, 1.0 / 12.0));
        assert_near(moments(|it| it.exponential(3.0)), (3.0, 9.0));
        assert_near(moments(|it| it.gamma(4.0, 0.5)), (2.0, 1.0));
        assert_near(moments(|it| it.gamma(0.5, 2.0)), (1.0, 2.0));
        assert_near(moments(|it| it.beta(0.25, 4.75)), (0.05, 0.05 * 0.95 / 6.0));
        assert_near(moments(|it| it.poisson(2.5) as f64), (2.5, 2.5));
        assert_near(moments(|it| it.poisson(40.0) as f64), (40.0, 40.0));
        assert_near(moments(|it| it.negative_binomial(6.0, 2.0) as f64), (6.0, 24.0));
        assert_near(moments(|it| it.geometric(3.0) as f64), (3.0, 6.0));
        assert_near(moments(|it| it.log_normal(20.0, 0.3)), (20.0, 400.0 * (0.09_f64.exp() - 1.0)));
        assert_near(moments(|it| it.below(10) as f64), (4.5, 8.25));
    }

    #[test]
    fn a_permutation_has_every_number_once_and_no_stride() {
        for bound in [1, 2, 3, 100, 1_000, 4_097] {
            let permutation = Permutation::new(3, bound);
            let all: Vec<u64> = (0..bound).map(|it| permutation.at(it)).collect();
            let mut sorted = all.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..bound).collect::<Vec<_>>());
            let strides: std::collections::BTreeSet<u64> =
                all.windows(2).map(|it| it[1].wrapping_sub(it[0])).collect();
            assert!(bound < 100 || strides.len() > 50, "{} strides in {bound}", strides.len());
        }
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        let mut items: Vec<u32> = (0..50).collect();
        Random::new(1).shuffle(&mut items);
        assert_ne!(items, (0..50).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<_>>());
    }
}
