//! The one place where the lab talks.

/// Prints one line of progress on stderr; stdout stays free for data.
#[expect(clippy::print_stderr, reason = "a test tool tells its operator what it does")]
pub fn say(line: impl AsRef<str>) {
    eprintln!("lab: {}", line.as_ref());
}

/// Prints one line of data on stdout.
#[expect(clippy::print_stdout, reason = "the data a command was asked for")]
pub fn data(line: impl AsRef<str>) {
    println!("{}", line.as_ref());
}
