//! Body of `lab egress record`: listens on an `AF_PACKET` socket in the scene's namespace until the scene ends.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::{
    AddressFamily, LinkAddr, SockFlag, SockProtocol, SockType, recvfrom, setsockopt, socket, sockopt,
};

use super::Record;
use super::filter::{Links, SNAP, program};
use super::packet::parse;
use super::recorder::Recorder;
use super::scope::Scope;
use crate::net::Net;
use crate::process::Process;
use crate::state::{SceneState, write_whole};

/// Records until the scene is closing or gone.
pub fn listen(dir: &Path) -> Result<()> {
    nix::unistd::setsid().ok();
    let recorder = Recorder::new(dir);
    let Some(scene) = SceneState::read(dir)? else { return Ok(()) };
    let links = Links { lo: index("lo")?, bridge: index("br0")?, sink: index("sink0")? };
    let scope = Scope::new(&Net::new(&scene.name, scene.subnet), scene.subnet);
    let socket = open(&links, &scene)?;
    let mut file = OpenOptions::new().create(true).append(true).open(recorder.records_file())?;
    write_whole(&recorder.note_file(), &serde_json::to_string(&Process::myself()?)?)?;

    let mut frame = [0u8; SNAP as usize];
    loop {
        match recvfrom::<LinkAddr>(socket.as_raw_fd(), &mut frame) {
            Ok((length, from)) => {
                let packet = parse(&frame[..length]);
                if scope.leaves(&packet) {
                    let on = from.map_or(0, |from| from.ifindex());
                    write(&mut file, &record(&links, on, packet))?;
                }
            }
            // The time-out: is there still a scene to listen for?
            Err(Errno::EAGAIN) => {
                if SceneState::read(dir)?.is_none_or(|now| now.closing || now.id != scene.id) {
                    return Ok(());
                }
            }
            Err(Errno::EINTR | Errno::ENETDOWN) => {}
            Err(error) => return Err(error).context("receiving from the packet socket"),
        }
    }
}

fn open(links: &Links, scene: &SceneState) -> Result<OwnedFd> {
    let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::EthAll)
        .context("opening a packet socket")?;
    let filter: Vec<_> = program(links, scene.subnet)
        .into_iter()
        .map(|(code, yes, no, value)| socket2::SockFilter::new(code, yes, no, value))
        .collect();
    socket2::SockRef::from(&socket).attach_filter(&filter).context("giving the packet socket its filter")?;
    // Room for some 20,000 packets while this process waits for the CPU.
    setsockopt(&socket, sockopt::RcvBufForce, &(32 << 20)).context("widening the packet socket")?;
    socket2::SockRef::from(&socket)
        .set_read_timeout(Some(Duration::from_secs(1)))
        .context("giving the packet socket a time-out")?;
    Ok(socket)
}

fn record(links: &Links, on: usize, packet: super::packet::Packet) -> Record {
    let names = [(links.bridge, "br0"), (links.sink, "sink0"), (links.lo, "lo")];
    let seen_on = names.iter().find(|(index, _)| *index as usize == on).map_or("?", |(_, name)| name);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Record {
        time_ms: u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
        seen_on: seen_on.to_owned(),
        source: packet.source,
        destination: packet.destination,
        protocol: packet.protocol.text(),
        port: packet.port,
        name: packet.name,
    }
}

fn write(file: &mut File, record: &Record) -> Result<()> {
    let mut line = serde_json::to_string(record)?;
    line.push('\n');
    file.write_all(line.as_bytes()).context("writing egress.jsonl")
}

fn index(link: &str) -> Result<u32> {
    if_nametoindex(link).with_context(|| format!("finding link {link} in the scene's namespace"))
}
