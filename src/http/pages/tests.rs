use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::PathBuf;

use super::*;

fn layout() -> Layout {
    Layout {
        brand: "Jean Memory".into(),
        host: "memory.example.com".into(),
        logo: None,
        style: "style.css".into(),
        home: "/".into(),
        privacy_url: Some("https://example.com/privacy".into()),
        terms_url: None,
        support_url: Some("mailto:help@example.com".into()),
    }
}

fn bare() -> Layout {
    Layout { privacy_url: None, support_url: None, ..layout() }
}

fn scopes() -> Vec<ScopeLine> {
    let line = |words: &str, name: &str, new| ScopeLine { words: words.into(), name: name.into(), new };
    vec![line("Read your memories", "read", false), line("Add and change your memories", "write", true)]
}

fn upstreams(labels: &[&str]) -> Vec<UpstreamButton> {
    labels.iter().map(|label| UpstreamButton { name: label.to_lowercase(), label: (*label).into() }).collect()
}

fn since(news: &str) -> Option<Seen> {
    Some(Seen::Since { day: "3 May 2026".into(), news: news.into() })
}

fn chosen(name: &str) -> Headline {
    Headline::Chosen { name: name.into(), like_a_host: false }
}

fn host(host: &str) -> Headline {
    Headline::Confirmed(host.into())
}

fn document(host: &str, name: &str) -> ClientSource {
    ClientSource::Document { host: host.into(), name: Some(name.into()) }
}

fn learns(new: bool) -> Option<ScopeLine> {
    Some(ScopeLine { words: "your name and email address".into(), name: "openid".into(), new })
}

fn steps() -> Vec<Advice> {
    let step = |words: &str, copy: &str| Step { words: words.to_owned(), copy: copy.to_owned() };
    let code = vec![
        step("Type /mcp, choose this server, then “Clear authentication”.", ""),
        step("If this page comes back, remove the server in a terminal.", "claude mcp remove memory"),
    ];
    let other = vec![step("Remove the connection to this server, and add it again.", "https://memory.example.com/mcp")];
    vec![
        Advice { title: "If this is Claude Code".into(), steps: code },
        Advice { title: "In another app".into(), steps: other },
    ]
}

fn ada() -> Account {
    Account { label: "ada@example.com".into(), name: Some("Ada Lovelace".into()) }
}

fn details() -> Details {
    Details {
        client_id: "c_8Kq2vT0pXw3nZrL5".into(),
        redirect_uri: "https://claude.ai/api/mcp/auth_callback".into(),
        resource: "https://memory.example.com/mcp".into(),
        scopes: "read write offline_access".into(),
    }
}

fn consent() -> Consent {
    Consent {
        layout: layout(),
        client: chosen("Claude"),
        source: ClientSource::Unverified,
        destination: Destination::Site("claude.ai".into()),
        scopes: scopes().into_iter().map(|scope| ScopeLine { new: false, ..scope }).collect(),
        learns: None,
        seen: None,
        lasts: "30 days unused".into(),
        account: None,
        upstreams: upstreams(&["Google"]),
        notice: None,
        action: "/oauth/authorize".into(),
        request: "response_type=code&client_id=c_8Kq2vT0pXw3nZrL5".into(),
        token: "1893456000.c2lnbmF0dXJl".into(),
        details: details(),
    }
}

fn confirm() -> Confirm {
    Confirm {
        layout: layout(),
        account: ada(),
        client: chosen("Claude"),
        source: ClientSource::Unverified,
        destination: Destination::Site("claude.ai".into()),
        scopes: scopes(),
        learns: None,
        seen: since(""),
        action: "/oauth/login/1a2b3c".into(),
        token: "1893456000.c2lnbmF0dXJl".into(),
        can_switch: true,
        notice: None,
        details: details(),
    }
}

fn retry() -> Retry {
    Retry {
        layout: layout(),
        title: "Google cannot be reached just now".into(),
        message: "It did not answer in time. Wait a minute, then try again.".into(),
        client: chosen("Claude"),
        action: "/oauth/login/1a2b3c".into(),
        token: "1893456000.c2lnbmF0dXJl".into(),
        upstreams: upstreams(&["Google"]),
        tried: "google".into(),
        can_switch: false,
        request_id: "r7k2m9q4".into(),
    }
}

