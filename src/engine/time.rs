//! Points in time as texts: the one calendar of the program.

use std::time::{SystemTime, UNIX_EPOCH};

/// RFC 3339 in UTC with milliseconds, e.g. `2026-11-22T19:15:00.042Z`.
pub(crate) fn rfc3339(at: SystemTime) -> String {
    let (_, _, millis) = parts(at);
    format!("{}.{millis:03}Z", to_the_second(at))
}

/// RFC 3339 in UTC with whole seconds, e.g. `2026-11-22T19:15:00Z`.
pub fn rfc3339_seconds(at: SystemTime) -> String {
    format!("{}Z", to_the_second(at))
}

/// Seconds since the epoch of such a text with whole seconds in UTC; none when it is no such text. The date to days as
/// in Hinnant's `days_from_civil`.
pub fn unix_seconds(text: &str) -> Option<u64> {
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<u64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hours, minutes, seconds) = (number(11..13)?, number(14..16)?, number(17..19)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || year < 1970 || text.get(19..)? != "Z" {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = (era * 146_097 + day_of_era).checked_sub(719_468)?;
    Some(days * 86_400 + hours * 3_600 + minutes * 60 + seconds)
}

fn to_the_second(at: SystemTime) -> String {
    let (date, time, _) = parts(at);
    format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", date.0, date.1, date.2, time.0, time.1, time.2)
}

/// A text for a file's name that sorts by time, e.g. `20261122T191500.042Z`.
pub(crate) fn stamp(at: SystemTime) -> String {
    let (date, time, millis) = parts(at);
    format!("{:04}{:02}{:02}T{:02}{:02}{:02}.{millis:03}Z", date.0, date.1, date.2, time.0, time.1, time.2)
}

/// Year, month and day in UTC.
pub(crate) fn date(at: SystemTime) -> (i32, u8, u8) {
    let ((year, month, day), ..) = parts(at);
    let small = |number: u64| u8::try_from(number).unwrap_or(1);
    (i32::try_from(year).unwrap_or(i32::MAX), small(month), small(day))
}

/// Date, time of day and milliseconds. Days to date as in Howard Hinnant's `civil_from_days`
/// (<https://howardhinnant.github.io/date_algorithms.html>): years start in March, eras have 400 years.
fn parts(at: SystemTime) -> ((u64, u64, u64), (u64, u64, u64), u32) {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, seconds) = (since.as_secs() / 86_400 + 719_468, since.as_secs() % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    ((year, month, day), (seconds / 3_600, seconds / 60 % 60, seconds % 60), since.subsec_millis())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::{rfc3339, rfc3339_seconds, stamp, unix_seconds};

    #[test]
    fn knows_leap_days_and_turns_of_the_year() {
        // seconds from GNU date: date -u -d '2024-02-29 23:59:59' +%s
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.007Z"),
            (1_709_251_199, "2024-02-29T23:59:59.007Z"),
            (1_735_689_600, "2025-01-01T00:00:00.007Z"),
            (4_107_542_400, "2100-03-01T00:00:00.007Z"),
        ] {
            assert_eq!(rfc3339(UNIX_EPOCH + Duration::from_millis(seconds * 1000 + 7)), text);
        }
        for seconds in [0, 951_782_400, 1_709_251_199, 1_735_689_600, 4_107_542_400] {
            assert_eq!(
                unix_seconds(&rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds))),
                Some(seconds)
            );
        }
        assert_eq!(unix_seconds("2026-11-22"), None);
        assert_eq!(stamp(UNIX_EPOCH), "19700101T000000.000Z");
    }

    #[test]
    fn agrees_with_date_1() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (1_795_374_853, "2026-11-22T19:14:13Z"),
        ] {
            assert_eq!(rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }
}
