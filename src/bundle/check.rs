//! Checks that recipe, lock and manifest share. Each returns the reason in words.

use std::collections::HashSet;

use crate::{Item, ItemKind};

/// Names and versions become parts of file names on FAT32 and of OCI references.
pub(crate) fn name(text: &str, field: &str) -> Result<(), String> {
    let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'+');
    let starts_well = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    // Windows drops a dot at the end of a name.
    if starts_well && text.len() <= 100 && text.bytes().all(good) && !text.ends_with('.') {
        return Ok(());
    }
    let cut: String = text.chars().take(100).collect();
    Err(format!(
        "{field} '{cut}' must begin with a letter or digit and hold only letters, digits and . _ - +"
    ))
}

/// A package is what its stanza says, and the stanza is one.
fn package(item: &Item) -> Result<(), String> {
    name(&item.name, "package")?;
    debian_version(&item.version)?;
    let Some(package) = &item.package else { return Ok(()) };
    let bad = |what: String| Err(format!("package {}: {what}", item.name));
    let architecture = item.platform.as_ref().map_or("all", |platform| platform.architecture());
    if item.name != format!("{}_{architecture}_{}", package.system, package.package) {
        return bad("it is called otherwise than its system, architecture and package".to_owned());
    }
    let size = item.size.to_string();
    let said = [
        ("Package", package.package.as_str()),
        ("Version", &item.version),
        ("Size", &size),
        ("SHA256", &item.digest.hex()),
    ]
    .map(|(field, value)| format!("{field}: {value}"));
    let lines: Vec<&str> = package.control.lines().collect();
    let field = |line: &str| {
        let (name, _) = line.split_once(": ")?;
        // as apt reads them, in whatever case
        (!name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
            .then(|| name.to_ascii_lowercase())
    };
    if !package.control.ends_with('\n')
        || lines.iter().any(|line| line.contains('\r') || field(line).is_none())
    {
        return bad("its stanza is no list of fields".to_owned());
    }
    for wanted in &said {
        let name = field(wanted);
        if lines.iter().filter(|line| field(line) == name).collect::<Vec<_>>() != [&wanted.as_str()] {
            return bad(format!("its stanza must say once '{wanted}'"));
        }
    }
    match lines.iter().find(|line| field(line).as_deref() == Some("filename")) {
        Some(_) => bad("its stanza names a file".to_owned()),
        None => Ok(()),
    }
}

/// A package's version: its characters (Debian Policy 5.6.12), no path and no second line.
fn debian_version(text: &str) -> Result<(), String> {
    let good = |b: u8| b.is_ascii_alphanumeric() || b".+-~:".contains(&b);
    if !text.is_empty() && text.len() <= 100 && text.bytes().all(good) {
        return Ok(());
    }
    let cut: String = text.chars().take(100).collect();
    Err(format!("version '{cut}' is no version of a Debian package"))
}

/// RFC 3339 in UTC, whole seconds: one spelling for one instant.
pub(crate) fn timestamp(text: &str) -> Result<(), String> {
    let shape = b"dddd-dd-ddTdd:dd:ddZ";
    let fits = |(have, want): (u8, &u8)| if *want == b'd' { have.is_ascii_digit() } else { have == *want };
    if text.len() == shape.len() && text.bytes().zip(shape).all(fits) {
        return Ok(());
    }
    let cut: String = text.chars().take(40).collect();
    Err(format!("created '{cut}' must look like 2026-11-22T19:00:00Z"))
}

/// An image's name: host, repository and tag, all spelt out, and no digest.
pub(crate) fn image(text: &str) -> Result<(), String> {
    let cut = || text.chars().take(200).collect::<String>();
    let bad = |why: &str| Err(format!("image '{}' {why}", cut()));
    let Some((host, rest)) = text.split_once('/') else {
        return bad("must name its registry, e.g. docker.io/library/nginx:1.29");
    };
    if !(host.contains('.') || host.contains(':') || host == "localhost") {
        return bad("must name its registry, e.g. docker.io/library/nginx:1.29");
    }
    if text.contains('@') {
        return bad("must have a tag, not a digest: the lock pins the digest");
    }
    let Some((repository, tag)) = rest.rsplit_once(':') else {
        return bad("must have a tag");
    };
    let tag_ok = (1..=128).contains(&tag.len())
        && !tag.starts_with(['.', '-'])
        && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    let part_ok = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
    };
    let host_ok = host.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-:".contains(&b));
    if tag_ok && host_ok && text.len() <= 255 && repository.split('/').all(part_ok) {
        return Ok(());
    }
    bad("is not a valid image name (lower case, host/path:tag)")
}

