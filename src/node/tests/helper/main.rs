//! The helper alone, without the rest of sealift: what the tests of this crate upload.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use sealift_node::helper;

#[expect(clippy::print_stderr, reason = "a program, if a small one")]
fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args[..] {
        ["helper", "start"] => helper::start(io::stdin(), io::stdout()).map_err(|error| error.to_string()),
        ["helper", "serve", "--config", file] => {
            helper::serve(Path::new(file)).map_err(|error| error.to_string())
        }
        ["helper", "undo-network"] => helper::undo_network().map_err(|error| error.to_string()),
        ["attach", "--socket", socket] => {
            helper::attach(Path::new(socket)).map_err(|error| error.to_string())
        }
        _ => Err("want: helper start | helper serve --config FILE | attach --socket FILE".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
