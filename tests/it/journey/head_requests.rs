//! A HEAD request of a browser's path takes no step: monitors and previews of links send them.

use jean_testing::browser::{Browser, Page};

use crate::support::browsing::to_callback;
use crate::support::{BOTH, World, code_of};

async fn head(browser: &mut Browser, url: &str) -> Page {
    let page = browser.send(&format!("HEAD {url}"), &[], None).await;
    assert_eq!((page.status.as_u16(), page.body.as_str()), (200, ""), "{url}: {page:?}");
    assert!(!page.headers.contains_key("location") && !page.headers.contains_key("set-cookie"), "{url}: {page:?}");
    page
}

#[tokio::test]
async fn head_at_the_authorization_endpoint_writes_nothing() {
    for db in BOTH {
        let world = World::on(db, "[clients]\nremember_consent = true\n").await;
        let (client, mut browser) = (world.client().await, world.browser());
        code_of(&client.authorize(&mut browser, &[]).await);
        let before = world.rows().await;
        for changes in [&[][..], &[("prompt", "none")], &[("client_id", "unknown")]] {
            head(&mut browser, &client.authorization_url(changes)).await;
        }
        assert_eq!(world.rows().await, before, "{db:?}");
        code_of(&browser.get(&client.authorization_url(&[])).await);
        assert_ne!(world.rows().await, before, "{db:?}: a GET is answered at once");
    }
}

/// Nor is the document of an app fetched for it.
#[tokio::test]
async fn head_asks_no_other_host() {
    let world = World::new().await;
    let (host, client) = world.document_client().await;
    let asked = host.requests_to("/client.json").len();
    head(&mut world.browser(), &client.authorization_url(&[])).await;
    assert_eq!(host.requests_to("/client.json").len(), asked);
}

#[tokio::test]
async fn head_takes_no_step_of_a_journey() {
    for db in BOTH {
        let world = World::on(db, "").await;
        let (client, mut browser) = (world.client().await, world.browser());
        let callback = to_callback(&client, &mut browser, &[]).await;
        let before = world.issuer.requests_to("/token").len();
        head(&mut browser, &callback).await;
        head(&mut world.browser(), &callback).await;
        assert_eq!(world.issuer.requests_to("/token").len(), before, "{db:?}: the code is not redeemed");

        let page = browser.get(&callback).await;
        let journey = page.leads_to().expect("the journey's page");
        let rows = world.rows().await;
        head(&mut browser, &journey).await;
        assert_eq!(world.rows().await, rows, "{db:?}");
        let page = browser.follow(page).await;
        let page = browser.press(&page, "continue").await;
        let code = code_of(&page);
        // The answer that was lost would be given again, with another code in the place of this one.
        head(&mut browser, &journey).await;
        assert_eq!(client.redeem(&code, &[]).await.status, 200, "{db:?}: the first code is good");
    }
}
