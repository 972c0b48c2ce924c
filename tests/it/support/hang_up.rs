//! Clients that hang up in the middle of a request, beside honest ones that keep a ledger of what they were answered.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use jean_testing::browser::Page;
use jean_testing::client::Client;
use tower::ServiceExt as _;

use super::shot::{Answer, Connection, Shot};
use super::{World, code_of};

/// The authority of a [`World`].
const HOST: &str = "localhost:8080";

/// How requests reach a jean.
#[derive(Clone)]
pub(crate) enum Way {
    /// Within this process. Hanging up drops the request's future, as a server does whose client is gone.
    Router(Router),
    /// Over a real connection. Hanging up resets it.
    Socket(SocketAddr),
}

impl Way {
    /// Sends the request and waits for its answer.
    pub(crate) async fn send(&self, shot: &Shot) -> Answer {
        match self {
            Way::Router(router) => {
                let response = router.clone().oneshot(shot.request(HOST)).await.expect("an answer");
                let status = response.status().as_u16();
                let body = to_bytes(response.into_body(), 4 << 20).await.expect("a body");
                Answer { status, head: String::new(), body: String::from_utf8_lossy(&body).into_owned() }
            }
            Way::Socket(address) => {
                let connection = Connection::open(*address).await.expect("jean listens");
                connection.named(HOST).send(shot).await.expect("an answer")
            }
        }
    }

    /// Sends the request and hangs up `moment` steps later: polls of its future, or milliseconds.
    pub(crate) async fn hang_up(&self, shot: &Shot, moment: u64) {
        match self {
            Way::Router(router) => {
                let mut answer = pin!(router.clone().oneshot(shot.request(HOST)));
                for _ in 0..=moment {
                    let poll = std::future::poll_fn(|context| Poll::Ready(answer.as_mut().poll(context)));
                    if poll.await.is_ready() {
                        return;
                    }
                    // Until it is woken, or for a while.
                    let woken = std::future::poll_fn(|context| answer.as_mut().poll(context));
                    if tokio::time::timeout(Duration::from_millis(moment % 2), woken).await.is_ok() {
                        return;
                    }
                }
            }
            Way::Socket(address) => {
                // The system may be short of connections for a moment; that is nobody's fault here.
                let Ok(connection) = Connection::open(*address).await else { return };
                connection.named(HOST).hang_up(shot, Duration::from_millis(moment)).await;
            }
        }
    }
}

/// Numbers that look random and are the same in every run.
pub(crate) struct Dice(AtomicU64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Dice(AtomicU64::new(seed))
    }

    /// A number below `end`.
    pub(crate) fn below(&self, end: u64) -> u64 {
        let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let mixed = (state ^ state >> 31).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ mixed >> 27) % end
    }
}

/// Everything that honest clients were answered, which must be there from then on.
#[derive(Default)]
pub(crate) struct Ledger {
    /// Registrations: id and registration access token.
    pub registered: Vec<(String, String)>,
    /// Registrations that were deleted.
    pub deleted: Vec<(String, String)>,
    /// Living families: the client, its access token and its last refresh token.
    pub alive: Vec<(Client, String, String)>,
    /// Revoked families.
    pub revoked: Vec<(Client, String, String)>,
    /// Codes that nobody has redeemed.
    pub codes: Vec<(Client, String)>,
}

impl Ledger {
    /// How many answers it holds.
    pub(crate) fn len(&self) -> usize {
        self.registered.len() + self.deleted.len() + self.alive.len() + self.revoked.len() + self.codes.len()
    }

    /// Takes over what another client was answered.
    pub(crate) fn extend(&mut self, other: Ledger) {
        self.registered.extend(other.registered);
        self.deleted.extend(other.deleted);
        self.alive.extend(other.alive);
        self.revoked.extend(other.revoked);
        self.codes.extend(other.codes);
    }

    /// Looks everything up at each of the ways; what is missing, one line each. Families are refreshed by turns, so that
    /// each refresh token is used once.
    pub(crate) async fn missing(&self, ways: &[Way]) -> Vec<String> {
        let mut missing = Vec::new();
        let mut expect = |what: String, answer: &Answer, status: u16| {
            if answer.status != status {
                missing.push(format!("{what}: {} {}", answer.status, answer.body));
            }
        };
        for (i, way) in ways.iter().enumerate() {
            for (id, token) in &self.registered {
                expect(format!("registration {id} at {i}"), &way.send(&Shot::manage("GET", id, token)).await, 200);
            }
            for (id, token) in &self.deleted {
                expect(format!("deleted {id} at {i}"), &way.send(&Shot::manage("GET", id, token)).await, 401);
            }
            for (_, access, _) in &self.alive {
                expect(format!("living family at {i}"), &way.send(&Shot::whoami(access)).await, 200);
            }
            for (client, access, refresh) in &self.revoked {
                expect(format!("revoked family at {i}"), &way.send(&Shot::whoami(access)).await, 401);
                expect(format!("its refresh token at {i}"), &way.send(&Shot::refresh(client, refresh)).await, 400);
            }
        }
        for (i, (client, _, refresh)) in self.alive.iter().enumerate() {
            let way = &ways[i % ways.len()];
            expect(format!("refresh token {i}"), &way.send(&Shot::refresh(client, refresh)).await, 200);
        }
        for (i, (client, code)) in self.codes.iter().enumerate() {
            let way = &ways[i % ways.len()];
            expect(format!("code {i}"), &way.send(&Shot::redeem(client, code)).await, 200);
        }
        missing
    }
}

