//! Ports of another node, tried from here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use futures::future::join_all;
use sealift_stream::Digest;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use crate::{Measured, Port, Proto, Reached, TryPort};

/// A port that has not answered by then does not.
const PATIENCE: Duration = Duration::from_secs(3);
/// A packet may be lost: so often it is sent.
const TRIES: u32 = 3;
/// What a rate takes at most: bytes, and time.
pub(super) const RATE: (u64, Duration) = (32 << 20, Duration::from_secs(2));
/// Bytes written at once.
pub(super) const PIECE: usize = 128 * 1024;

/// What a listener answers with: it has the token, and does not hand it back.
pub(super) fn hello(token: &str) -> Vec<u8> {
    Digest::of(format!("sealift preflight {token}").as_bytes()).hex().into_bytes()
}

pub(super) async fn reach(address: IpAddr, ports: &[Port], token: &str) -> Measured {
    let tried = join_all(ports.iter().map(|port| async move {
        let at = SocketAddr::new(address, port.number);
        let reached = match port.proto {
            Proto::Tcp => stream(at, token).await,
            Proto::Udp => packet(at, token).await,
        };
        TryPort { port: *port, reached }
    }));
    Measured::Reached(tried.await)
}

async fn stream(at: SocketAddr, token: &str) -> Reached {
    let mut stream = match timeout(PATIENCE, TcpStream::connect(at)).await {
        Err(_) => return Reached::Silent,
        Ok(Err(error)) => return refused(&error),
        Ok(Ok(stream)) => stream,
    };
    let talk = async {
        stream.write_all(format!("{token}p").as_bytes()).await?;
        let mut answer = vec![0; hello(token).len()];
        stream.read_exact(&mut answer).await?;
        Ok::<Vec<u8>, std::io::Error>(answer)
    };
    match timeout(PATIENCE, talk).await {
        Ok(Ok(answer)) if answer == hello(token) => Reached::Ours,
        // it accepted, so the way is open; whoever it is does not speak our language
        _ => Reached::Other,
    }
}

async fn packet(at: SocketAddr, token: &str) -> Reached {
    let here: IpAddr = if at.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let ask = async {
        let socket = UdpSocket::bind((here, 0)).await?;
        socket.connect(at).await?;
        let mut answer = vec![0; 256];
        for _ in 0..TRIES {
            socket.send(token.as_bytes()).await?;
            match timeout(PATIENCE / TRIES, socket.recv(&mut answer)).await {
                Err(_) => {}
                Ok(Ok(length)) if answer[..length] == *hello(token) => return Ok(Reached::Ours),
                Ok(Ok(_)) => return Ok(Reached::Other),
                Ok(Err(error)) => return Err(error),
            }
        }
        Ok(Reached::Silent)
    };
    ask.await.unwrap_or_else(|error: std::io::Error| refused(&error))
}

fn refused(error: &std::io::Error) -> Reached {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => Reached::Refused,
        std::io::ErrorKind::TimedOut => Reached::Silent,
        _ => Reached::Failed(error.to_string()),
    }
}

/// How many bytes came in how many microseconds.
pub(super) async fn rate(address: IpAddr, port: u16, token: &str) -> std::io::Result<Measured> {
    let mut stream = timeout(PATIENCE, TcpStream::connect((address, port))).await??;
    stream.write_all(format!("{token}r").as_bytes()).await?;
    let mut buffer = vec![0; PIECE];
    let (began, mut bytes) = (Instant::now(), 0);
    while began.elapsed() < RATE.1 {
        match timeout(PATIENCE, stream.read(&mut buffer)).await?? {
            0 => break,
            count => bytes += count as u64,
        }
    }
    Ok(Measured::Rate(bytes, u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX).max(1)))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use crate::{Gauge, LocalHost, Port, Proto, Reached};

    /// A port that was free a moment ago.
    async fn free() -> u16 {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    }

    #[tokio::test]
    async fn only_a_listener_with_the_token_is_ours() {
        let host = LocalHost::new("here");
        let gauge = Gauge::new(&host);
        let somebody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (ours, theirs, nobody) = (free().await, somebody.local_addr().unwrap().port(), free().await);
        let tcp = |number| Port { proto: Proto::Tcp, number };
        let udp = |number| Port { proto: Proto::Udp, number };
        let taken = gauge.listen(vec![tcp(ours), udp(ours), tcp(theirs)], "secret", 20).await.unwrap();
        assert_eq!(taken, [tcp(theirs)]);
        let ports = vec![tcp(ours), udp(ours), tcp(nobody), udp(nobody)];
        let tried = gauge.reach(Ipv4Addr::LOCALHOST.into(), ports, "secret").await.unwrap();
        let reached: Vec<&Reached> = tried.iter().map(|tried| &tried.reached).collect();
        assert_eq!(reached, [&Reached::Ours, &Reached::Ours, &Reached::Refused, &Reached::Refused]);
        // another run's listener is somebody else's
        let tried = gauge.reach(Ipv4Addr::LOCALHOST.into(), vec![tcp(ours)], "wrong!").await.unwrap();
        assert_eq!(tried[0].reached, Reached::Other);
        let (bytes, micros) = gauge.rate(Ipv4Addr::LOCALHOST.into(), ours, "secret").await.unwrap();
        assert!(bytes > 0 && micros > 0, "{bytes} bytes in {micros} us");
    }
}
