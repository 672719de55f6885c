//! `sealift inspect`: what is in a bundle, and who says so.

use sealift_bundle::{Bundle, BundleError, Item, ItemKind, Manifest, Trust};
use sealift_stream::ByteSize;

use super::verify::{TRUST, refused};
use super::{Exit, Failure};
use crate::cli::InspectArgs;
use crate::shell::{Shell, table};

/// Runs `sealift inspect`.
pub(crate) fn run(args: &InspectArgs, shell: &Shell) -> anyhow::Result<Exit> {
    let refused = |error: BundleError| refused(&error, &args.trust);
    let bundle = Bundle::open(&args.bundle).map_err(refused)?;
    let (manifest, signature, proved) = if args.trust.is_empty() {
        let signers: Vec<String> = bundle.claimed_signers().iter().map(ToString::to_string).collect();
        let text = if signers.is_empty() {
            "none".to_owned()
        } else {
            format!("NOT CHECKED, it names key {}; give --trust KEY.pub", signers.join(", "))
        };
        (bundle.claims().map_err(refused)?, text, false)
    } else {
        let trust = Trust::from_files(&args.trust)
            .map_err(|error| Failure::new(Exit::Usage, error.to_string()).next(TRUST))?;
        let bundle = bundle.authenticate(&trust).map_err(refused)?;
        (bundle.manifest().clone(), format!("good, by key {}", bundle.signer()), true)
    };
    if shell.json() {
        let mut data = serde_json::to_value(&manifest)?;
        if let Some(fields) = data.as_object_mut() {
            fields.insert("signature".into(), signature.into());
            fields.insert("proved".into(), proved.into());
        }
        shell.data(&data.to_string());
    } else {
        shell.data(&head(&manifest, &signature));
        shell.data(&items(&manifest, shell.width()));
    }
    Ok(Exit::Done)
}

/// The facts, one a line.
fn head(manifest: &Manifest, signature: &str) -> String {
    let platforms: Vec<&str> = manifest.platforms.iter().map(sealift_bundle::Platform::as_str).collect();
    let summary = manifest.summary();
    let counts: Vec<String> = summary
        .items
        .iter()
        .map(|(kind, count)| format!("{count} {}{}", kind.as_str(), plural(*count)))
        .collect();
    format!(
        "name        {} {} (sequence {})\ncreated     {}\nplatforms   {}\nkubernetes  {}\n\
         size        {} in {} volume{}\nitems       {}\nsignature   {signature}\n",
        manifest.name,
        manifest.version,
        manifest.sequence,
        manifest.created,
        platforms.join(", "),
        manifest.kubernetes.version,
        summary.bytes,
        summary.volumes,
        plural(summary.volumes),
        counts.join(", "),
    )
}

fn items(manifest: &Manifest, width: usize) -> String {
    let row = |item: &Item| {
        // An image's own document is small, its layers are shared with others: a size would mislead.
        let size =
            if item.kind == ItemKind::Image { "-".to_owned() } else { ByteSize(item.size).to_string() };
        let name = match item.kind {
            ItemKind::Image => item.name.clone(),
            ItemKind::Chart | ItemKind::File | ItemKind::Package => format!("{} {}", item.name, item.version),
        };
        vec![item.kind.as_str().to_owned(), size, item.digest.short(), name]
    };
    let rows: Vec<Vec<String>> = manifest.items.iter().map(row).collect();
    table(&["KIND", "SIZE", "DIGEST", "NAME"], &rows, width)
}

fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}
