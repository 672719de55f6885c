//! Bytes as people read them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A number of bytes; its `Display` is in binary units with one decimal, e.g. `12.3 MiB`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ByteSize(pub u64);

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        if self.0 < 1024 {
            return f.pad(&format!("{} B", self.0));
        }
        // In tenths of a unit, so that 1023.96 KiB is shown as 1.0 MiB and no float is needed.
        let (mut unit, mut scale) = (0, 1024_u128);
        while tenths(self.0, scale) >= 10_240 && unit + 1 < UNITS.len() {
            unit += 1;
            scale *= 1024;
        }
        let tenths = tenths(self.0, scale);
        f.pad(&format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit]))
    }
}

/// `bytes / scale` in tenths, rounded half up.
fn tenths(bytes: u64, scale: u128) -> u128 {
    (u128::from(bytes) * 10 + scale / 2) / scale
}

#[cfg(test)]
mod tests {
    use super::ByteSize;

    #[test]
    fn reads_well_at_the_edges() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1_048_575, "1.0 MiB"),
            (12_897_485, "12.3 MiB"),
            (9 << 30, "9.0 GiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(ByteSize(bytes).to_string(), text);
        }
        assert_eq!(format!("{:>9}", ByteSize(1024)), "  1.0 KiB");
    }
}
