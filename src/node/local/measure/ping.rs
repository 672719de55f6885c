//! Which packet sizes get through to an address in one piece.

use std::io::{self, Read as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

use super::frames::{echo, reply};
use crate::error::Context as _;
use crate::{HostError, LocalHost, Measured, Ping};

/// One answer is waited for this long; a size that is not answered is tried three times.
const PATIENCE: Duration = Duration::from_millis(700);
const TRIES: u16 = 3;

impl LocalHost {
    pub(super) fn ping(&self, address: IpAddr, sizes: &[u32]) -> Result<Measured, HostError> {
        let what = || format!("measuring packets to {address}");
        let IpAddr::V4(address) = address else {
            return Err(HostError::refused(&self.name, what(), "only IPv4 is measured so far"));
        };
        let line = Line::to(address).on(&self.name, what)?;
        let pings: io::Result<Vec<Ping>> = sizes.iter().map(|size| line.ping(*size)).collect();
        Ok(Measured::Pings(pings.on(&self.name, what)?))
    }
}

/// A way to an address: what is sent has its own IP header, with "do not fragment" in it.
struct Line {
    to: Ipv4Addr,
    out: Socket,
    back: Socket,
    id: u16,
}

impl Line {
    fn to(to: Ipv4Addr) -> io::Result<Self> {
        // IPPROTO_RAW: the packet brings its own header
        let out = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(255)))?;
        let back = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4))?;
        Ok(Self { to, out, back, id: rand::random() })
    }

    fn ping(&self, size: u32) -> io::Result<Ping> {
        let mut ping = Ping { size, micros: None, unsent: None };
        let Ok(length) = u16::try_from(size) else {
            ping.unsent = Some("longer than an IPv4 packet can be".to_owned());
            return Ok(ping);
        };
        for attempt in 0..TRIES {
            // a late answer to one size must not count for another
            let sequence = length.wrapping_mul(TRIES).wrapping_add(attempt);
            let began = Instant::now();
            let packet = echo(self.to, length, self.id, sequence);
            if let Err(error) = self.out.send_to(&packet, &SocketAddr::new(self.to.into(), 0).into()) {
                ping.unsent = Some(error.to_string());
                return Ok(ping);
            }
            if self.answered(sequence, began)? {
                ping.micros = Some(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX));
                return Ok(ping);
            }
        }
        Ok(ping)
    }

    fn answered(&self, sequence: u16, began: Instant) -> io::Result<bool> {
        let mut buffer = vec![0; 65536];
        loop {
            let left = PATIENCE.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Ok(false);
            }
            self.back.set_read_timeout(Some(left))?;
            match (&self.back).read(&mut buffer) {
                Ok(length) if reply(&buffer[..length], self.to, self.id) == Some(sequence) => {
                    return Ok(true);
                }
                Ok(_) => {}
                Err(error) if waited(&error) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }
}

pub(super) fn waited(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}
