//! What is typed, how it must end, and what must be said.

pub(super) struct Case {
    /// As typed on the desk.
    pub(super) line: &'static str,
    pub(super) exit: i32,
    /// Every one of these must stand on standard error.
    pub(super) says: &'static [&'static str],
}

const fn case(line: &'static str, exit: i32, says: &'static [&'static str]) -> Case {
    Case { line, exit, says }
}

/// Nothing here reaches a server.
pub(super) const FILES: &[Case] = &[
    // words
    case("sealift instal", 2, &["'install'"]),
    case("sealift install --bundel x", 2, &["'--bundle'"]),
    case("sealift install", 2, &["--bundle", "--trust"]),
    case("sealift completions tcsh", 2, &["zsh"]),
    // keys
    case("sealift key generate --output plant --no-password", 2, &["plant.sec", "there already", "--output"]),
    case("sealift key generate --output new", 2, &["no terminal", "--no-password"]),
    case("sealift key generate --output empty/new --no-password", 2, &["empty", "no key was made"]),
    case("sealift key generate --output /proc/none/new --no-password", 2, &["/proc/none"]),
    // pack
    case("sealift pack none.yaml --key plant.sec", 2, &["none.yaml"]),
    case("sealift pack folder --key plant.sec", 2, &["folder", "directory"]),
    case("sealift pack empty --key plant.sec", 2, &["empty"]),
    case("sealift pack rubbish --key plant.sec", 2, &["rubbish"]),
    case("sealift pack broken.yaml --key plant.sec", 2, &["broken.yaml", "line 1"]),
    case("sealift pack r.yaml --key plant.sec --jobs many", 2, &["--jobs", "many"]),
    case("sealift pack r.yaml --key plant.sec --volume-size 4GB", 2, &["GiB"]),
    // trust
    case("sealift verify stick/core-1.sealift --trust none.pub", 2, &["none.pub"]),
    case("sealift verify stick/core-1.sealift --trust folder", 2, &["folder", "directory"]),
    case("sealift verify stick/core-1.sealift --trust empty", 2, &["empty", "minisign public key"]),
    case("sealift verify stick/core-1.sealift --trust rubbish", 2, &["rubbish"]),
    case("sealift verify stick/core-1.sealift --trust plant.sec", 2, &["it is a secret key", ".pub"]),
    case("sealift verify stick/core-1.sealift --trust other.pub", 3, &["none of the trusted keys", "next:"]),
    // the bundle's path
    case("sealift verify stick --trust plant.pub", 1, &["stick/core-1.sealift"]),
    case("sealift verify stick/core-1.sealift/manifest.json --trust plant.pub", 1, &["name its folder"]),
    case("sealift inspect stick/core-2.sealift", 1, &["nothing of this name"]),
    case("sealift inspect empty", 1, &["a bundle is a folder"]),
    case("sealift plan -c c.yaml --bundle stick --trust plant.pub", 1, &["stick/core-1.sealift", "next:"]),
    case("sealift install -c c.yaml --bundle folder --trust plant.pub", 1, &["no manifest.json", "next:"]),
    case(
        "sealift status -c c.yaml --bundle stick/core-1.sealift --trust plant.sec",
        2,
        &["it is a secret key"],
    ),
    case(
        "sealift install -c c.yaml --bundle stick/core-1.sealift --trust other.pub",
        3,
        &["none of the trusted keys"],
    ),
    // another sealift
    case("sealift self-update", 2, &["BUNDLE", "--trust"]),
    case("sealift self-update stick/core-1.sealift", 2, &["--trust"]),
    case(
        "sealift self-update stick/core-1.sealift --trust none.pub",
        2,
        &["none.pub", "nothing was changed"],
    ),
    case("sealift self-update stick/core-1.sealift --trust plant.sec --yes", 2, &["it is a secret key"]),
    case("sealift self-update stick --trust plant.pub --yes", 1, &["stick/core-1.sealift"]),
    case(
        "sealift self-update stick/core-1.sealift --trust other.pub --yes",
        3,
        &["none of the trusted keys"],
    ),
    case(
        "sealift self-update stick/core-1.sealift --trust plant.pub --yes --output x",
        2,
        &["core 1 brings no sealift for linux/amd64", "nothing was changed", "whoever packed"],
    ),
    // the cluster file
    case("sealift enroll -c none.yaml", 2, &["none.yaml", "sealift init"]),
    case("sealift reset -c folder --yes", 2, &["folder", "directory"]),
    case("sealift reset -c empty --yes", 2, &["empty"]),
    case("sealift reset -c rubbish --yes", 2, &["rubbish"]),
    case("sealift reset -c broken.yaml --yes", 2, &["broken.yaml:1:"]),
    case("sealift kubeconfig -c typo.yaml", 2, &["typo.yaml:5:", "podSubnet"]),
    case(
        "sealift plan --bundle stick/core-1.sealift --trust plant.pub",
        2,
        &["cluster.yaml", "sealift init"],
    ),
    case("sealift reset -c c.yaml --profile none.yaml --yes", 2, &["none.yaml"]),
    // words that are looked up
    case("sealift explain spec.network.podSubmet", 2, &["podSubmet", "podSubnet"]),
    case("sealift explain clock-skewed", 2, &["clock-skewed"]),
    case("sealift preflight -c none.yaml --bundle stick/core-1.sealift --trust plant.pub", 2, &["none.yaml"]),
    case(
        "sealift preflight -c c.yaml --bundle stick/core-1.sealift --trust other.pub",
        3,
        &["none of the trusted keys"],
    ),
    // taking a site over
    case("sealift adopt --from cp1", 2, &["cp1", "address"]),
    case("sealift adopt --from 10.0.0.1:many", 2, &["10.0.0.1:many"]),
    // where things are written
    case("sealift init --output c.yaml", 2, &["c.yaml", "there already"]),
    case("sealift init --output folder", 2, &["folder"]),
    case("sealift init --name 'Plant 7' --output new.yaml", 2, &["--name", "plant-7"]),
    case("sealift man --output empty", 1, &["empty", "--output"]),
    case("sealift completions bash > /dev/full", 1, &["standard output", "No space left"]),
    // plans, reports and receipts from files
    case("sealift install --bundle x --trust y --plan none.json", 2, &["none.json", "plan --out"]),
    case("sealift install --bundle x --trust y --plan folder", 2, &["folder", "directory"]),
    case("sealift install --bundle x --trust y --plan empty", 2, &["reading plan empty", "line 1"]),
    case("sealift install --bundle x --trust y --plan rubbish", 2, &["reading plan rubbish"]),
    case(
        "sealift install --bundle x --trust y --report folder",
        2,
        &["folder", "a directory", "nothing was changed"],
    ),
    case(
        "sealift install --bundle x --trust y --report none/report.html",
        2,
        &["none/report.html", "folder"],
    ),
    case("sealift install --bundle x --trust y --report /dev/full", 2, &["/dev/full", "no regular file"]),
    case("sealift plan --bundle x --trust y --out folder", 2, &["folder", "a directory", "--out"]),
    case("sealift install --bundle x --trust y --receipt r.json", 2, &["--receipt-key"]),
    case(
        "sealift install --bundle x --trust y --receipt r.json --receipt-key plant.pub",
        2,
        &["plant.pub", "secret key"],
    ),
    case("sealift install --bundle x --trust y --receipt r.json --receipt-key none.sec", 2, &["none.sec"]),
    case(
        "sealift install --bundle x --trust y --receipt r.json --receipt-key locked.sec",
        2,
        &["no terminal", "--password-file"],
    ),
    case(
        "sealift install --bundle x --trust y --receipt r.json --receipt-key locked.sec --password-file password-wrong",
        2,
        &["locked.sec", "password"],
    ),
    case(
        "sealift install --bundle x --trust y --receipt r.json --receipt-key locked.sec --password-file folder",
        2,
        &["folder", "first line"],
    ),
];

/// One cluster file each; `servers.rs` says what listens where.
pub(super) const SERVERS: &[Case] = &[
    case(
        "sealift kubeconfig -c closed.yaml",
        1,
        &["cp1", "127.0.0.1:1", "refused", "nothing was done there"],
    ),
    case("sealift reset -c closed.yaml --yes", 1, &["cp1", "refused"]),
    case("sealift enroll -c closed.yaml --yes", 1, &["no host key from cp1"]),
    case("sealift adopt --from 127.0.0.1:1", 1, &["127.0.0.1:1", "refused", "nothing was written"]),
    case("sealift kubeconfig -c web.yaml", 1, &["cp1", "nothing was done there"]),
    case("sealift enroll -c web.yaml --yes", 1, &["no host key from cp1"]),
    case(
        "sealift kubeconfig -c unpinned.yaml",
        6,
        &["not pinned", "SHA256:", "no credential was sent", "sealift enroll"],
    ),
    case(
        "sealift kubeconfig -c changed.yaml",
        6,
        &["has changed", "expected", "seen", "no credential was sent"],
    ),
    case("sealift enroll -c changed.yaml --yes", 6, &["no credential was sent", "delete its hostKey"]),
    case("sealift enroll -c unpinned.yaml", 2, &["cannot be asked", "--yes"]),
    case("sealift kubeconfig -c stranger.yaml", 1, &["as root", "stranger", "authorized_keys"]),
    case("sealift kubeconfig -c user.yaml", 1, &["as nobody-at-all", "ssh.user"]),
    case(
        "sealift kubeconfig -c passphrase.yaml",
        1,
        &["does not take", "passphrase", "It offers: publickey"],
    ),
    case("sealift kubeconfig -c public.yaml", 2, &["is the public half of a key"]),
    case("sealift kubeconfig -c missing.yaml", 1, &["there is no ", "relative to the cluster file"]),
    case("sealift kubeconfig -c garbled.yaml", 1, &["rubbish", "not text"]),
    case("SSH_AUTH_SOCK=/none sealift kubeconfig -c stranger.yaml", 1, &["agent at /none", "stranger"]),
];