fn problem() -> Problem {
    Problem {
        layout: layout(),
        title: "This server does not know the app".into(),
        message: "The app used a client id that is not known here; it may have been removed.".into(),
        next: "In Claude, open Settings, then Connectors; remove this connector and add it again. Then press Connect."
            .into(),
        advice: vec![],
        link: None,
        details: vec![("Error".into(), "invalid_client".into()), ("Client id".into(), "c_8Kq2vT0pXw3nZrL5".into())],
        request_id: "r7k2m9q4".into(),
    }
}

fn landing() -> Landing {
    Landing {
        layout: layout(),
        mcp_urls: vec![McpUrl { name: "memory".into(), url: "https://memory.example.com/mcp".into() }],
        upstreams: vec!["Google".into(), "GitHub".into(), "Acme".into()],
        scopes: scopes(),
        closed: false,
        dev: false,
        status_url: "/status".into(),
    }
}

fn status() -> Status {
    let component = |name: &str, ready, detail: &str| ComponentLine { name: name.into(), ready, detail: detail.into() };
    let standard = |name: &str, title: &str, met, detail: &str| StandardLine {
        name: name.into(),
        title: title.into(),
        met,
        detail: detail.into(),
    };
    Status {
        layout: layout(),
        overall: Overall::Ready,
        version: "0.1.0".into(),
        issuer: "https://memory.example.com".into(),
        components: vec![
            component("Database", true, "SQLite, version 4 of the schema"),
            component("Signing keys", true, "ES256, rotated 12 days ago"),
            component("Google", true, ""),
        ],
        standards: vec![
            standard("RFC 6749", "The OAuth 2.0 Authorization Framework", true, ""),
            standard("RFC 7636", "Proof Key for Code Exchange", true, "S256 only, required of every client"),
            standard("RFC 7591", "Dynamic Client Registration", false, "Turned off by [clients] registration"),
            standard("RFC 8414", "Authorization Server Metadata", true, ""),
        ],
    }
}

