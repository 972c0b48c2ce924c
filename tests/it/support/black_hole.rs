//! A proxy in front of PostgreSQL whose connections can all die at once without a word, while new ones work.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// The proxy, for as long as the test's runtime.
pub(crate) struct BlackHole {
    /// The URL of the database by way of it.
    pub url: String,
    /// Counts how often connections died.
    deaths: Arc<AtomicU64>,
}

impl BlackHole {
    /// A proxy in front of the database of this URL.
    pub(crate) async fn start(url: &str) -> Self {
        let mut url = url::Url::parse(url).expect("a URL");
        let server = SocketAddr::from(([127, 0, 0, 1], url.port().expect("a port")));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        url.set_port(Some(listener.local_addr().expect("an address").port())).expect("a port");
        let deaths = Arc::new(AtomicU64::default());
        let proxy = BlackHole { url: url.into(), deaths: deaths.clone() };
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(server).await else { continue };
                let (near, far) = (near.into_split(), far.into_split());
                let born = deaths.load(Ordering::SeqCst);
                tokio::spawn(forward(near.0, far.1, deaths.clone(), born));
                tokio::spawn(forward(far.0, near.1, deaths.clone(), born));
            }
        });
        proxy
    }

    /// Nothing passes any more on the connections that are open; they stay open.
    pub(crate) fn swallow(&self) {
        self.deaths.fetch_add(1, Ordering::SeqCst);
    }
}

async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, deaths: Arc<AtomicU64>, born: u64) {
    let mut buffer = [0; 8192];
    loop {
        let length = from.read(&mut buffer).await.unwrap_or(0);
        if deaths.load(Ordering::SeqCst) > born {
            // Both ends stay as they are.
            return std::future::pending().await;
        }
        if length == 0 || to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
