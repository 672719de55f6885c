//! A link that breaks: a proxy that drops its connections when so many bytes have gone up.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Starts it; `cuts` are numbers of bytes since the last cut.
pub(crate) async fn start(to: u16, cuts: &[u64]) -> (u16, Arc<Mutex<VecDeque<u64>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let cuts = Arc::new(Mutex::new(cuts.iter().copied().collect::<VecDeque<u64>>()));
    let left = Arc::clone(&cuts);
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let far = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
            tokio::spawn(carry(near, far, Arc::clone(&left)));
        }
    });
    (port, cuts)
}

async fn carry(near: TcpStream, far: TcpStream, cuts: Arc<Mutex<VecDeque<u64>>>) {
    near.set_nodelay(true).unwrap();
    far.set_nodelay(true).unwrap();
    let ((mut up_from, mut down_to), (mut down_from, mut up_to)) = (near.into_split(), far.into_split());
    let up = async {
        let (mut seen, mut buffer) = (0, vec![0; 256 * 1024]);
        while let Ok(count @ 1..) = up_from.read(&mut buffer).await {
            seen += count as u64;
            let cut = {
                let mut cuts = cuts.lock().unwrap();
                let cut = cuts.front().is_some_and(|cut| seen >= *cut);
                if cut {
                    cuts.pop_front();
                }
                cut
            };
            if cut || up_to.write_all(&buffer[..count]).await.is_err() {
                return;
            }
        }
    };
    let down = async {
        let _ = tokio::io::copy(&mut down_from, &mut down_to).await;
    };
    // Whichever ends first takes all four halves with it.
    tokio::select! { () = up => {}, () = down => {} }
}
