//! Small texts: os-release, meminfo, fstab, settings of the `KEY=value` kind.

/// A key's value in a text of `KEY=value` lines, unquoted.
pub(crate) fn value(text: &str, key: &str) -> Option<String> {
    let line =
        |line: &str| Some(line.trim().strip_prefix(key)?.trim_start().strip_prefix('=')?.trim().to_owned());
    text.lines().rev().find_map(line).map(|value| value.trim_matches(['"', '\'']).to_owned())
}

/// A line of meminfo, in bytes.
pub(crate) fn memory(meminfo: &str, key: &str) -> Option<u64> {
    let rest = meminfo.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    Some(rest.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// Lines that are no comment and not empty.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';']))
}

/// Major and minor number of a kernel release.
pub(crate) fn kernel(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(['.', '-', '+']).map_while(|part| part.parse().ok());
    Some((numbers.next()?, numbers.next()?))
}

/// How many processors a list like `0-3,8` names.
pub(crate) fn processors(text: &str) -> Option<u32> {
    let part = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (first.trim().parse::<u32>().ok()?, last.trim().parse::<u32>().ok()?);
        Some(last.checked_sub(first)? + 1)
    };
    text.trim().split(',').map(part).sum()
}

#[cfg(test)]
mod tests {
    use super::{kernel, memory, processors, value};

    #[test]
    fn reads_small_texts() {
        assert_eq!(value("A = 1\nB=\"x y\"\n#B=2\n", "B").as_deref(), Some("x y"));
        assert_eq!(value("A = 1\nAB=2\n", "A").as_deref(), Some("1"));
        assert_eq!(memory("MemTotal:  12 kB\n", "MemTotal"), Some(12288));
        assert_eq!(kernel("6.1.0-18-amd64"), Some((6, 1)));
        assert_eq!(kernel("x"), None);
        assert_eq!(processors("0-3,8\n"), Some(5));
        assert_eq!(processors(""), None);
    }
}
