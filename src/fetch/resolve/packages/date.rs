//! Dates of mails, which repositories have: `Sat, 11 Oct 2025 09:30:00 UTC`.

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The same as RFC 3339 in UTC with whole seconds, in which texts compare as times do.
pub(super) fn rfc3339(text: &str) -> Option<String> {
    let rest = text.split_once(',').map_or(text, |(_, rest)| rest);
    let mut words = rest.split_whitespace();
    let day: u8 = words.next()?.parse().ok()?;
    let month = words.next()?;
    let month = MONTHS.iter().position(|known| month == *known)? + 1;
    let year: u16 = words.next()?.parse().ok()?;
    let mut time = words.next()?.split(':');
    let mut number = || time.next()?.parse::<u8>().ok();
    let (hour, minute, second) = (number()?, number()?, number()?);
    matches!(words.next()?, "UTC" | "GMT" | "+0000")
        .then(|| format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn a_date_of_a_repository() {
        assert_eq!(rfc3339("Sat, 11 Oct 2025 09:30:00 UTC").unwrap(), "2025-10-11T09:30:00Z");
        assert_eq!(rfc3339("Sat, 1 Feb 2025 9:03:00 +0000").unwrap(), "2025-02-01T09:03:00Z");
        for wrong in ["", "2025-10-11", "Sat, 11 Okt 2025 09:30:00 UTC", "Sat, 11 Oct 2025 09:30:00 CET"] {
            assert_eq!(rfc3339(wrong), None, "{wrong}");
        }
    }
}
