//! Versions, in the order of `dpkg --compare-versions` (Debian Policy 5.6.12, deb-version(7)).

use std::cmp::Ordering;
use std::fmt;

/// `[epoch:]upstream[-revision]`. Two that compare equal may be written otherwise: `1.0` and `1.0-0`.
#[derive(Debug, Clone)]
pub struct Version(String);

impl Version {
    /// Takes any text: what is no version has some place in the order, as with dpkg.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Epoch, upstream version, revision.
    fn parts(&self) -> (u64, &str, &str) {
        let (epoch, rest) = self.0.split_once(':').unwrap_or(("0", &self.0));
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        (epoch.parse().unwrap_or(0), upstream, revision)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let (one, two) = (self.parts(), other.parts());
        one.0.cmp(&two.0).then_with(|| compare(one.1, two.1)).then_with(|| compare(one.2, two.2))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

/// Runs of other things and runs of digits in turn: the first by the order of their characters, the second as numbers.
fn compare(one: &str, two: &str) -> Ordering {
    let (mut one, mut two) = (one.as_bytes(), two.as_bytes());
    while !one.is_empty() || !two.is_empty() {
        let others = |text: &[u8]| text.iter().take_while(|byte| !byte.is_ascii_digit()).count();
        let (ends, end) = (others(one), others(two));
        // the shorter run goes on with its end, which sorts after `~` and before everything else
        for at in 0..ends.max(end) {
            let rank = |text: &[u8], length| if at < length { rank(text[at]) } else { 0 };
            let order = rank(one, ends).cmp(&rank(two, end));
            if order.is_ne() {
                return order;
            }
        }
        (one, two) = (&one[ends..], &two[end..]);
        let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (ends, end) = (digits(one), digits(two));
        let order = number(&one[..ends]).cmp(&number(&two[..end]));
        if order.is_ne() {
            return order;
        }
        (one, two) = (&one[ends..], &two[end..]);
    }
    Ordering::Equal
}

/// `~` before the end, letters before everything else.
fn rank(byte: u8) -> i32 {
    match byte {
        b'~' => -1,
        letter if letter.is_ascii_alphabetic() => i32::from(letter),
        other => i32::from(other) + 256,
    }
}

/// A number of any length: the longer one is larger.
fn number(digits: &[u8]) -> (usize, &[u8]) {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    (digits.len() - zeros, &digits[zeros..])
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const VERSIONS: &[&str] = &[
        "1.0",
        "1.0-0",
        "1.0-1",
        "1.0-1~deb12u1",
        "1.0-1+deb12u1",
        "1.0~rc1-1",
        "1.0~~",
        "1.0~",
        "1:0.9",
        "0:1.0",
        "1.00",
        "1.0a",
        "1.0+",
        "1.0.1",
        "1.0.10",
        "1.0.9",
        "2.36-9+deb12u10",
        "2.36-9+deb12u9",
        "10",
        "9",
        "1.0-1.1",
        "1-1-1",
        "1.0+b1",
        "1.0+dfsg-1",
        "20230311",
        "99999999999999999999999",
        "99999999999999999999998",
        "a",
        "~",
        "1.2",
    ];

    /// dpkg says what is right.
    #[test]
    fn they_are_in_the_order_of_dpkg() {
        for one in VERSIONS {
            for two in VERSIONS {
                let here = Version::new(*one) < Version::new(*two);
                let asked =
                    Command::new("dpkg").args(["--compare-versions", one, "lt", two]).output().unwrap();
                assert_eq!(here, asked.status.success(), "{one} < {two}");
                let same = Version::new(*one) == Version::new(*two);
                let asked =
                    Command::new("dpkg").args(["--compare-versions", one, "eq", two]).output().unwrap();
                assert_eq!(same, asked.status.success(), "{one} = {two}");
            }
        }
    }
}
