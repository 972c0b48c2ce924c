//! The program, whose memory and descriptors can be looked at from outside.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use crate::support::running::{Place, Program, provider, this_build};

/// Starts the program in this place, with this line in its `[limits]`.
fn start(place: &Place, limits: &str) -> Program {
    let path = place.folder.path().join("jean.toml");
    let config = fs::read_to_string(&path).expect("jean.toml");
    fs::write(&path, format!("{config}[limits]\n{limits}\n")).expect("jean.toml");
    place.start(&[this_build(), "serve"])
}

/// The resident memory of a process in bytes.
fn memory(program: &Program) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", program.child.id())).expect("its status");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    let kilobytes: u64 = resident.trim().trim_end_matches("kB").trim().parse().expect("a number");
    kilobytes * 1024
}

fn descriptors(program: &Program) -> u64 {
    fs::read_dir(format!("/proc/{}/fd", program.child.id())).expect("its descriptors").count() as u64
}

fn connect(program: &Program) -> TcpStream {
    let stream = TcpStream::connect(program.address).expect("the program listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    stream
}

/// Whether a GET on this connection is answered with 200, and nothing else comes.
fn is_served(stream: &mut TcpStream) -> bool {
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut answer = [0; 4096];
    if stream.write_all(request).is_err() {
        return false;
    }
    let read = stream.read(&mut answer).unwrap_or(0);
    answer[..read].starts_with(b"HTTP/1.1 200 ")
}

/// Waits until the log has this text.
fn wait_for_log(folder: &Path, text: &str) {
    for _ in 0..400 {
        let log = fs::read_to_string(folder.join("jean.log")).expect("a log");
        if log.contains(text) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the log never says {text:?}");
}

#[tokio::test]
async fn five_thousand_idle_connections_cost_little_and_others_are_served_meanwhile() {
    const IDLE: usize = 5000;
    jean::listen::raise_descriptor_limit();
    let place = Place::new(&provider().await, None);
    let program = start(&place, "connections = 8192");
    let mut idle: Vec<TcpStream> = (0..200).map(|_| connect(&program)).collect();
    assert!(idle.iter_mut().all(is_served));
    let before = memory(&program);
    for _ in 0..IDLE {
        let mut stream = connect(&program);
        assert!(is_served(&mut stream), "connection {}", idle.len());
        idle.push(stream);
    }
    let each = memory(&program).saturating_sub(before) / IDLE as u64;
    assert!(descriptors(&program) > IDLE as u64, "all are open");
    assert!(each < 16 * 1024, "{each} bytes for each idle connection");
    assert!(is_served(&mut connect(&program)));
    assert!(idle.iter_mut().rev().step_by(100).all(is_served), "those that idled are served too");
}

#[tokio::test]
async fn a_program_that_runs_out_of_descriptors_says_so_and_goes_on() {
    let place = Place::new(&provider().await, None);
    let program = start(&place, "keep_alive = \"130s\"");
    let mut kept = connect(&program);
    assert!(is_served(&mut kept));
    // Lowered behind its back, as if something else in the process had taken the descriptors.
    let pid = Pid::from_child(&program.child);
    let low = Rlimit { current: Some(descriptors(&program) + 20), maximum: getrlimit(Resource::Nofile).maximum };
    let before = prlimit(Some(pid), Resource::Nofile, low).expect("a limit");
    let silent: Vec<TcpStream> = (0..60).map(|_| connect(&program)).collect();
    wait_for_log(place.folder.path(), "connections cannot be accepted");
    assert!(is_served(&mut connect(&program)), "the longest waiting ones give way");
    drop(silent);
    prlimit(Some(pid), Resource::Nofile, before).expect("the limit of before");
    assert!((0..60).all(|_| is_served(&mut connect(&program))));
}

/// A descriptor limit that an operator set is kept to, and told.
#[tokio::test]
async fn a_low_limit_of_descriptors_bounds_the_connections_and_is_told() {
    let place = Place::new(&provider().await, None);
    let command = format!("ulimit -n 200 && exec {} serve \"$@\"", this_build());
    let program = place.start(&["sh", "-c", &command, "sh"]);
    wait_for_log(place.folder.path(), "at most 72 connections, and not 4096 as limits.connections says");
    let mut half_heads = Vec::new();
    for _ in 0..300 {
        let mut stream = connect(&program);
        // It may have to give way at once.
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: ");
        half_heads.push(stream);
    }
    assert!(is_served(&mut connect(&program)), "half heads give way to others");
    assert!(descriptors(&program) < 200);
    let log = fs::read_to_string(place.folder.path().join("jean.log")).expect("a log");
    assert!(!log.contains("cannot be accepted"), "{log}");
}
