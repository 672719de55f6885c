//! Ports that answer for a moment, to whoever knows the token.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::timeout;

use super::reach::{PIECE, RATE, hello};
use crate::{Measured, Port, Proto};

/// Nobody needs longer to say the token.
const SAYING: Duration = Duration::from_secs(3);

/// A socket that listens.
enum Ear {
    Tcp(TcpListener),
    Udp(UdpSocket),
}

/// Listens on the ports that are free; gives the others.
pub(super) async fn listen(ports: &[Port], token: &str, seconds: u64) -> Measured {
    let mut busy = vec![];
    for port in ports {
        let Ok(ear) = open(*port).await else {
            busy.push(*port);
            continue;
        };
        let token = token.to_owned();
        // Ends by itself; the ports are free again then, or when this process ends.
        tokio::spawn(timeout(Duration::from_secs(seconds), async move {
            match ear {
                Ear::Tcp(ear) => answer_streams(ear, token).await,
                Ear::Udp(ear) => answer_packets(&ear, &token).await,
            }
        }));
    }
    Measured::Listening(busy)
}

/// On every address of both families; of IPv4 alone where the kernel has no other.
async fn open(port: Port) -> std::io::Result<Ear> {
    let mut last = Err(std::io::ErrorKind::Unsupported.into());
    for any in [IpAddr::from(Ipv6Addr::UNSPECIFIED), Ipv4Addr::UNSPECIFIED.into()] {
        last = match port.proto {
            Proto::Tcp => TcpListener::bind((any, port.number)).await.map(Ear::Tcp),
            Proto::Udp => UdpSocket::bind((any, port.number)).await.map(Ear::Udp),
        };
        if !matches!(&last, Err(error) if error.kind() != std::io::ErrorKind::AddrInUse) {
            break;
        }
    }
    last
}

async fn answer_streams(ear: TcpListener, token: String) {
    loop {
        match ear.accept().await {
            Ok((stream, _)) => {
                let token = token.clone();
                tokio::spawn(async move { answer(stream, &token).await });
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// What is said must be the token, and one letter for what is wanted.
async fn answer(mut stream: TcpStream, token: &str) -> std::io::Result<()> {
    let mut said = vec![0; token.len() + 1];
    timeout(SAYING, stream.read_exact(&mut said)).await??;
    let Some(wish) = said.strip_prefix(token.as_bytes()) else { return Ok(()) };
    if wish == b"r" {
        let zeros = vec![0; PIECE];
        let send = async {
            let mut sent = 0;
            while sent < RATE.0 {
                stream.write_all(&zeros).await?;
                sent += zeros.len() as u64;
            }
            Ok::<(), std::io::Error>(())
        };
        // twice what the other side listens for
        return timeout(RATE.1 * 2, send).await.unwrap_or(Ok(()));
    }
    stream.write_all(&hello(token)).await?;
    stream.shutdown().await
}

async fn answer_packets(ear: &UdpSocket, token: &str) {
    let mut packet = vec![0; 2048];
    loop {
        if let Ok((length, from)) = ear.recv_from(&mut packet).await
            && packet[..length] == *token.as_bytes()
        {
            // who does not get it asks again
            let _ = ear.send_to(&hello(token), from).await;
        }
    }
}
