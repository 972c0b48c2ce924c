//! The PostgreSQL server that the tests of this process share.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::cluster::Cluster;

/// The URL of a new, empty database, in the cluster that JEAN_TEST_POSTGRES names, or in one of our own.
pub(crate) async fn postgres() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let url = tokio::task::spawn_blocking(cluster).await.expect("the cluster starts");
    let name = format!("jean_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
    super::cluster::create_database(&url, &name).await
}

fn cluster() -> String {
    // Held for its standard input, whose end, with this process, is the end of the cluster.
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    match std::env::var("JEAN_TEST_POSTGRES") {
        Ok(url) => url,
        Err(_) => CLUSTER.get_or_init(Cluster::start).url.clone(),
    }
}
