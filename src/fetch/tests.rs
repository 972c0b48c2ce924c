//! Every rule of a fetch, against a host on loopback that breaks it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

const NOW: UnixTime = UnixTime(1_800_000_000);

fn here(_: &str) -> Vec<IpAddr> {
    vec![[127, 0, 0, 1].into()]
}

fn fetcher(names: fn(&str) -> Vec<IpAddr>, local: bool) -> Fetcher {
    Fetcher { timeout: Duration::from_millis(500), ..Fetcher::new(Arc::new(names), local) }
}

/// A host that answers every request with these bytes, and counts and shows the requests.
async fn host(answer: &'static [&'static str]) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let length = connection.read(&mut request).await.unwrap_or(0);
            seen.lock().unwrap().push(String::from_utf8_lossy(&request[..length]).to_lowercase());
            for part in answer {
                match *part {
                    "wait" => tokio::time::sleep(Duration::from_secs(10)).await,
                    "tick" => tokio::time::sleep(Duration::from_millis(100)).await,
                    part => drop(connection.write_all(part.as_bytes()).await),
                }
            }
        }
    });
    (address, requests)
}

fn new(url: &str) -> Wanted<'_> {
    Wanted { url, most: 20, known: false }
}

fn known(url: &str) -> Wanted<'_> {
    Wanted { known: true, ..new(url) }
}

async fn get(answer: &'static [&'static str]) -> Result<Fetched, Error> {
    let (address, _) = host(answer).await;
    fetcher(here, true).get(new(&format!("http://{address}/client.json")), NOW).await
}

#[tokio::test]
async fn a_document_is_fetched_with_nothing_that_tells_of_anybody() {
    let (address, requests) =
        host(&["HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"]).await;
    let fetched = fetcher(here, true).get(new(&format!("http://{address}/client.json?x=1")), NOW).await.unwrap();
    assert_eq!(fetched.body, b"{}");
    let request = requests.lock().unwrap()[0].clone();
    assert!(request.starts_with("get /client.json?x=1 http/1.1\r\n"), "{request}");
    assert!(
        request.contains("\r\nuser-agent: jean/") && request.contains("\r\naccept-encoding: identity\r\n"),
        "{request}"
    );
    assert!(
        !request.contains("cookie") && !request.contains("referer") && !request.contains("authorization"),
        "{request}"
    );
}

#[tokio::test]
async fn an_answer_that_breaks_a_rule_is_none() {
    let refused = |answer| async move { get(answer).await.map(|_| ()).unwrap_err() };
    for redirect in [
        &["HTTP/1.1 301 Moved\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n"],
        &["HTTP/1.1 302 Found\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n"],
        &["HTTP/1.1 307 Temporary\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n"],
        &["HTTP/1.1 304 Not Modified\r\n\r\n"],
        &["HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"],
        &["HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"],
        &["HTTP/1.1 204 No Content\r\n\r\n"],
    ] {
        let error = refused(redirect).await;
        assert!(matches!(error, Error::Status(_)) && !error.passes(), "{error:?}");
    }
    for passing in [
        &["HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n"],
        &["HTTP/1.1 429 Too Many\r\ncontent-length: 0\r\n\r\n"],
        &["HTTP/1.1 503 Away\r\ncontent-length: 0\r\n\r\n"],
    ] {
        let error = refused(passing).await;
        assert!(matches!(error, Error::Status(_)) && error.passes(), "{error:?}");
    }
    for media_type in [
        &["HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"],
        &["HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\n{}"],
        &["HTTP/1.1 200 OK\r\ncontent-type: application/jsonp\r\ncontent-length: 2\r\n\r\n{}"],
        &["HTTP/1.1 200 OK\r\ncontent-type: text/plain+json\r\ncontent-length: 2\r\n\r\n{}"],
    ] {
        let error = refused(media_type).await;
        assert!(matches!(error, Error::MediaType) && !error.passes(), "{error:?}");
    }
    let compressed =
        &["HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}"];
    assert!(matches!(refused(compressed).await, Error::Compressed));
    for large in [
        &["HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 21\r\n\r\n", "123456789012345678901"][..],
        &[
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
            "f\r\n123456789012345\r\n",
            "6\r\n123456\r\n0\r\n\r\n",
        ],
        &["HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n", "123456789012345678901"],
    ] {
        assert!(matches!(refused(large).await, Error::TooLarge(20)), "{large:?}");
    }
    for broken in [
        &["HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{}"][..],
        &["not http at all\r\n\r\n"],
        &[],
    ] {
        let error = refused(broken).await;
        assert!(matches!(error, Error::Unreachable(_)) && error.passes(), "{broken:?}: {error:?}");
    }
}

