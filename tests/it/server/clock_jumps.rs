//! A clock that was set to another time must not delete what has not expired.

use std::time::Duration;

use jean::Clock as _;

use crate::support::tokens::assert_alive;
use crate::support::{BOTH, World};

const DAY: i64 = 24 * 3600;

/// The time that is written down, once there is one.
async fn last_time(world: &World) -> i64 {
    let mut database = world.database().await;
    let noted = async {
        while database.number("SELECT COUNT(*) FROM meta WHERE name = 'last_time'").await == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), noted).await.expect("the time is written down with the sweep");
    database.text("SELECT value FROM meta WHERE name = 'last_time'").await.parse().expect("a time")
}

/// Whether a process that starts now sweeps.
async fn sweeps(world: &World) -> bool {
    let canary = "INSERT INTO sessions (id_hash, data, expires_at) VALUES ('canary', '', 1)";
    let mut database = world.database().await;
    database.run(canary).await;
    let jean = world.replica().await;
    let mut swept = false;
    for _ in 0..60 {
        swept = database.number("SELECT COUNT(*) FROM sessions WHERE id_hash = 'canary'").await == 0;
        if swept {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    database.run("DELETE FROM sessions WHERE id_hash = 'canary'").await;
    jean.close().await;
    swept
}

#[tokio::test]
async fn a_start_with_a_clock_that_is_far_off_deletes_nothing() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (client, tokens) = world.tokens().await;
        assert_eq!(last_time(&world).await, world.clock.now().0);
        assert!(sweeps(&world).await, "{db:?}: the clock is right");
        for (jump, is_trusted) in [(366 * DAY, false), (-3600, false), (-60, true), (29 * DAY, true)] {
            world.clock.jump(jump);
            assert_eq!(sweeps(&world).await, is_trusted, "{db:?}: {jump}");
            world.clock.jump(-jump);
            // As if the process of before had gone on.
            world.sql(&format!("UPDATE meta SET value = '{}' WHERE name = 'last_time'", world.clock.now())).await;
        }
        assert_alive(&client, &tokens).await;
    }
}

/// A stopped server knows when it was stopped; an idle one has nothing to say and wakes no disk.
#[tokio::test]
async fn the_time_is_written_down_at_a_stop_if_anything_was_written_since() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let began = last_time(&world).await;
        let idle = world.replica().await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        world.clock.advance(100);
        idle.close().await;
        assert_eq!(last_time(&world).await, began, "{db:?}: nobody called");

        world.client().await;
        world.clock.advance(100);
        world.jean.close().await;
        assert_eq!(last_time(&world).await, began + 200, "{db:?}");
    }
}

/// The sweep is paused so that somebody can act; a stop and a start within that hour must not end the pause.
#[tokio::test]
async fn a_stop_does_not_store_the_time_of_a_clock_that_jumped() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (client, tokens) = world.tokens().await;
        let began = last_time(&world).await;
        let jean = world.replica().await;
        world.clock.jump(366 * DAY);
        // Something is written in the meantime.
        world.client().await;
        jean.close().await;
        world.jean.close().await;
        assert_eq!(last_time(&world).await, began, "{db:?}");
        assert!(!sweeps(&world).await, "{db:?}: the next start looks no better");
        assert!(!sweeps(&world).await, "{db:?}: nor does the one after that");
        world.clock.jump(-366 * DAY);
        let again = world.replica().await;
        assert_alive(&crate::support::tokens::moved(&client, &again), &tokens).await;
    }
}
