//! A running jean whose database can be lost: the file of SQLite goes away, PostgreSQL no longer answers.

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::{Db, ORIGIN, World, postgres};

/// A jean, and the way to take its database away.
pub(crate) struct Losable {
    pub world: World,
    proxy: Option<watch::Sender<bool>>,
}

impl Losable {
    /// jean on this database, which is there.
    pub(crate) async fn new(db: Db) -> Self {
        if db == Db::Sqlite {
            return Losable { world: World::on(db, "").await, proxy: None };
        }
        let mut url = url::Url::parse(&postgres().await).expect("a URL");
        let target = format!("{}:{}", url.host_str().expect("a host"), url.port().expect("a port"));
        let proxy = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = proxy.local_addr().expect("its address").port();
        url.set_port(Some(port)).expect("a port");
        let (silence, is_silent) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((client, _)) = proxy.accept().await {
                tokio::spawn(pass_on(client, target.clone(), is_silent.clone()));
            }
        });
        Losable { world: World::on_database(ORIGIN, url.as_str(), "").await, proxy: Some(silence) }
    }

    /// Takes the database away: without a word, as a network does that drops everything. Returns when SQLite's file is missed.
    pub(crate) async fn lose(&self) {
        match &self.proxy {
            Some(silence) => silence.send(true).expect("the proxy listens"),
            None => {
                let file = self.world.database_url().trim_start_matches("sqlite://").to_owned();
                std::fs::rename(&file, format!("{file}.aside")).expect("moved");
                self.world.jean.failed().await;
            }
        }
    }
}

/// Passes a connection on until there is silence; then it stays open.
async fn pass_on(mut client: TcpStream, target: String, mut is_silent: watch::Receiver<bool>) {
    let pass = async {
        let mut server = TcpStream::connect(&target).await?;
        tokio::io::copy_bidirectional(&mut client, &mut server).await
    };
    let silenced = async { is_silent.wait_for(|is_silent| *is_silent).await.is_ok() };
    tokio::select! {
        biased;
        _ = silenced => {}
        _ = pass => return,
    }
    std::future::pending::<()>().await;
}