#[tokio::test]
async fn what_is_as_large_as_it_may_be_is_read() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n12345678901234567890",
        "HTTP/1.1 200 OK\r\ncontent-type: Application/JSON; charset=utf-8\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-type: application/x.client+json\r\ncontent-length: 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\ncontent-type: APPLICATION/JSON\r\ncontent-encoding: Identity\r\ncontent-length: 2\r\n\r\n{}",
    ] {
        assert!(get(Box::leak(Box::new([answer]))).await.is_ok(), "{answer}");
    }
}

#[tokio::test]
async fn slow_answers_and_slow_bodies_are_given_up() {
    for slow in [
        &["wait"][..],
        &["HTTP/1.1 200 OK\r\n", "wait"],
        &["HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n", "{", "wait"],
    ] {
        let error = get(slow).await.unwrap_err();
        assert!(matches!(error, Error::TooSlow) && error.passes(), "{error:?}");
    }
}

/// Draft section 8.7, past failures 16: five seconds are for the name, the answer and its body together, so that neither a
/// host that never pauses for long nor a slow DNS gets more.
#[tokio::test]
async fn all_of_a_fetch_takes_five_seconds_at_most() {
    assert_eq!(Fetcher::new(Arc::new(here as fn(&str) -> Vec<IpAddr>), true).timeout, Duration::from_secs(5));
    let mut trickle = vec!["HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n"];
    trickle.extend(["1", "tick"].repeat(20));
    let error = get(Box::leak(trickle.into_boxed_slice())).await.unwrap_err();
    assert!(matches!(error, Error::TooSlow), "{error:?}");

    let fetcher = Fetcher { timeout: Duration::from_millis(100), ..Fetcher::new(Arc::new(Silent), false) };
    let error = fetcher.get(new("https://client.example/client.json"), NOW).await.unwrap_err();
    assert!(matches!(error, Error::TooSlow), "{error:?}");
}

/// DNS that does not answer.
struct Silent;

#[async_trait]
impl Names for Silent {
    async fn addresses(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        std::future::pending().await
    }
}

/// Names whose answers change, and how often they were asked.
struct Changing(Vec<Vec<IpAddr>>, Arc<AtomicUsize>);

#[async_trait]
impl Names for Changing {
    async fn addresses(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        let turn = self.1.fetch_add(1, Ordering::SeqCst);
        Ok(self.0[turn.min(self.0.len() - 1)].clone())
    }
}

#[tokio::test]
async fn one_bad_address_refuses_all_of_them() {
    let mixed: [fn(&str) -> Vec<IpAddr>; 5] = [
        |_| vec![[8, 8, 8, 8].into(), [10, 0, 0, 1].into()],
        |_| vec![[127, 0, 0, 1].into()],
        |_| vec![[8, 8, 8, 8].into(), "::1".parse().unwrap()],
        |_| vec!["64:ff9b::169.254.169.254".parse().unwrap()],
        |_| vec!["::ffff:127.0.0.1".parse().unwrap()],
    ];
    for names in mixed {
        for local in [false, true] {
            let error = fetcher(names, local).get(new("https://client.example/client.json"), NOW).await.unwrap_err();
            assert!(matches!(error, Error::NotPublic(_)), "{:?}: {error:?}", names(""));
            let nowhere = Error::Unreachable("no such name".into());
            assert_eq!((error.passes(), error.to_string()), (nowhere.passes(), nowhere.to_string()));
        }
    }
    let none = fetcher(|_| Vec::new(), false).get(new("https://client.example/client.json"), NOW).await.unwrap_err();
    assert!(matches!(none, Error::Unreachable(_)), "{none:?}");
    // What says that it is on this computer is there, and nowhere else.
    let elsewhere = fetcher(|_| vec![[127, 0, 0, 1].into(), [8, 8, 8, 8].into()], true);
    let error = elsewhere.get(new("http://localhost:9/client.json"), NOW).await.unwrap_err();
    assert!(matches!(error, Error::NotPublic(_)), "{error:?}");
}

