//! What protects the person in front of the browser: RFC 6749 section 10, RFC 9700 section 4.

use anyhow::{Context as _, ensure};
use serde_json::json;

use crate::row::Row;
use crate::source::rfc;
use crate::subject::MOUNT;
use crate::wire::{header, redirect_params};

pub(super) fn rows() -> Vec<Row> {
    vec![
        rfc(6749, "10.13").must("clickjacking", "The consent page is shown in no frame.", async |bench| {
            let client = bench.client().await?;
            let page = bench.browser().get(&client.authorization_url(&[])).await;
            ensure!(header(&page, "x-frame-options").eq_ignore_ascii_case("deny"));
            ensure!(header(&page, "content-security-policy").contains("frame-ancestors 'none'"));
            Ok(())
        }),
        rfc(6749, "10.12").must("forged-consent", "Another site cannot press Allow.", async |bench| {
            let client = bench.client().await?;
            let mut browser = bench.browser();
            let page = browser.get(&client.authorization_url(&[])).await;
            let yes = page.form().answers.into_iter().find(|answer| answer.starts_with("upstream:"));
            let yes = yes.context("no button")?;
            let mut stranger = bench.browser();
            stranger.get(&client.authorization_url(&[])).await;
            let stolen = stranger.submit(&page, &[("answer", &yes)]).await;
            ensure!(stolen.leads_to().is_none(), "a form of another browser leads on to {:?}", stolen.leads_to());
            let fields = [("request", "x"), ("answer", yes.as_str())];
            let headers = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
            let forged = browser.send("POST /oauth/consent", &headers, Some(&fields)).await;
            ensure!(forged.status.is_client_error(), "a foreign form is answered with {}", forged.status);
            ensure!(
                browser.submit(&page, &[("answer", &yes)]).await.leads_to().is_some(),
                "the person's own is refused"
            );
            Ok(())
        }),
        rfc(6749, "10.2").should(
            "remembered-exactly",
            "A consent that is remembered covers that very request only.",
            async |bench| {
                let bench = bench.with(&format!("{MOUNT}[clients]\nremember_consent = true\n")).await?;
                let uris = json!({ "redirect_uris": ["https://client.example/one", "https://client.example/two"] });
                let client = bench.client_with(uris).await?;
                let mut browser = bench.browser();
                let first = client.authorize(&mut browser, &[]).await;
                ensure!(redirect_params(&first, &client)?.contains_key("code"));
                let again = browser.get(&client.authorization_url(&[])).await;
                ensure!(
                    redirect_params(&again, &client)?.contains_key("code"),
                    "it is not remembered, though the operator said so"
                );
                for change in
                    [("scope", "read write"), ("redirect_uri", "https://client.example/two"), ("prompt", "consent")]
                {
                    let page = browser.get(&client.authorization_url(&[change])).await;
                    ensure!(
                        page.status == 200 && page.leads_to().is_none(),
                        "{change:?} is answered with {}",
                        page.status
                    );
                }
                let page = browser.get(&bench.client().await?.authorization_url(&[])).await;
                ensure!(page.leads_to().is_none(), "another client is let in");
                bench.close().await;
                Ok(())
            },
        ),
        rfc(9700, "4.2.4").must("referrer", "No address with a code in it is told as a referrer.", async |bench| {
            let client = bench.client().await?;
            let mut browser = bench.browser();
            let page = browser.get(&client.authorization_url(&[])).await;
            ensure!(["no-referrer", "same-origin"].contains(&header(&page, "referrer-policy")));
            let page = client.authorize(&mut browser, &[]).await;
            ensure!(["no-referrer", "same-origin"].contains(&header(&page, "referrer-policy")));
            Ok(())
        }),
        rfc(9700, "4.12").must(
            "see-other",
            "No form is sent on by the browser: redirects are 303, not 307.",
            async |bench| {
                let client = bench.client().await?;
                let page = client.authorize(&mut bench.browser(), &[]).await;
                ensure!(redirect_params(&page, &client)?.contains_key("code"));
                ensure!(page.status != 307 && page.status != 308, "the status is {}", page.status);
                Ok(())
            },
        ),
        rfc(9700, "4.11.2").must(
            "open-redirector",
            "A link cannot send a browser to a site that merely registered.",
            async |bench| {
                let uris = json!({ "redirect_uris": ["https://phishing.example/"] });
                let client = bench.client_with(uris).await?;
                for changes in [("scope", "\""), ("response_type", "token"), ("prompt", "none")] {
                    let page = bench.refusal(&client, &[changes]).await;
                    ensure!(page.leads_to().is_none(), "{changes:?} leads to {:?}", page.leads_to());
                }
                Ok(())
            },
        ),
        rfc(9700, "2.1").must("no-script", "What a client says of itself is text on the page.", async |bench| {
            let name = "<script>alert(1)</script><img src=x onerror=alert(1)>\u{202e}";
            let client =
                bench.client_with(json!({ "client_name": name, "logo_uri": "https://evil.example/x.png" })).await?;
            let page = bench.browser().get(&client.authorization_url(&[])).await;
            ensure!(page.status == 200);
            for forbidden in ["<script", "<img src=x", "evil.example", "\u{202e}"] {
                ensure!(!page.body.contains(forbidden), "{forbidden:?} is on the page");
            }
            let policy = header(&page, "content-security-policy");
            ensure!(policy.contains("default-src 'none'") && !policy.contains("script-src"), "{policy}");
            Ok(())
        }),
    ]
}
