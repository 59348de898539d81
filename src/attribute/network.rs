//! Where in the net a client stands: who rents machines mostly gets them side by side.

use super::address::{Address, Ip};
use borsh::{BorshDeserialize, BorshSerialize};

/// The place of an address in the net.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Network(Ip);

/// How near to each other two addresses are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nearness {
    /// In one /24, or IPv6 /48.
    Side,
    /// In one /16, or IPv6 /32.
    Near,
    /// Neither.
    Far,
}

impl Network {
    /// That of an address by its name as alerts show it (IPv6 by its /64); none of a host name.
    #[must_use]
    pub fn of(name: &[u8]) -> Option<Self> {
        let address = name.split(|it| *it == b'/').next()?;
        match Address::of(address)? {
            Address::Ip(ip) => Some(Self(ip)),
            Address::Host(_) => None,
        }
    }

    /// How near two addresses are.
    #[must_use]
    pub const fn nearness(self, other: Self) -> Nearness {
        let shared = match (self.0, other.0) {
            (Ip::V4(a), Ip::V4(b)) => (a ^ b).leading_zeros() / 8,
            (Ip::V6(a), Ip::V6(b)) => (a ^ b).leading_zeros() / 16,
            _ => 0,
        };
        match shared {
            3.. => Nearness::Side,
            2 => Nearness::Near,
            _ => Nearness::Far,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_24_stand_side_by_side_and_those_of_one_16_near() {
        let nearness = |a: &str, b: &str| {
            Network::of(a.as_bytes()).unwrap().nearness(Network::of(b.as_bytes()).unwrap())
        };
        assert_eq!(nearness("203.0.113.7", "203.0.113.250"), Nearness::Side);
        assert_eq!(nearness("203.0.113.7", "203.0.114.7"), Nearness::Near);
        assert_eq!(nearness("203.0.113.7", "203.1.113.7"), Nearness::Far);
        assert_eq!(nearness("2001:db8:1:2::/64", "2001:db8:1:9::/64"), Nearness::Side);
        assert_eq!(nearness("2001:db8:1:2::/64", "2001:db8:7:2::/64"), Nearness::Near);
        assert_eq!(nearness("2001:db8:1:2::/64", "203.0.113.7"), Nearness::Far);
        assert_eq!(Network::of(b"in24.inetnebr.com"), None);
    }
}