/// Every page, in every state that looks different.
fn pages() -> Vec<(&'static str, String)> {
    let long = "A-very-long-name-without-any-place-to-break-it-which-goes-on-and-on-until-eighty-chars".to_owned();
    let long_host = format!("{}.example.com", "a-host-that-is-much-longer-than-a-line".repeat(3));
    let show = |name, page: &dyn askama::DynTemplate| (name, page.dyn_render().unwrap());
    vec![
        show("consent", &consent()),
        show(
            "consent-allow",
            &Consent {
                account: Some(ada()),
                seen: Some(Seen::FirstTime),
                scopes: scopes(),
                source: ClientSource::Configured,
                ..consent()
            },
        ),
        show(
            "consent-native",
            &Consent {
                layout: bare(),
                client: chosen("Claude Code"),
                destination: Destination::ThisComputer,
                upstreams: upstreams(&["Google", "GitHub", "Acme"]),
                ..consent()
            },
        ),
        show(
            "consent-again",
            &Consent {
                client: chosen("Cursor"),
                destination: Destination::App("cursor".into()),
                account: Some(ada()),
                seen: since(""),
                scopes: vec![],
                notice: Some("Another account was signed in meanwhile. Look again, then answer once more.".into()),
                ..consent()
            },
        ),
        show(
            "consent-document",
            &Consent {
                client: host("claude.ai"),
                source: document("claude.ai", "Claude"),
                learns: learns(false),
                ..consent()
            },
        ),
        show(
            "consent-document-native",
            &Consent {
                client: host("claude.ai"),
                source: document("claude.ai", "Claude Code"),
                destination: Destination::ThisComputer,
                account: Some(ada()),
                scopes: scopes(),
                learns: learns(true),
                seen: since("it asks for more; its details have changed"),
                ..consent()
            },
        ),
        show(
            "consent-document-elsewhere",
            &Consent {
                client: host("xn--pple-43d.example"),
                source: document("xn--pple-43d.example", "Claude"),
                destination: Destination::Site("login.other.example:8443".into()),
                account: Some(ada()),
                seen: Some(Seen::FirstTime),
                ..consent()
            },
        ),
        show(
            "consent-document-long",
            &Consent {
                layout: Layout { brand: long.clone(), ..layout() },
                client: host(&long_host),
                source: document(&long_host, &long),
                destination: Destination::Site(format!("other-{long_host}")),
                account: Some(ada()),
                scopes: vec![],
                learns: learns(true),
                seen: since(
                    "it asks for more; it asks for another part of this server; it sends you back to a different address",
                ),
                ..consent()
            },
        ),
        show(
            "consent-local",
            &Consent {
                client: chosen("My client"),
                source: ClientSource::Local("localhost:6000".into()),
                destination: Destination::ThisComputer,
                ..consent()
            },
        ),
        show(
            "consent-like-a-host",
            &Consent {
                client: Headline::Chosen { name: "claude.ai".into(), like_a_host: true },
                destination: Destination::Site("connect-secure.example".into()),
                ..consent()
            },
        ),
        show("consent-network", &Consent { destination: Destination::Network("192.168.1.5:8443".into()), ..consent() }),
        show(
            "consent-long",
            &Consent {
                layout: Layout { brand: long.clone(), host: long_host.clone(), ..layout() },
                client: chosen(&long),
                destination: Destination::Site(long_host.clone()),
                account: Some(Account { label: format!("{long}@{long_host}"), name: Some(long.clone()) }),
                scopes: vec![
                    ScopeLine { words: long.clone(), name: "x".into(), new: true },
                    ScopeLine { words: String::new(), name: "x".repeat(200), new: true },
                ],
                details: Details {
                    client_id: "c".repeat(300),
                    redirect_uri: format!("https://{long_host}/{}", "p".repeat(200)),
                    ..details()
                },
                ..consent()
            },
        ),
        show(
            "consent-branded",
            &Consent {
                layout: Layout {
                    logo: Some("logo.svg".into()),
                    style: "style-accent.css".into(),
                    terms_url: Some("https://example.com/terms".into()),
                    ..layout()
                },
                upstreams: upstreams(&["Google", "GitHub"]),
                ..consent()
            },
        ),
        show("confirm", &confirm()),
        show(
            "confirm-first",
            &Confirm {
                seen: Some(Seen::FirstTime),
                scopes: scopes().into_iter().map(|scope| ScopeLine { new: false, ..scope }).collect(),
                can_switch: false,
                ..confirm()
            },
        ),
        show(
            "confirm-document",
            &Confirm {
                client: host("claude.ai"),
                source: document("claude.ai", "Claude"),
                seen: since("it asks for more"),
                learns: learns(false),
                ..confirm()
            },
        ),
        show("retry", &retry()),
        show(
            "retry-refused",
            &Retry {
                title: "ada@x.org may not use Jean Memory".into(),
                message: "Ask its operator to let you in, or use another account.".into(),
                upstreams: vec![],
                can_switch: true,
                ..retry()
            },
        ),
        show(
            "leaving-like-a-host",
            &Leaving::new(
                layout(),
                "https://a.example/cb?code=x",
                Headline::Chosen { name: "claude.ai".into(), like_a_host: true },
            ),
        ),
        show("leaving", &Leaving::new(layout(), "https://claude.ai/api/cb?code=x&state=y%20z", chosen("Claude"))),
        show("wait", &Wait::new(layout(), "/oauth/login/1a2b3c")),
        show("problem", &problem()),
        show("problem-steps", &Problem { advice: steps(), ..problem() }),
        show(
            "problem-browser",
            &Problem {
                layout: bare(),
                title: "This began in another browser".into(),
                message: "The sign-in can only be finished in the browser in which it began.".into(),
                next: "Open the link from your email in that browser, or start again from the app.".into(),
                link: Some(Link { label: "Go to Jean Memory".into(), url: "/".into() }),
                details: vec![],
                ..problem()
            },
        ),
        show("done", &Done { layout: layout(), client: chosen("Claude") }),
        show("landing", &landing()),
        show(
            "landing-dev",
            &Landing {
                mcp_urls: ["memory", "notes"]
                    .map(|name| McpUrl { name: name.into(), url: format!("http://localhost:8080/{name}/mcp") })
                    .into(),
                upstreams: vec!["Development sign-in".into()],
                closed: true,
                dev: true,
                ..landing()
            },
        ),
        show("status", &status()),
        show(
            "status-partial",
            &Status {
                overall: Overall::Partial,
                components: vec![
                    ComponentLine { name: "Database".into(), ready: true, detail: String::new() },
                    ComponentLine {
                        name: "Google".into(),
                        ready: false,
                        detail: "Its discovery document cannot be reached".into(),
                    },
                ],
                ..status()
            },
        ),
        show(
            "status-failing",
            &Status {
                overall: Overall::Failing,
                components: vec![ComponentLine {
                    name: "Database".into(),
                    ready: false,
                    detail: "does not answer; the log says why".into(),
                }],
                ..status()
            },
        ),
    ]
}

