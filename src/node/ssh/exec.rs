//! A program on the node, to its end: only what comes before there is a helper.

use std::time::Duration;

use russh::ChannelMsg;
use tokio::io::{AsyncRead, AsyncWriteExt as _};
use tokio::time::timeout;

use super::Links;
use crate::{HostError, Output};

/// Both outputs are short messages; more is thrown away.
const KEEP: usize = 64 * 1024;

/// No progress for this long, in either direction: the link is dead or the program hangs.
const STALL: Duration = Duration::from_mins(2);

/// Runs a line for the login shell, feeding it `stdin`.
pub(crate) async fn exec(
    links: &Links,
    command: &str,
    mut stdin: impl AsyncRead + Unpin,
    doing: &str,
) -> Result<Output, HostError> {
    let (channel, _permit, _session) = links.bare().await?;
    channel.exec(true, command).await.map_err(|error| links.lost(doing, error))?;
    let (mut from, to) = channel.split();
    let feed = async {
        let mut writer = to.make_writer();
        // A program that ends before it has read everything says why by its status.
        let _ = tokio::io::copy(&mut stdin, &mut writer).await;
        let _ = writer.shutdown().await;
        std::future::pending::<()>().await;
    };
    let listen = async {
        let (mut status, mut stdout, mut stderr) = (None, vec![], vec![]);
        loop {
            match timeout(STALL, from.wait()).await.map_err(|_| links.lost(doing, "silence for 120 s"))? {
                Some(ChannelMsg::Data { data }) if stdout.len() < KEEP => stdout.extend_from_slice(&data),
                Some(ChannelMsg::ExtendedData { data, .. }) if stderr.len() < KEEP => {
                    stderr.extend_from_slice(&data);
                }
                Some(ChannelMsg::ExitStatus { exit_status }) => status = i32::try_from(exit_status).ok(),
                Some(ChannelMsg::ExitSignal { .. }) => status = Some(128),
                Some(ChannelMsg::Failure) => {
                    return Err(HostError::refused(&links.target.name, doing, "exec refused"));
                }
                Some(_) => {}
                None => break,
            }
        }
        let status = status.ok_or_else(|| links.lost(doing, "the connection ended"))?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Output { status, stdout: text(stdout), stderr: text(stderr) })
    };
    tokio::select! {
        () = feed => Err(links.lost(doing, "the input never ends")),
        output = listen => output,
    }
}
