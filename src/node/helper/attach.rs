//! Standard input and output, bridged to a helper's socket. It needs no privilege: the socket belongs to
//! the SSH user, and the token travels inside.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Said first: what start files of the login shell printed before it is not ours.
pub(crate) const ATTACHED: &[u8] = b"\nsealift attached\n";

/// Copies until the helper closes. Blocks; the process ends with it, whatever standard input does.
pub fn attach(socket: &Path) -> io::Result<()> {
    let helper = UnixStream::connect(socket)?;
    let mut up = helper.try_clone()?;
    // Bare descriptors: the standard library's handles buffer 8 KiB and flush at line feeds.
    let mut stdin = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut stdout = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    stdout.write_all(ATTACHED)?;
    std::thread::spawn(move || {
        // Whatever ended it, the helper has to see the end; a dead link is no message to anyone here.
        let _ = copy(&mut stdin, &mut up);
        let _ = up.shutdown(Shutdown::Write);
    });
    copy(&mut &helper, &mut stdout)
}

fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => to.write_all(&buffer[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