#[tokio::test]
async fn an_address_in_the_place_of_a_name_is_looked_at_too() {
    for host in [
        "10.0.0.1",
        "169.254.169.254",
        "192.168.1.1",
        "[fd00::1]",
        "[::ffff:10.0.0.1]",
        "[64:ff9b::a00:1]",
        "0.0.0.0",
        "[::]",
    ] {
        for local in [false, true] {
            let url = DocumentUrl::parse(&format!("https://{host}/client.json"), local);
            let url = url.map_or_else(|_| format!("https://{host}/client.json"), |url| url.to_string());
            let error = fetcher(here, local).get(new(&url), NOW).await.unwrap_err();
            let refused = matches!(error, Error::Address("is not a public one" | "is not written in its normal form"));
            assert!(refused, "{host}: {error:?}");
        }
    }
    let error = fetcher(here, false).get(new("http://127.0.0.1:9/client.json"), NOW).await.unwrap_err();
    assert!(matches!(error, Error::Address(_)), "{error:?}");
}

/// DNS rebinding: the answer that was checked is the one that is used, and nobody asks a second time.
#[tokio::test]
async fn the_connection_goes_to_the_address_that_was_checked() {
    let (address, requests) =
        host(&["HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"]).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let names = Changing(vec![here(""), vec![[10, 0, 0, 1].into()]], Arc::clone(&asked));
    let fetcher = Fetcher { timeout: Duration::from_millis(500), ..Fetcher::new(Arc::new(names), true) };
    let url = format!("http://localhost:{}/client.json", address.port());
    fetcher.get(new(&url), NOW).await.unwrap();
    assert_eq!((asked.load(Ordering::SeqCst), requests.lock().unwrap().len()), (1, 1));
    // The next fetch looks anew, and is refused.
    assert!(matches!(fetcher.get(new(&url), NOW).await.unwrap_err(), Error::NotPublic(_)));
    assert_eq!(requests.lock().unwrap().len(), 1);
}

/// How many new addresses of one host are asked at one moment.
const AT_A_MOMENT: usize = 45;

#[tokio::test]
async fn addresses_that_are_made_up_keep_out_none_that_comes_again_or_was_good_before() {
    let answer = &["HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"];
    let (address, requests) = host(answer).await;
    let fetcher = fetcher(here, true);
    let get = |path: &str, now: UnixTime| {
        let (fetcher, url) = (&fetcher, format!("http://{address}/{path}"));
        async move { fetcher.get(new(&url), now).await }
    };
    let proved = get("proved", NOW).await.unwrap();
    fetcher.prove(&proved.receipt, NOW);
    let mut turned_away = 0;
    for i in 0..1_000 {
        match get(&i.to_string(), NOW).await {
            Err(Error::Busy) => turned_away += 1,
            // 200 alone proves nothing: this host answers everything with it.
            answer => drop(answer.unwrap()),
        }
    }
    let asked = requests.lock().unwrap().len();
    assert!((AT_A_MOMENT..=AT_A_MOMENT + 1).contains(&asked), "{asked} of {turned_away}");
    assert!(get("proved", NOW).await.is_ok());
    let error = get("real", NOW).await.unwrap_err();
    assert!(matches!(error, Error::Busy) && error.passes(), "{error:?}");
    assert!(get("real", NOW).await.is_ok(), "the second time");
    assert!(fetcher.get(known(&format!("http://{address}/kept")), NOW).await.is_ok(), "its keeper knows it");
    assert!(get("proved", NOW + Duration::from_secs(29 * 86_400)).await.is_ok());
}

#[tokio::test]
async fn another_port_is_the_same_host() {
    let fetcher = fetcher(|_| Vec::new(), false);
    for port in 1..=AT_A_MOMENT {
        let error = fetcher.get(new(&format!("https://client.example:{port}/")), NOW).await.unwrap_err();
        assert!(matches!(error, Error::Address(_)), "{error:?}");
        let error = fetcher.get(new(&format!("https://client.example:{port}/x")), NOW).await.unwrap_err();
        assert!(matches!(error, Error::Unreachable(_)), "{port}: {error:?}");
    }
    let error = fetcher.get(new("https://client.example/x"), NOW).await.unwrap_err();
    assert!(matches!(error, Error::Busy), "{error:?}");
    let error = fetcher.get(new("https://other.example/x"), NOW).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
}

fn connecting(fetcher: &Fetcher, host: &str, path: &str, known: bool) -> Connecting {
    Connecting {
        budget: Arc::clone(&fetcher.addresses),
        host: host.into(),
        url: format!("https://{host}/{path}"),
        known,
        now: NOW,
        charges: Mutex::default(),
    }
}