/// An honest client's life, over and over until `until`: register, sign in, call, refresh, revoke. Each answer is looked
/// up at once.
pub(crate) async fn live_honestly(world: &World, way: &Way, until: tokio::time::Instant) -> Ledger {
    let mut ledger = Ledger::default();
    let mut browser = world.signed_in().await;
    let mut client = world.client().await;
    while tokio::time::Instant::now() < until {
        let answer = way.send(&Shot::register()).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let (id, token) = (answer.text("client_id"), answer.text("registration_access_token"));
        let found = way.send(&Shot::manage("GET", &id, &token)).await;
        assert_eq!(found.status, 200, "a registration that was answered is unknown: {found:?}");
        if ledger.registered.len() % 8 == 7 {
            assert_eq!(way.send(&Shot::manage("PUT", &id, &token)).await.status, 200);
            assert_eq!(way.send(&Shot::manage("DELETE", &id, &token)).await.status, 204);
            ledger.deleted.push((id, token));
            continue;
        }
        client.id.clone_from(&id);
        ledger.registered.push((id, token));

        let page = browser.get(&client.authorization_url(&[])).await;
        let allow = way.send(&Shot::press(&mut browser, &page, "allow")).await;
        assert_eq!(allow.status, 200, "{allow:?}");
        let leaving = Page { body: allow.body, ..page };
        let code = code_of(&leaving);
        if ledger.registered.len() % 8 == 3 {
            ledger.codes.push((client.clone(), code));
            continue;
        }
        let first = way.send(&Shot::redeem(&client, &code)).await;
        assert_eq!(first.status, 200, "a code that was given is not good: {first:?}");
        let mut next = first;
        for _ in 0..4 {
            next = way.send(&Shot::refresh(&client, &next.text("refresh_token"))).await;
            assert_eq!(next.status, 200, "a refresh token that was given is not good: {next:?}");
        }
        let family = (client.clone(), next.text("access_token"), next.text("refresh_token"));
        if ledger.registered.len() % 2 == 0 {
            let revoked = way.send(&Shot::revoke(&family.0, &family.2)).await;
            assert_eq!(revoked.status, 200, "{revoked:?}");
            assert_eq!(way.send(&Shot::whoami(&family.1)).await.status, 401, "revoked");
            ledger.revoked.push(family);
        } else {
            ledger.alive.push(family);
        }
    }
    ledger
}

/// A rude client's life: every endpoint that writes, hung up at some moment. Gives how often it hung up.
pub(crate) async fn live_rudely(world: &World, way: &Way, until: tokio::time::Instant, dice: &Dice) -> u64 {
    let mut hung_up = 0;
    let mut browser = world.signed_in().await;
    let (mut client, mut tokens) = world.tokens().await;
    let asked = browser.get(&client.authorization_url(&[])).await;
    while tokio::time::Instant::now() < until {
        let mut shots = vec![
            Shot::register(),
            Shot::press(&mut browser, &asked, "allow"),
            Shot::press(&mut browser, &asked, "switch"),
            Shot::press(&mut browser, &asked, "allow"),
            Shot::refresh(&client, tokens.refresh()),
        ];
        match dice.below(16) {
            // What can be done once only is prepared for each time.
            0 => {
                let registered = way.send(&Shot::register()).await;
                let (id, token) = (registered.text("client_id"), registered.text("registration_access_token"));
                shots = vec![Shot::manage("PUT", &id, &token), Shot::manage("DELETE", &id, &token)];
            }
            1 => shots.push(Shot::redeem(&client, &world.code_for(&client, &[]).await)),
            2 => {
                shots.push(Shot::revoke(&client, tokens.refresh()));
            }
            3 => {
                let mut stranger = world.browser();
                let page = stranger.get(&client.authorization_url(&[])).await;
                let leaving = stranger.submit(&page, &[("answer", super::browsing::UPSTREAM)]).await;
                let upstream = leaving.leads_to().expect("a way to the upstream");
                let callback = super::browsing::through_upstream(&mut stranger, &upstream).await;
                let callback_shot = Shot::open(&mut stranger, &callback);
                way.hang_up(&callback_shot, dice.below(9)).await;
                let journey = stranger.get(&callback).await;
                let page = stranger.follow(journey).await;
                assert!(page.status.as_u16() < 500, "{page:?}");
                if page.form().answers.iter().any(|answer| answer == "continue") {
                    shots = vec![Shot::press(&mut stranger, &page, "continue")];
                }
                hung_up += 1;
            }
            _ => {}
        }
        for shot in shots {
            way.hang_up(&shot, dice.below(9)).await;
            hung_up += 1;
        }
        // A refresh that was hung up costs nobody the session; if the family was revoked, there is a new one.
        tokens = client.refresh(tokens.refresh(), &[]).await;
        if tokens.status != 200 {
            assert_eq!(tokens.error(), "invalid_grant", "{}", tokens.json);
            (client, tokens) = world.tokens().await;
        }
    }
    hung_up
}
