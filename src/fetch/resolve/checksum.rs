//! Checksum files as download sites write them.

use sealift_stream::Digest;

/// Finds the SHA-256 of the file called `name`: either the text is one hex digest, or it has lines of
/// `<hex>  name` (coreutils' format, `*` before the name for binary) of which one names the file.
pub(super) fn find(text: &str, name: &str) -> Result<Digest, String> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut found = None;
    for line in &lines {
        let (hex, named) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let named = named.trim().trim_start_matches('*');
        let matches =
            if named.is_empty() { lines.len() == 1 } else { named.rsplit('/').next() == Some(name) };
        if !matches {
            continue;
        }
        let digest = format!("sha256:{}", hex.to_ascii_lowercase())
            .parse::<Digest>()
            .map_err(|_| "its checksum file holds no SHA-256 for it".to_owned())?;
        if found.is_some_and(|other| other != digest) {
            return Err(format!("its checksum file has two checksums for {name}"));
        }
        found = Some(digest);
    }
    found.ok_or_else(|| format!("its checksum file does not name {name}"))
}

#[cfg(test)]
mod tests {
    use super::find;

    const A: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const B: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn reads_the_forms_that_are_out_there() {
        for text in [
            A.to_owned(),
            format!("{}\n", A.to_uppercase()),
            format!("{A}  runc.amd64\n"),
            format!("{A} *runc.amd64"),
            format!("{B}  libseccomp.tar.gz\n\n{A}  ./runc.amd64\n{B}  runc.arm64\n"),
        ] {
            assert_eq!(find(&text, "runc.amd64").map(|d| d.hex()), Ok(A.to_owned()), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        let two = format!("{A}  x\n{B}  x\n");
        let bare = format!("{A}\n{B}\n");
        let other = format!("{A}  not-runc.amd64\n");
        for text in ["", "404: Not Found", "abc  runc.amd64", two.as_str(), bare.as_str(), other.as_str()] {
            let name = if text == two { "x" } else { "runc.amd64" };
            assert!(find(text, name).is_err(), "{text} was taken");
        }
    }
}