/// The start tags of a page, without the brackets.
fn tags(html: &str) -> Vec<&str> {
    html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap()).collect()
}

#[test]
fn every_page_is_written_where_a_browser_can_look_at_it() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/pages");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("style.css"), stylesheet(None)).unwrap();
    std::fs::write(folder.join("style-accent.css"), stylesheet(Some("#f2b705"))).unwrap();
    let logo =
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'><circle cx='4' cy='4' r='4' fill='#f2b705'/></svg>";
    std::fs::write(folder.join("logo.svg"), logo).unwrap();
    for (name, html) in pages() {
        std::fs::write(folder.join(format!("{name}.html")), html).unwrap();
    }
}

#[test]
fn every_page_keeps_the_rules_of_all_pages() {
    for (name, html) in pages() {
        let count = |what: &str| html.matches(what).count();
        assert!(html.starts_with("<!doctype html>\n<html lang=\"en\">"), "{name}");
        for once in ["<title>", "<h1>", "<main>", "<meta name=\"viewport\"", "<meta name=\"color-scheme\"", "<header"] {
            assert_eq!(count(once), 1, "{name}: {once}");
        }
        assert_eq!(count("content=\"noindex\""), usize::from(!name.starts_with("landing")), "{name}");
        assert_eq!(count("rel=\"stylesheet\""), 1, "{name}");
        let title = html.split("<title>").nth(1).unwrap().split("</title>").next().unwrap();
        assert!(!title.trim().is_empty() && title.trim() == title && !title.contains('\n'), "{name}: {title:?}");

        // Only tags that stand by themselves stay open, and each is closed in its order.
        let mut open = Vec::new();
        for tag in tags(&html) {
            let word = tag.split_whitespace().next().unwrap();
            if let Some(closed) = word.strip_prefix('/') {
                assert_eq!(open.pop(), Some(closed), "{name}");
            } else if !tag.ends_with('/') && !["!doctype", "meta", "link", "input", "img"].contains(&word) {
                open.push(word);
            }
            assert!(word != "script" && word != "style" && word != "iframe", "{name}: {word}");
            for attribute in tag.split_whitespace().skip(1) {
                assert!(!attribute.starts_with("on") && !attribute.starts_with("style"), "{name}: {attribute}");
            }
        }
        assert!(open.is_empty(), "{name}: {open:?}");

        // Every id is there once, and whatever points to one finds it.
        let values = |attribute: &str| {
            html.split(&format!(" {attribute}=\""))
                .skip(1)
                .map(|rest| rest.split('"').next().unwrap())
                .collect::<Vec<_>>()
        };
        let ids: BTreeSet<_> = values("id").into_iter().collect();
        assert_eq!(ids.len(), values("id").len(), "{name}");
        for pointer in ["for", "aria-labelledby", "aria-describedby"] {
            assert!(values(pointer).iter().all(|id| ids.contains(id)), "{name}: {pointer}");
        }
    }
}

#[test]
fn every_form_says_what_was_pressed_and_offers_a_way_out() {
    for (name, html) in pages().iter().filter(|(_, html)| html.contains("<form")) {
        assert_eq!(html.matches("<form method=\"post\"").count(), 1, "{name}");
        assert_eq!(html.matches("name=\"answer\" value=\"cancel\"").count(), 1, "{name}");
        assert_eq!(html.matches("<button").count(), html.matches("name=\"answer\"").count(), "{name}");
        assert_eq!(html.matches("button primary").count(), 1, "{name}");
    }
}