/// Items: well named, and each kind and name once.
pub(crate) fn items(items: &[Item]) -> Result<(), String> {
    let mut seen = HashSet::new();
    for item in items {
        match item.kind {
            ItemKind::Image => image(&item.name)?,
            ItemKind::Chart | ItemKind::File => {
                name(&item.name, item.kind.as_str())?;
                name(&item.version, "version")?;
            }
            ItemKind::Package => package(item)?,
        }
        if item.package.is_some() != (item.kind == ItemKind::Package) {
            return Err(format!(
                "{} {} must have a control stanza exactly when it is a package",
                item.kind.as_str(),
                item.name
            ));
        }
        if item.chart.is_some() != (item.kind == ItemKind::Chart) {
            return Err(format!(
                "{} {} must have chart settings exactly when it is a chart",
                item.kind.as_str(),
                item.name
            ));
        }
        if !seen.insert((item.kind, &item.name)) {
            return Err(format!("{} {} is there twice", item.kind.as_str(), item.name));
        }
    }
    if !items.is_sorted_by(|a, b| (a.kind, &a.name) <= (b.kind, &b.name)) {
        return Err("items are not sorted by kind and name".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_stay_inside_one_directory() {
        for good in ["core", "1.36.4-1", "v0.15.2+build_3"] {
            assert_eq!(super::name(good, "name"), Ok(()));
        }
        for bad in ["", ".", "..", "a/b", "-x", "a b", "über", "con:", "a.", &"a".repeat(101)] {
            assert!(super::name(bad, "name").is_err(), "{bad} was taken");
        }
    }

    #[test]
    fn images_are_spelt_out() {
        for good in
            ["registry.k8s.io/pause:3.10.2", "localhost:5000/a/b-c:v1_2", "docker.io/library/nginx:1.29"]
        {
            assert_eq!(super::image(good), Ok(()));
        }
        for bad in [
            "pause:3.10",
            "library/nginx:1",
            "registry.k8s.io/pause",
            "registry.k8s.io/pause@sha256:00",
            "registry.k8s.io:5000/pause",
            "registry.k8s.io/Pause:1",
            "registry.k8s.io/../pause:1",
            "registry.k8s.io//pause:1",
            "registry.k8s.io/pause:.1",
        ] {
            assert!(super::image(bad).is_err(), "{bad} was taken");
        }
    }

    #[test]
    fn a_package_is_what_its_one_stanza_says() {
        let digest = sealift_stream::Digest::of(b"x");
        let control = format!(
            "Package: chrony\nVersion: 1:4.3-2~a\nArchitecture: amd64\nSize: 7\nSHA256: {}\n",
            digest.hex()
        );
        let item = |name: &str, control: &str| crate::Item {
            kind: crate::ItemKind::Package,
            name: name.to_owned(),
            version: "1:4.3-2~a".to_owned(),
            digest,
            media_type: "x/y".to_owned(),
            size: 7,
            platform: Some(crate::Platform::here()),
            chart: None,
            package: Some(crate::PackageItem {
                system: "debian-12".to_owned(),
                package: "chrony".to_owned(),
                wanted: true,
                control: control.to_owned(),
                basis: digest,
            }),
        };
        let name = format!("debian-12_{}_chrony", crate::Platform::here().architecture());
        assert_eq!(super::items(&[item(&name, &control)]), Ok(()));
        for (from, to) in [
            ("Package: chrony", "Package: evil"),
            ("Version: 1:4.3", "Version: 1:4.4"),
            ("Size: 7", "Size: 8"),
            ("Size: 7\n", ""),
            ("Size: 7", "Size: 7\nSize: 8"),
            ("Architecture: amd64", "Architecture: amd64\nFilename: ../x.deb"),
            ("Architecture: amd64", "Architecture: amd64\n\nPackage: second"),
            ("Architecture: amd64", "Architecture: amd64\n folded"),
        ] {
            let control = control.replace(from, to);
            assert!(super::items(&[item(&name, &control)]).is_err(), "taken: {control}");
        }
        assert!(super::items(&[item("debian-12_chrony", &control)]).is_err());
    }

    #[test]
    fn one_instant_has_one_spelling() {
        assert_eq!(super::timestamp("2026-11-22T19:00:00Z"), Ok(()));
        for bad in
            ["2026-11-22", "2026-11-22T19:00:00+00:00", "2026-11-22T19:00:00.5Z", "2026-11-22t19:00:00z"]
        {
            assert!(super::timestamp(bad).is_err(), "{bad} was taken");
        }
    }
}
