//! Tar headers as a pure function of path and size: no owner, no time, nothing of this machine.

use std::io;

/// Bytes of tar's unit: headers and contents begin at multiples of it.
pub(crate) const BLOCK: u64 = 512;

/// The largest size that ustar's eleven octal digits hold (POSIX.1-2017, pax, "ustar Interchange Format").
const USTAR_LIMIT: u64 = (8 << 30) - 1;

/// The end of an archive: two blocks of zeros.
pub(crate) const END: u64 = 2 * BLOCK;

/// The header blocks of a regular file; with a PAX header before it when the size needs one.
pub(crate) fn head(path: &str, size: u64) -> io::Result<Vec<u8>> {
    if size <= USTAR_LIMIT {
        return header(path, size, tar::EntryType::Regular);
    }
    let record = pax_record("size", &size.to_string());
    let name = path.rsplit('/').next().unwrap_or(path);
    let mut bytes = header(&format!("PaxHeaders/{name}"), record.len() as u64, tar::EntryType::XHeader)?;
    bytes.extend(record.as_bytes());
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    // Readers take the size from the PAX record; the field is 0, as Go's archive/tar leaves it.
    bytes.extend(header(path, 0, tar::EntryType::Regular)?);
    Ok(bytes)
}

/// How many bytes [`head`] gives for a content of this size.
pub(crate) fn head_len(size: u64) -> u64 {
    if size <= USTAR_LIMIT { BLOCK } else { 3 * BLOCK }
}

fn header(path: &str, size: u64, kind: tar::EntryType) -> io::Result<Vec<u8>> {
    let mut header = tar::Header::new_ustar();
    header.set_path(path)?;
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header.set_cksum();
    Ok(header.as_bytes().to_vec())
}

/// `LENGTH KEY=VALUE\n`, where the length counts itself.
fn pax_record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    format!("{length} {key}={value}\n")
}

#[cfg(test)]
mod tests {
    use super::{head, head_len, pax_record};

    #[test]
    fn a_pax_record_counts_its_own_length() {
        assert_eq!(pax_record("size", "9663676416"), "19 size=9663676416\n");
        // 9 + 1 digit would be 10, which has two digits.
        assert_eq!(pax_record("abc", "de"), "9 abc=de\n");
        assert_eq!(pax_record("abc", "def"), "11 abc=def\n");
    }

    #[test]
    fn headers_are_as_long_as_foretold() {
        for size in [0, 1, (8 << 30) - 1, 8 << 30, 1 << 40] {
            let bytes = head(&format!("blobs/sha256/{}", "a".repeat(64)), size).expect("has a header");
            assert_eq!(bytes.len() as u64, head_len(size));
        }
    }
}