#[tokio::test]
async fn many_names_that_lead_to_one_address_do_not_turn_jean_against_it() {
    let fetcher = fetcher(|_| vec![[8, 8, 8, 8].into(), [8, 8, 4, 4].into()], false);
    let one = || vec![IpAddr::from([8, 8, 8, 8])];
    let made_up = |i: usize| connecting(&fetcher, &format!("{i}.evil.example"), "x", false).admit(one()).is_ok();
    assert_eq!((0..5_000).filter(|i| made_up(*i)).count(), 10 * AT_A_MOMENT);
    // What is known is asked, and what comes again, and another address of the same name.
    assert!(connecting(&fetcher, "app.example", "x", true).admit(one()).is_ok());
    assert!(connecting(&fetcher, "app.example", "x", false).admit(one()).is_err());
    assert!(connecting(&fetcher, "app.example", "x", false).admit(one()).is_ok());
    let both = vec![[8, 8, 8, 8].into(), [8, 8, 4, 4].into()];
    let admitted = connecting(&fetcher, "two.example", "x", false).admit(both).unwrap();
    assert_eq!(admitted, [IpAddr::from([8, 8, 4, 4])]);
    // A host that answered well at this address is not counted there, whatever else is asked of it.
    let host = connecting(&fetcher, "good.example", "x", false);
    fetcher.addresses.prove(host.host_at(one()[0]).unwrap(), NOW);
    assert!((0..5_000).all(|i| connecting(&fetcher, "good.example", &i.to_string(), false).admit(one()).is_ok()));
}

#[tokio::test]
async fn a_fetch_goes_by_the_budget_of_the_address_that_its_name_leads_to() {
    let fetcher = fetcher(|_| vec![[8, 8, 8, 8].into()], false);
    for i in 0..1_000 {
        let _ = connecting(&fetcher, &format!("{i}.evil.example"), "x", false).admit(vec![[8, 8, 8, 8].into()]);
    }
    for url in ["https://client.example/x", "https://8.8.8.8/x"] {
        let error = fetcher.get(new(url), NOW).await.unwrap_err();
        assert!(matches!(error, Error::Busy), "{url}: {error:?}");
    }
}

#[test]
fn a_network_of_one_customer_counts_as_one_address() {
    let fetcher = fetcher(here, false);
    let admitted = |i: u128| {
        let address = std::net::Ipv6Addr::from_bits((0x2606_4700_u128 << 96) + i);
        connecting(&fetcher, &format!("{i}.evil.example"), "x", false).admit(vec![address.into()]).is_ok()
    };
    assert_eq!((0..5_000).filter(|i| admitted(*i)).count(), 10 * AT_A_MOMENT);
    assert!(admitted(1 << 64), "the next network");
}

/// Slow hosts that strangers name hold all that is there for new addresses.
#[tokio::test]
async fn what_is_known_waits_for_nothing_new() {
    let answer = &["HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"];
    let (address, requests) = host(answer).await;
    let url = format!("http://{address}/client.json");
    let fetcher = fetcher(here, true);
    let held = fetcher.permits.acquire_many(AT_ONCE as u32).await.unwrap();
    let error = fetcher.get(new(&url), NOW).await.unwrap_err();
    assert!(matches!(error, Error::Busy) && requests.lock().unwrap().is_empty(), "{error:?}");
    assert!(fetcher.get(known(&url), NOW).await.is_ok());
    drop(held);
    assert!(fetcher.get(new(&url), NOW).await.is_ok());
}

#[tokio::test]
async fn an_answer_lives_as_long_as_its_headers_say() {
    for (headers, seconds) in [
        ("", 0),
        ("cache-control: max-age=600\r\n", 600),
        ("cache-control: public, max-age=600, s-maxage=1200\r\n", 1200),
        ("cache-control: max-age=600\r\nage: 200\r\n", 400),
        ("cache-control: no-store, max-age=600\r\n", 0),
        ("cache-control: no-cache, max-age=600\r\n", 0),
        ("cache-control: private, max-age=600\r\n", 0),
        ("date: Fri, 15 Jan 2027 08:00:00 GMT\r\nexpires: Fri, 15 Jan 2027 08:10:00 GMT\r\n", 600),
        ("expires: 0\r\n", 0),
        ("cache-control: max-age=nonsense\r\n", 0),
    ] {
        let answer =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{headers}content-length: 2\r\n\r\n{{}}");
        let answer: &'static str = Box::leak(answer.into_boxed_str());
        let fetched = get(Box::leak(Box::new([answer]))).await.unwrap();
        assert_eq!(fetched.lifetime, Duration::from_secs(seconds), "{headers}");
    }
}
