//! The program itself: its command line, its start, its end, and its files.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

const REFERENCE: &str = include_str!("../../../jean.toml");

/// The program in this folder, with none of the tests' own environment.
fn jean(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jean"));
    command.env_clear().env("RUST_BACKTRACE", "0").current_dir(folder).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// An empty folder with this jean.toml.
fn folder(config: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("jean.toml"), config).expect("jean.toml");
    folder
}

fn output(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("jean runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

/// The shipped jean.toml on free ports.
struct Server {
    child: Child,
    out: BufReader<ChildStdout>,
    /// What it printed before it was ready for requests.
    told: String,
    port: u16,
    dev: u16,
    log: PathBuf,
}

impl Server {
    fn start(folder: &Path) -> Self {
        Self::start_with(folder, &[])
    }

    fn start_with(folder: &Path, environment: &[(&str, &str)]) -> Self {
        let mut server = Self::begin(folder, environment);
        server.wait_until_started();
        server
    }

    /// Begins to start.
    fn begin(folder: &Path, environment: &[(&str, &str)]) -> Self {
        let (port, dev) = (free_port(), free_port());
        let mut command = on_ports(folder, port, dev);
        let log = folder.join("jean.log");
        command.envs(environment.iter().copied()).stderr(fs::File::create(&log).expect("a log"));
        let mut child = command.spawn().expect("jean runs");
        let out = BufReader::new(child.stdout.take().expect("its output"));
        Server { child, out, told: String::new(), port, dev, log }
    }

    fn wait_until_started(&mut self) {
        while !self.told.contains("data is in") {
            let read = self.out.read_line(&mut self.told).expect("a line");
            assert_ne!(read, 0, "it ended early: {}", self.told);
        }
    }

    /// What it logged so far.
    fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("its log")
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().expect("kill runs").success());
    }

    /// The exit status, at most ten seconds later, and what it printed to the end.
    fn end(&mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).expect("its output");
        for _ in 0..200 {
            if let Some(status) = self.child.try_wait().expect("its status") {
                return (status.code(), rest);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("it does not end");
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("jean listens");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        stream
    }

    fn get(&self, path: &str) -> String {
        let host = format!("localhost:{}", self.port);
        self.exchange(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"))
    }

    fn exchange(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    fn register(&self) -> Value {
        let body = r#"{"client_name":"Kept","redirect_uris":["https://client.example/callback"],"token_endpoint_auth_method":"none"}"#;
        let answer = self.exchange(&format!(
            "POST /oauth/register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ));
        body_of(&answer)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn on_ports(folder: &Path, port: u16, dev: u16) -> Command {
    let mut command = jean(folder);
    command
        .env("JEAN_LISTEN", format!("127.0.0.1:{port}"))
        .env("JEAN_PUBLIC_URL", format!("http://localhost:{port}"))
        .env("JEAN_UPSTREAM__DEV__PORT", dev.to_string());
    command
}

fn body_of(answer: &str) -> Value {
    let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer}"));
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

#[test]
fn the_reference_is_printed_byte_for_byte() {
    let empty = tempfile::tempdir().expect("a folder");
    let (status, out, err) = output(jean(empty.path()).arg("config"));
    assert_eq!((status, err.as_str()), (Some(0), ""));
    assert!(out == REFERENCE, "jean config differs from jean.toml");
    assert_eq!(fs::read_dir(empty.path()).expect("the folder").count(), 0, "nothing is created");
}

#[test]
fn a_sound_configuration_is_summed_up_and_nothing_is_created() {
    let folder = folder(REFERENCE);
    let (status, out, err) = output(jean(folder.path()).arg("check"));
    assert_eq!((status, err.as_str()), (Some(0), ""));
    assert!(out.starts_with("jean.toml is fine:\n"), "{out}");
    assert!(out.contains("http://localhost:8080/mcp (scopes: read write)"), "{out}");
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1, "jean.toml alone");
    let (status, out, _) = output(jean(folder.path()).args(["check", "--config", "jean.toml"]));
    assert_eq!((status, out.starts_with("jean.toml is fine")), (Some(0), true));
}

/// The lines of a text that contain a word.
fn lines_with<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    text.lines().filter(|line| line.contains(word)).collect()
}

#[test]
fn check_and_the_log_of_a_start_tell_of_a_door_that_is_open_to_everyone_in_one_line_each() {
    let tables = "[upstream.dev]\n[upstream.auth0]\ndomain = \"auth0.invalid\"\nclient_id = \"x\"\n\
                  [mcp.default]\nscopes = { read = \"Read\", write = \"Write\" }\n";
    for (access, lines) in [("", 1), ("[access]\neveryone = true\n", 0)] {
        let folder = folder(&format!("{tables}{access}"));
        let (status, out, err) = output(jean(folder.path()).arg("check"));
        assert_eq!((status, err.as_str()), (Some(0), ""), "a warning is no problem");
        let told = lines_with(&out, "so everyone who signs in with Auth0 may come in");
        assert_eq!(told.len(), lines, "{out}");
        assert!(told.iter().all(|line| line.starts_with("warning: access: ")), "{out}");
        let told = lines_with(&out, "jean does not enforce the difference between read, write");
        assert_eq!(told.len(), 1, "{out}");
        assert!(told[0].starts_with("warning: mcp.default.scopes: "), "{out}");

        let log = Server::start(folder.path()).log();
        let told = lines_with(&log, "so everyone who signs in with Auth0 may come in");
        assert_eq!(told.len(), lines, "{log}");
        assert!(told.iter().all(|line| line.contains(" WARN ")), "{log}");
        assert_eq!(lines_with(&log, "enforces the difference"), [""; 0], "only check tells that");
    }
}

#[test]
fn what_a_platform_sets_for_a_service_named_jean_is_ignored_with_one_line_in_the_log() {
    let folder = folder(REFERENCE);
    let injected =
        [("JEAN_SERVICE_HOST", "10.0.0.1"), ("JEAN_PORT", "tcp://10.0.0.1:8080"), ("JEAN_SERVICE_PORT", "1")];
    let log = Server::start_with(folder.path(), &injected).log();
    let told = lines_with(&log, "JEAN_SERVICE_HOST");
    assert_eq!(told.len(), 1, "{log}");
    assert!(told[0].contains(" INFO ") && told[0].contains("JEAN_PORT, JEAN_SERVICE_HOST, JEAN_SERVICE_PORT"), "{log}");
    for (name, value) in [("JEAN_BIN", "/usr/bin/jean"), ("JEAN_HOME", "/home/jean"), ("JEAN_NAME", "/web/jean")] {
        let (status, _, err) = output(jean(folder.path()).arg("check").env(name, value));
        assert_eq!(status, Some(2), "{name}");
        assert!(err.contains(&format!("environment {name}: ")) && err.contains(&format!("unset {name}")), "{err}");
    }
}

#[test]
fn a_list_of_people_in_an_empty_variable_opens_no_door() {
    let folder = folder(REFERENCE);
    for name in ["JEAN_ACCESS__EMAILS", "JEAN_ACCESS__EMAIL_DOMAINS"] {
        let (status, _, err) = output(jean(folder.path()).arg("check").env(name, ""));
        assert_eq!(status, Some(2), "{name}");
        assert!(err.contains(&format!("environment {name}: ")) && err.contains("lets nobody in"), "{err}");
    }
    assert_eq!(output(jean(folder.path()).arg("check").env("JEAN_SECRET", "")).0, Some(0));
}

#[test]
fn all_problems_of_the_configuration_are_told_at_once_with_their_places() {
    let folder =
        folder("public_url = \"http://example.com\"\n[tokens]\nacces_lifetime = \"1h\"\ncode_lifetime = \"soon\"\n");
    for arguments in [&["check"][..], &["serve"], &[]] {
        let mut command = jean(folder.path());
        let (status, out, err) = output(command.args(arguments).env("JEAN_LISTEN", "here"));
        assert_eq!((status, out.as_str()), (Some(2), ""), "{arguments:?}: {err}");
        let places: Vec<&str> = err.lines().filter_map(|line| line.split(": ").next()).collect();
        assert_eq!(places[..3], ["jean.toml:1:14", "jean.toml:3:1", "jean.toml:4:17"], "{err}");
        assert!(err.contains("environment JEAN_LISTEN: listen = \"here\": "), "{err}");
        assert!(err.contains("did you mean access_lifetime?"), "{err}");
        assert!(!err.contains("panicked") && !err.contains("Error {"), "{err}");
    }
    let (status, _, err) = output(jean(folder.path()).args(["check", "--config", "elsewhere.toml"]));
    assert_eq!(status, Some(2));
    assert!(err.contains("elsewhere.toml: cannot be read") && err.contains("jean config > elsewhere.toml"), "{err}");
    assert_eq!(output(jean(folder.path()).arg("no-such-command")).0, Some(2));
}

#[test]
fn the_shipped_configuration_runs_in_an_empty_folder_and_tells_what_to_do() {
    let folder = folder(REFERENCE);
    let mut server = Server::start(folder.path());
    let data = folder.path().canonicalize().expect("the folder").join("jean.db");
    for expected in [
        format!("http://localhost:{}/mcp", server.port),
        format!("dev (http://127.0.0.1:{})", server.dev),
        data.display().to_string(),
    ] {
        assert!(server.told.contains(&expected), "{expected}: {}", server.told);
    }
    assert!(server.get("/healthz").ends_with("\r\n\r\nok\n"));
    let page = server.get("/mcp");
    assert!(page.starts_with("HTTP/1.1 401 "), "{page}");
    for file in ["jean.db", "jean.secret"] {
        let mode = fs::metadata(folder.path().join(file)).expect(file).permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{file} is for its owner alone");
    }
    for file in fs::read_dir(folder.path()).expect("the folder").map(|file| file.expect("a file")) {
        let name = file.file_name().into_string().expect("a name");
        let mode = file.metadata().expect("its mode").permissions().mode() & 0o777;
        assert!(name == "jean.toml" || name == "jean.log" || mode == 0o600, "{name} has mode {mode:o}");
    }
    server.signal("TERM");
    assert_eq!(server.end(), (Some(0), String::new()));
}

/// A client's document comes from the very address that was checked; a proxy of the environment would connect to one that
/// nobody looked at (CIMD draft, section 8.6).
#[test]
fn a_document_is_asked_for_past_the_environment_s_proxy() {
    let (site, proxy) = (TcpListener::bind("127.0.0.1:0"), TcpListener::bind("127.0.0.1:0"));
    let (site, proxy) = (site.expect("a site"), proxy.expect("a proxy"));
    let site_port = site.local_addr().expect("its address").port();
    let url = format!("http://{}", proxy.local_addr().expect("its address"));
    let names = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
    let folder = folder(REFERENCE);
    let server = Server::start_with(folder.path(), &names.map(|name| (name, url.as_str())));

    std::thread::spawn(move || {
        let (mut connection, _) = site.accept().expect("somebody asks");
        let document = serde_json::json!({
            "client_id": format!("http://127.0.0.1:{site_port}/client.json"),
            "client_name": "Asked for directly",
            "redirect_uris": ["https://client.example/callback"],
        });
        let (document, _) = (document.to_string(), connection.read(&mut [0; 4096]));
        let length = document.len();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
        connection.write_all((head + &document).as_bytes()).expect("it is told");
    });
    let (id, challenge) = (format!("http://127.0.0.1:{site_port}/client.json"), "A".repeat(43));
    let page = server.get(&format!(
        "/oauth/authorize?client_id={id}&response_type=code&code_challenge={challenge}&code_challenge_method=S256"
    ));
    assert!(page.starts_with("HTTP/1.1 200 ") && page.contains("Asked for directly"), "{page}");
}

#[test]
fn a_second_start_on_the_same_files_keeps_keys_and_clients() {
    let folder = folder(REFERENCE);
    let mut first = Server::start(folder.path());
    let jwks = body_of(&first.get("/oauth/jwks"));
    let client = first.register();
    let id = client["client_id"].as_str().expect("a client").to_owned();
    let secret = fs::read_to_string(folder.path().join("jean.secret")).expect("the secret");
    first.signal("INT");
    assert_eq!(first.end().0, Some(0), "Ctrl-C is a good end");

    let second = Server::start(folder.path());
    assert_eq!(body_of(&second.get("/oauth/jwks")), jwks);
    assert_eq!(fs::read_to_string(folder.path().join("jean.secret")).expect("the secret"), secret);
    let authorize = |id: &str| {
        let challenge = "A".repeat(43);
        second.get(&format!("/oauth/authorize?client_id={id}&response_type=code&redirect_uri=https://client.example/callback&code_challenge={challenge}&code_challenge_method=S256"))
    };
    assert!(authorize(&id).starts_with("HTTP/1.1 200 "), "the client is known");
    assert!(authorize("unknown").starts_with("HTTP/1.1 400 "), "another one is not");
}

#[test]
fn a_running_request_ends_before_the_program_does() {
    for signal in ["TERM", "INT"] {
        let folder = folder(REFERENCE);
        let mut server = Server::start(folder.path());
        let body = "grant_type=authorization_code&code=x&client_id=x";
        let mut stream = server.connect();
        let head = format!(
            "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(format!("{head}{}", &body[..10]).as_bytes()).expect("half of it");
        // The half has to be there before the signal is.
        std::thread::sleep(Duration::from_millis(300));
        server.signal(signal);
        std::thread::sleep(Duration::from_millis(300));
        assert!(server.child.try_wait().expect("its status").is_none(), "{signal}: it waits");
        stream.write_all(&body.as_bytes()[10..]).expect("the rest");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 401 ") && answer.contains("invalid_client"), "{signal}: {answer}");
        assert_eq!(server.end().0, Some(0), "{signal}");
        assert!(TcpStream::connect(("127.0.0.1", server.port)).is_err(), "{signal}: nobody listens");
    }
}

/// A probe is told to wait, also while another process brings the database up to date.
#[test]
fn while_the_program_starts_every_answer_is_503() {
    let folder = folder(REFERENCE);
    let held = fs::File::create(folder.path().join("jean.db.lock")).expect("the lock of the migrations");
    held.lock().expect("it is free");
    let mut server = Server::begin(folder.path(), &[]);
    let listens = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        TcpStream::connect(("127.0.0.1", server.port)).is_ok()
    });
    assert!(listens, "{}", server.log());
    for path in ["/readyz", "/healthz", "/oauth/jwks"] {
        let answer = server.get(path);
        assert!(answer.starts_with("HTTP/1.1 503 "), "{path}: {answer}");
        assert!(answer.ends_with("\r\n\r\nnot ready: this server is starting\n"), "{path}: {answer}");
    }
    // A connection that is kept alive does not stay with the one that only waits.
    let mut kept = server.connect();
    let request = format!("GET /readyz HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", server.port);
    kept.write_all(request.as_bytes()).expect("a request");
    let mut answer = String::new();
    kept.read_to_string(&mut answer).expect("the connection is closed");
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("connection: close"), "{answer}");

    held.unlock().expect("it is held");
    server.wait_until_started();
    let answer = server.get("/readyz");
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\nready\n"), "{answer}");
}

#[test]
fn while_the_program_stops_it_is_not_ready() {
    let folder = folder(REFERENCE);
    let mut server = Server::start(folder.path());
    let mut stream = server.connect();
    let head = format!("GET /readyz HTTP/1.1\r\nHost: localhost:{}\r\n", server.port);
    stream.write_all(head.as_bytes()).expect("half of it");
    std::thread::sleep(Duration::from_millis(300));
    server.signal("TERM");
    std::thread::sleep(Duration::from_millis(300));
    stream.write_all(b"\r\n").expect("the rest");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.ends_with("not ready: this server is being stopped\n"), "{answer}");
    assert_eq!(server.end().0, Some(0));
}

#[test]
fn a_log_filter_that_cannot_be_read_is_told_and_the_default_holds() {
    for bad in ["jean=inof", "verbose"] {
        let folder = folder(REFERENCE);
        let server = Server::start_with(folder.path(), &[("JEAN_LOG", bad)]);
        let log = server.log();
        let told = lines_with(&log, "JEAN_LOG cannot be read");
        assert!(told.len() == 1 && told[0].contains(" WARN "), "{log}");
        assert!(log.contains("a signing key was added"), "{bad}: what is info by default is there: {log}");
    }
}

/// A client that never finishes must not keep a deployment from ending.
#[test]
#[expect(clippy::disallowed_methods, reason = "another process's patience is measured")]
fn a_request_that_never_ends_does_not_hold_the_program() {
    let folder = folder(REFERENCE);
    let mut server = Server::start(folder.path());
    let mut stream = server.connect();
    stream.write_all(b"POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n").expect("a request");
    std::thread::sleep(Duration::from_millis(200));
    let told = Instant::now();
    server.signal("TERM");
    assert_eq!(server.end().0, Some(0));
    assert!(told.elapsed() < Duration::from_secs(8), "{:?}", told.elapsed());
}

#[test]
fn a_port_that_is_taken_is_named_with_the_key_to_change() {
    let folder = folder(REFERENCE);
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port();
    let (status, out, err) = output(&mut on_ports(folder.path(), port, free_port()));
    assert_eq!((status, out.as_str()), (Some(1), ""), "{err}");
    assert!(err.contains(&format!("cannot listen on 127.0.0.1:{port}")) && err.contains("JEAN_LISTEN"), "{err}");
    assert!(err.contains("in use"), "why: {err}");

    let (status, out, err) = output(&mut on_ports(folder.path(), free_port(), port));
    assert_eq!((status, out.as_str()), (Some(1), ""), "{err}");
    assert!(err.contains(&format!("the dev upstream cannot listen on 127.0.0.1:{port}")), "{err}");
    assert!(err.contains("`port` in [upstream.dev]"), "{err}");
}

#[test]
fn a_database_that_cannot_be_used_is_named() {
    let folder = folder(REFERENCE);
    fs::create_dir(folder.path().join("a-folder.db")).expect("a folder");
    fs::write(folder.path().join("a-file"), "x").expect("a file");
    fs::write(folder.path().join("no-database.db"), "this is no database, however long it may be ".repeat(50))
        .expect("a file");
    for (database, named) in [
        ("sqlite://a-folder.db", "a-folder"),
        ("sqlite://a-file/jean.db", "a-file"),
        ("sqlite://no-database.db", "database"),
    ] {
        let mut command = on_ports(folder.path(), free_port(), free_port());
        let (status, out, err) = output(command.env("JEAN_DATABASE", database));
        assert_eq!((status, out.as_str()), (Some(1), ""), "{database}: {err}");
        let told = err.lines().last().unwrap_or_default();
        assert!(told.starts_with("jean: ") && told.contains(named), "{database}: {err}");
        assert!(!err.contains("panicked"), "{database}: {err}");
    }
}

/// It is about the version, not about what is configured: nothing of an operator's is read or written.
#[test]
fn the_conformance_report_is_printed_and_leaves_nothing_behind() {
    let folder = folder("this is no configuration");
    let temporary = tempfile::tempdir().expect("a folder");
    let mut command = jean(folder.path());
    command.env("TMPDIR", temporary.path()).env("JEAN_DATABASE", "postgres://nobody.example/jean").arg("conformance");
    let (status, out, err) = output(&mut command);
    assert_eq!((status, err.as_str()), (Some(0), ""), "{out}");
    assert!(out.starts_with(&format!("jean {}: ", env!("CARGO_PKG_VERSION"))), "{out}");
    assert!(out.contains("\nRFC 7636  Proof Key for Code Exchange (MCP since 2025-03-26)\n  ok "), "{out}");
    assert!(out.contains("\nMCP 2026-07-28  "), "{out}");
    assert!(!out.contains('\u{1b}'), "colours, though nobody looks");
    let long = out.lines().find(|line| line.chars().count() > 80);
    assert_eq!(long, None);

    let (status, out, _) = output(command.arg("--json"));
    let report: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"));
    assert_eq!(
        (status, &report["version"], &report["failed"]),
        (Some(0), &env!("CARGO_PKG_VERSION").into(), &0.into())
    );
    assert_eq!(report["requirements"].as_u64(), report["findings"].as_array().map(|all| all.len() as u64));
    assert_eq!(fs::read_dir(temporary.path()).expect("the folder").count(), 0, "files are left");
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1, "files are left");
}
