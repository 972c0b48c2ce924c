//! The file of SQLite: replaced or deleted under a running server, and left alone while nobody calls.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use axum::http::StatusCode;

use crate::support::running::{Place, provider, this_build};
use crate::support::shot::Connection;
use crate::support::tokens::assert_error;
use crate::support::wire::{ask, whoami};
use crate::support::{Db, World};

fn file_of(world: &World) -> PathBuf {
    world.database_url().trim_start_matches("sqlite://").into()
}

/// Size and time of change of what SQLite writes to: the file, and the log beside it.
fn written(world: &World) -> [(u64, SystemTime); 2] {
    let file = file_of(world);
    [file.with_extension("db-wal"), file].map(|path| {
        let about = std::fs::metadata(path).expect("it is there");
        (about.len(), about.modified().expect("a time"))
    })
}

#[tokio::test]
async fn nothing_is_written_while_nobody_calls() {
    let world = World::on(Db::Sqlite, "").await;
    // The sweep of the start notes the time.
    let mut before = written(&world);
    let mut quiet = 0;
    for _ in 0..100 {
        if quiet == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        let now = written(&world);
        quiet = if now == before { quiet + 1 } else { 0 };
        before = now;
    }
    // Beyond the life of what a start makes; then another process sweeps, and looks for keys and revocations.
    world.clock.advance(86_400);
    let other = world.replica().await;
    assert_eq!(ask(&other.service(), "GET /status", &[], "").await.status, 200);
    tokio::time::sleep(Duration::from_secs(5)).await;
    other.close().await;
    assert_eq!(written(&world), before);
    world.client().await;
    assert_ne!(written(&world), before, "a registration would have been noticed");
}

#[tokio::test]
async fn writes_end_with_503_once_the_file_is_another_one_or_gone() {
    for replaced in [false, true] {
        let world = World::on(Db::Sqlite, "").await;
        let (client, tokens) = world.tokens().await;
        assert_eq!(whoami(&world.router, tokens.access()).await, 200);
        let file = file_of(&world);
        let aside = file.with_extension("aside");
        std::fs::rename(&file, &aside).expect("moved");
        if replaced {
            std::fs::copy(&aside, &file).expect("another file in its place");
        }
        let failed = tokio::time::timeout(Duration::from_secs(10), world.jean.failed());
        let error = failed.await.expect("it is noticed").to_string();
        assert!(error.contains(&file.display().to_string()), "{error}");
        for _ in 0..2 {
            let page = client.post_json("/oauth/register", &client.metadata()).await;
            assert_error(&page, StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable");
            let fields = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh())];
            let page = client.post_form("/oauth/token", &fields, &[]).await;
            assert_error(&page, StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable");
        }
        assert_eq!(whoami(&world.router, tokens.access()).await, 200, "the guard goes on with what it knows");
        assert_eq!(ask(&world.router, "GET /healthz", &[], "").await.status, 200);
        assert_eq!(file.exists(), replaced, "no new file is made in its place");
    }
}

#[tokio::test]
async fn the_program_ends_with_1_and_says_why() {
    let issuer = provider().await;
    let place = Place::new(&issuer, None);
    let mut program = place.start(&[this_build()]);
    let file = place.folder.path().join("jean.db");
    std::fs::remove_file(&file).expect("deleted");
    let mut status = None;
    for _ in 0..200 {
        status = program.child.try_wait().expect("its status");
        if status.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(status.expect("it ends").code(), Some(1));
    let log = std::fs::read_to_string(place.folder.path().join("jean.log")).expect("its log");
    let told = log.lines().last().unwrap_or_default();
    assert!(told.starts_with("jean: the database file ") && told.contains(&file.display().to_string()), "{log}");
    assert!(Connection::open(place.address).await.is_err(), "nobody listens");
}

/// Two servers of one process on one file: the second start must not drop the locks of the first (POSIX locks end when any
/// descriptor of the file is closed, https://sqlite.org/howtocorrupt.html section 2.2).
#[tokio::test]
async fn a_second_start_leaves_the_file_of_the_first_alone() {
    let world = World::on(Db::Sqlite, "").await;
    let locks = || {
        let inode = std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(file_of(&world)).expect("the file"));
        let all = std::fs::read_to_string("/proc/locks").expect("the system's locks");
        all.lines().filter(|line| line.contains(&format!(":{inode} "))).count()
    };
    world.client().await;
    let before = locks();
    assert!(before > 0, "SQLite holds a lock while the file is open");
    let _replica = world.replica().await;
    assert!(locks() >= before, "the locks of the first are gone");
}
