//! A network that is cut, and a catalog that somebody else holds: everybody waits, nobody ends, every row is there once.

use super::project::{Project, until};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const FILES: usize = 60;

/// A cable between workers and Sentinel. While it is cut, nothing arrives and nobody is told.
struct Cable {
    port: u16,
    is_cut: Arc<AtomicBool>,
}

impl Cable {
    fn to(sentinel: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, is_cut) = (listener.local_addr().unwrap().port(), Arc::<AtomicBool>::default());
        let (cut, sentinel) = (Arc::clone(&is_cut), sentinel.to_owned());
        std::thread::spawn(move || {
            for worker in listener.incoming().map_while(Result::ok) {
                let Ok(sentinel) = TcpStream::connect(&sentinel) else { continue };
                let ends = (worker.try_clone().unwrap(), sentinel.try_clone().unwrap());
                forward(worker, sentinel, Arc::clone(&cut));
                forward(ends.1, ends.0, Arc::clone(&cut));
            }
        });
        Self { port, is_cut }
    }

    fn cut(&self, is_cut: bool) {
        self.is_cut.store(is_cut, Ordering::SeqCst);
    }
}

/// What is read while the cable is cut stays in the hand until it is whole again.
fn forward(mut from: TcpStream, mut to: TcpStream, is_cut: Arc<AtomicBool>) {
    std::thread::spawn(move || {
        let mut buffer = [0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            while is_cut.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(5));
            }
            if to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}

fn with_files() -> Project {
    let project = Project::with_orders();
    let slowly = "import time\n            time.sleep(0.05)\n            return list";
    let source = super::project::ORDERS.replace("return list", slowly);
    project.write("plugins/orders.py", source);
    project.write("casparian.toml", "[[sources]]\npath = \"data\"\nsettle = \"0s\"\n");
    (0..FILES).for_each(|i| project.write(&format!("data/{i}.csv"), format!("x\n{i:03}\n")));
    project
}

#[track_caller]
fn all_is_there_once(project: &Project) {
    let completed = || {
        let status = project.casparian(&["status", "--json"]);
        status.code == 0 && status.json()["jobs"]["COMPLETED"] == FILES
    };
    until("everything is done", completed);
    let expected = (0..FILES).map(|i| format!("{i:03}")).collect::<Vec<_>>();
    assert_eq!(project.column("orders", "x"), expected);
    assert_eq!(project.casparian(&["verify"]).code, 0);
}

#[test]
fn a_cable_that_is_cut_for_longer_than_a_lease_loses_and_doubles_no_row() {
    let project = with_files();
    // A port that is free now: another test that takes it in between is told apart by its project.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let lease = [("CASPARIAN_SENTINEL_LEASE", "1s")];
    let _sentinel =
        project.start_with(&["sentinel", "--bind", &format!("tcp://{address}")], &lease);
    until("the Sentinel listens", || TcpStream::connect(&address).is_ok());
    let cable = Cable::to(&address);
    let connect = format!("tcp://127.0.0.1:{}", cable.port);
    let workers =
        [(); 2].map(|()| project.start(&["worker", "--connect", &connect, "--slots", "1"]));
    let _scout = project.start(&["scout"]);
    for rows in [5, 20, 35] {
        until("some rows are there", || project.column("orders", "x").len() >= rows);
        cable.cut(true);
        std::thread::sleep(Duration::from_millis(2_500));
        cable.cut(false);
    }
    all_is_there_once(&project);
    assert!(workers.iter().all(|worker| worker.state() != 'Z'), "no worker gave up");
}

#[test]
fn a_catalog_that_somebody_else_holds_is_waited_for_while_readers_go_on() {
    let project = with_files();
    let serve = project.start(&["serve", "--bind", &project.address()]);
    until("some rows are there", || project.column("orders", "x").len() >= 5);
    let hold =
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
c.execute('BEGIN EXCLUSIVE'); print('held', flush=True); sys.stdin.read()";
    let mut holder = Command::new(super::project::python());
    let holder = holder.args(["-c", hold]).arg(project.path(".casparian/catalog.db"));
    let mut holder = holder.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    holder.stdout.as_mut().unwrap().read_exact(&mut [0; 4]).unwrap();
    // Nothing for the plugin, and something to write down.
    project.write("data/late.txt", "late");
    let run = project.command(&["run"]).spawn().unwrap();
    let before = project.json(&["status"])["jobs"].clone();
    let log = || std::fs::read_to_string(project.path("serve.log")).unwrap();
    until("it says what it waits for", || log().contains("the catalog is busy"));
    assert_eq!(project.json(&["status"])["jobs"], before, "reads are answered meanwhile");
    drop(holder.stdin.take());
    holder.wait().unwrap();
    let run = super::project::Outcome::from(run.wait_with_output().unwrap());
    assert_eq!(run.code, 0, "a run waits, too: {}", run.stderr);
    all_is_there_once(&project);
    assert_ne!(serve.state(), 'Z', "it never ended");
}
