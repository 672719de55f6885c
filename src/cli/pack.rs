//! Arguments of `sealift pack`.

use std::path::PathBuf;

use clap::Args;

/// What to pack, from where, signed by whom.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    sealift pack bundle/core.yaml --key keys/plant.sec --output out/\n  \
    sealift pack bundle/core.yaml --key keys/plant.sec --output out/ --locked\n  \
    sealift pack bundle/core.yaml --key keys/plant.sec --output out/ \\\n    \
      --mirror registry.k8s.io=https://proxy.corp/k8s \\\n    \
      --mirror https://dl.k8s.io=https://proxy.corp/dl")]
pub(crate) struct PackArgs {
    /// The recipe: what to pack
    #[arg(value_name = "RECIPE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) recipe: PathBuf,

    /// Where NAME-VERSION.sealift is made
    #[arg(short, long, value_name = "DIR", default_value = ".", value_hint = clap::ValueHint::DirPath)]
    pub(crate) output: PathBuf,

    /// The secret key that signs the bundle
    #[arg(long, value_name = "KEY.sec", value_hint = clap::ValueHint::FilePath)]
    pub(crate) key: PathBuf,

    /// A file whose first line is the key's password; without it a terminal is asked
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) password_file: Option<PathBuf>,

    /// The lock: digests and sizes [default: beside the recipe, RECIPE.lock]
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) lock: Option<PathBuf>,

    /// Refuse when the lock would change
    #[arg(long, conflicts_with = "update")]
    pub(crate) locked: bool,

    /// Ask anew what tags stand for today, instead of keeping the lock's digests
    #[arg(long)]
    pub(crate) update: bool,

    /// Ask BASE for what is at UPSTREAM, a registry or an https address (repeatable)
    #[arg(long, value_name = "UPSTREAM=BASE")]
    pub(crate) mirror: Vec<String>,

    /// How many things are fetched at the same time
    #[arg(short, long, value_name = "N", default_value_t = 8)]
    pub(crate) jobs: usize,

    /// Bytes per volume, e.g. 3900MiB; FAT32 holds less than 4 GiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) volume_size: Option<u64>,
}

/// `123`, `10KiB`, `3900MiB`, `2GiB`.
fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "B" => 1_u64,
        "KiB" | "K" => 1 << 10,
        "MiB" | "M" => 1 << 20,
        "GiB" | "G" => 1 << 30,
        other => return Err(format!("unit '{other}' is none of B, KiB, MiB, GiB")),
    };
    let number: u64 = digits.parse().map_err(|_| format!("'{digits}' is not a whole number"))?;
    number.checked_mul(unit).ok_or_else(|| "that is more than can be counted".to_owned())
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn reads_sizes() {
        assert_eq!(size("3900MiB"), Ok(3900 << 20));
        assert_eq!(size("8"), Ok(8));
        for bad in ["", "MiB", "1.5GiB", "1MB", "99999999999G", "-1"] {
            assert!(size(bad).is_err(), "{bad} was taken");
        }
    }
}