#[test]
fn the_buttons_follow_from_who_is_signed_in() {
    let answers = |html: String| {
        html.split("name=\"answer\" value=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let out = Consent { upstreams: upstreams(&["Google", "GitHub"]), ..consent() };
    assert_eq!(answers(out.render().unwrap()), ["upstream:google", "upstream:github", "cancel"]);
    assert!(out.render().unwrap().contains("Nothing is shared before you sign in."));
    let signed_in = Consent { account: Some(ada()), ..consent() };
    assert_eq!(answers(signed_in.render().unwrap()), ["switch", "allow", "cancel"]);
    assert!(!signed_in.render().unwrap().contains("before you sign in"));
    assert_eq!(answers(confirm().render().unwrap()), ["continue", "switch", "cancel"]);
    assert_eq!(answers(retry().render().unwrap()), ["upstream:google", "cancel"]);
    let refused = Retry { can_switch: true, upstreams: vec![], ..retry() };
    assert_eq!(answers(refused.render().unwrap()), ["switch", "cancel"]);
}

/// The text of the page's main part, as somebody reads it.
fn reads(page: &dyn askama::DynTemplate) -> String {
    let html = page.dyn_render().unwrap();
    let main = html.split("<main>").nth(1).unwrap().split("<details>").next().unwrap();
    let words: Vec<&str> =
        main.split('<').flat_map(|part| part.split('>').nth(1)).flat_map(str::split_whitespace).collect();
    words.join(" ").replace(" .", ".").replace(" ,", ",").replace("“ ", "“").replace(" ”", "”").replace(" ?", "?")
}

fn title(page: &dyn askama::DynTemplate) -> String {
    page.dyn_render().unwrap().split("<title>").nth(1).unwrap().split("</title>").next().unwrap().to_owned()
}

#[test]
fn the_host_of_a_document_is_the_headline_and_its_name_comes_second() {
    let page = Consent { client: host("claude.ai"), source: document("claude.ai", "Claude Code"), ..consent() };
    assert_eq!(title(&page), "Allow claude.ai to use Jean Memory?");
    let text = reads(&page);
    assert!(text.starts_with("Allow claude.ai to use Jean Memory?"), "{text}");
    assert!(text.contains("It calls itself “Claude Code”; its address claude.ai is confirmed."), "{text}");
    assert!(!text.contains("nverified") && !text.contains("another site"), "{text}");
    let nameless = ClientSource::Document { host: "claude.ai".into(), name: None };
    let text = reads(&Consent { client: host("claude.ai"), source: nameless, ..consent() });
    assert!(text.contains("Its address claude.ai is confirmed.") && !text.contains("calls itself"), "{text}");
}

/// The same headline would be the same assurance, on whichever page it stands.
#[test]
fn no_page_calls_an_app_what_it_calls_a_host() {
    let pages = |client: Headline| -> Vec<String> {
        let layout = || layout();
        let show = |page: &dyn askama::DynTemplate| page.dyn_render().unwrap();
        vec![
            show(&Consent { client: client.clone(), account: Some(ada()), ..consent() }),
            show(&Consent { client: client.clone(), scopes: vec![], ..consent() }),
            show(&Confirm { client: client.clone(), ..confirm() }),
            show(&Retry { client: client.clone(), ..retry() }),
            show(&Leaving::new(layout(), "https://a.example/", client.clone())),
            show(&Done { layout: layout(), client }),
        ]
    };
    let count = |page: &str, text: &str| page.matches(text).count();
    let [confirmed, configured] =
        [Headline::Confirmed("vouched.example".into()), Headline::Configured("vouched.example".into())];
    let chosen = |like_a_host| Headline::Chosen { name: "vouched.example".into(), like_a_host };
    for (((confirmed, configured), plain), like_a_host) in
        pages(confirmed).into_iter().zip(pages(configured)).zip(pages(chosen(false))).zip(pages(chosen(true)))
    {
        let times = count(&confirmed, "vouched.example");
        assert!(times > 0 && confirmed == configured);
        assert_eq!(count(&confirmed, "“") + count(&confirmed, "(unverified)"), 0, "{confirmed}");
        // What is in quotation marks there is in quotation marks everywhere, title and buttons too.
        let quoted = count(&plain, "“vouched.example”") + count(&plain, "“<bdi>vouched.example</bdi>”");
        assert_eq!((quoted, count(&plain, "(unverified)")), (times, 0), "{plain}");
        let marked = count(&like_a_host, "“vouched.example” (unverified)")
            + count(&like_a_host, "“<bdi>vouched.example</bdi>” (unverified)");
        assert_eq!(marked, times, "{like_a_host}");
    }
}

#[test]
fn only_a_document_elsewhere_confirms_anything() {
    for source in [ClientSource::Unverified, ClientSource::Local("localhost:6000".into()), ClientSource::Configured] {
        for destination in [Destination::Site("claude.ai".into()), Destination::ThisComputer] {
            let text = reads(&Consent { source: source.clone(), destination, ..consent() });
            assert!(!text.contains("confirmed"), "{text}");
            let marked = text.contains("Unverified name, given by the app itself");
            assert_eq!(marked, source != ClientSource::Configured, "{text}");
        }
    }
}

#[test]
fn an_answer_that_goes_elsewhere_is_said_plainly() {
    let to = |destination| {
        let client = host("claude.ai");
        reads(&Consent { client, source: document("claude.ai", "Claude"), destination, ..consent() })
    };
    assert!(!to(Destination::Site("claude.ai".into())).contains("Go on only if"));
    let other = to(Destination::Site("login.example".into()));
    assert!(
        other.contains("It is meant for claude.ai, but goes to login.example. Go on only if you know why."),
        "{other}"
    );
    for native in [Destination::ThisComputer, Destination::App("cursor".into())] {
        let text = to(native.clone());
        assert!(
            text.contains("just now? claude.ai describes this app, but any app on this device can pretend"),
            "{text}"
        );
        let text = reads(&Consent { destination: native, ..consent() });
        assert!(text.contains("just now? Any app on this device can use this name."), "{text}");
    }
    let source = document("claude.ai", "Claude");
    let text = reads(&Confirm { source, destination: Destination::Site("login.example".into()), ..confirm() });
    assert!(text.contains("goes to login.example"), "{text}");
}

#[test]
fn what_an_app_learns_of_a_person_is_visible() {
    let text = reads(&Consent { learns: learns(false), ..consent() });
    assert!(text.contains("It also learns your name and email address."), "{text}");
    let text = reads(&Consent { learns: learns(true), scopes: vec![], ..consent() });
    assert!(text.contains("asks only to know who you are: your name and email address New"), "{text}");
    let text = reads(&Confirm { learns: learns(true), ..confirm() });
    assert!(text.contains("It also learns your name and email address. New"), "{text}");
    assert!(!reads(&consent()).contains("learns"));
}

#[test]
fn whatever_stands_in_a_field_is_shown_as_text() {
    const EVIL: &str = "\"'><script>alert(1)</script><b onload='x' style=\"y\">&amp;";
    const ESCAPED: &str = "&#34;&#39;&#62;&#60;script&#62;alert(1)&#60;/script&#62;&#60;b onload=&#39;x&#39; \
                           style=&#34;y&#34;&#62;&#38;amp;";
    // Each field gets a number of its own, by which it is found again.
    let fields = Cell::new(0);
    let e = || {
        fields.set(fields.get() + 1);
        format!("{EVIL}{}.", fields.get())
    };
    let some = || Some(e());
    let client = || Headline::Chosen { name: e(), like_a_host: true };
    let layout = || Layout {
        brand: e(),
        host: e(),
        logo: some(),
        style: e(),
        home: e(),
        privacy_url: some(),
        terms_url: some(),
        support_url: some(),
    };
    let account = || Account { label: e(), name: some() };
    let scopes = || {
        vec![
            ScopeLine { words: e(), name: EVIL.into(), new: true },
            ScopeLine { words: String::new(), name: e(), new: false },
        ]
    };
    let upstreams = || vec![UpstreamButton { name: e(), label: e() }];
    let details = || Details { client_id: e(), redirect_uri: e(), resource: e(), scopes: e() };
    let consent = |source, destination, account, upstreams| Consent {
        layout: layout(),
        client: client(),
        source,
        destination,
        scopes: scopes(),
        learns: Some(ScopeLine { words: e(), name: EVIL.into(), new: true }),
        seen: Some(Seen::Since { day: e(), news: e() }),
        lasts: e(),
        account,
        upstreams,
        notice: some(),
        action: e(),
        request: e(),
        token: e(),
        details: details(),
    };
    let confirm = |source, destination| Confirm {
        layout: layout(),
        account: account(),
        client: client(),
        source,
        destination,
        scopes: scopes(),
        learns: Some(ScopeLine { words: e(), name: EVIL.into(), new: true }),
        seen: Some(Seen::Since { day: e(), news: e() }),
        action: e(),
        token: e(),
        can_switch: true,
        notice: some(),
        details: details(),
    };
    let check = |page: &dyn askama::DynTemplate| {
        let html = page.dyn_render().unwrap();
        for raw in ["<script", "<b ", "'x'", "\"y\"", "\"'", "&amp;"] {
            assert!(!html.contains(raw), "{raw} in {html}");
        }
        for field in 1..=fields.replace(0) {
            assert!(html.contains(&format!("{ESCAPED}{field}.")), "{field} is missing in {html}");
        }
    };
    check(&consent(ClientSource::Unverified, Destination::Site(e()), None, upstreams()));
    check(&consent(ClientSource::Configured, Destination::App(e()), Some(account()), vec![]));
    let document = || ClientSource::Document { host: e(), name: some() };
    check(&consent(document(), Destination::Site(e()), None, upstreams()));
    check(&consent(document(), Destination::ThisComputer, Some(account()), vec![]));
    check(&consent(ClientSource::Local(e()), Destination::ThisComputer, None, upstreams()));
    check(&confirm(document(), Destination::Site(e())));
    check(&confirm(ClientSource::Unverified, Destination::App(e())));
    check(&confirm(ClientSource::Configured, Destination::Site(e())));
    check(&Retry {
        layout: layout(),
        title: e(),
        message: e(),
        client: client(),
        action: e(),
        token: e(),
        upstreams: upstreams(),
        tried: String::new(),
        can_switch: true,
        request_id: e(),
    });
    check(&Leaving::new(layout(), EVIL, client()));
    check(&Leaving::new(layout(), EVIL, Headline::Configured(e())));
    check(&Leaving::new(layout(), EVIL, Headline::Confirmed(e())));
    check(&Wait::new(layout(), EVIL));
    check(&Problem {
        layout: layout(),
        title: e(),
        message: e(),
        next: e(),
        advice: vec![Advice {
            title: e(),
            steps: vec![Step { words: e(), copy: e() }, Step { words: e(), copy: String::new() }],
        }],
        link: Some(Link { label: e(), url: e() }),
        details: vec![(e(), e())],
        request_id: e(),
    });
    check(&Done { layout: layout(), client: client() });
    check(&Landing {
        layout: layout(),
        mcp_urls: vec![McpUrl { name: e(), url: e() }, McpUrl { name: e(), url: e() }],
        upstreams: vec![e(), e()],
        scopes: scopes(),
        closed: true,
        dev: true,
        status_url: e(),
    });
    check(&Status {
        layout: layout(),
        overall: Overall::Partial,
        version: e(),
        issuer: e(),
        components: vec![ComponentLine { name: e(), ready: false, detail: e() }],
        standards: vec![StandardLine { name: e(), title: e(), met: false, detail: e() }],
    });
}

#[test]
fn nothing_in_a_refresh_ends_it() {
    assert_eq!(refresh_target("https://a.example/cb?code=x&state=%22"), "https://a.example/cb?code=x&state=%22");
    assert_eq!(refresh_target("app:/'cb\" <x>\n\té"), "app:/%27cb%22%20%3Cx%3E%0A%09%C3%A9");
    let html = Leaving::new(layout(), "https://a.example/cb?a='1'&b=\"2\"", chosen("Claude")).render().unwrap();
    assert!(
        html.contains("<meta http-equiv=\"refresh\" content=\"0;url=https://a.example/cb?a=%271%27&#38;b=%222%22\">")
    );
    assert!(html.contains("href=\"https://a.example/cb?a=%271%27&#38;b=%222%22\" autofocus>Continue to “Claude”</a>"));
    let html = Wait::new(layout(), "/oauth/login/x").render().unwrap();
    assert!(html.contains("<meta http-equiv=\"refresh\" content=\"1;url=/oauth/login/x\">"));
}

#[test]
fn an_initial_is_the_first_letter() {
    assert_eq!(initial("jean"), "J");
    assert_eq!(initial("  (éa)"), "É");
    assert_eq!(initial("…"), "·");
}
