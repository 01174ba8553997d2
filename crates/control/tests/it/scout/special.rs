//! What is no regular file is passed over, and the reason is told.

use super::world::World;
use control::scout::PassedOverReason;
use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

#[tokio::test]
async fn links_pipes_and_sockets_are_passed_over_with_a_reason() {
    let world = World::fresh().await;
    world.plugin("p", &["*"]).await;
    world.write("real/file", "1");
    symlink("nowhere", world.at("dangling")).unwrap();
    symlink("loop_b", world.at("loop_a")).unwrap();
    symlink("loop_a", world.at("loop_b")).unwrap();
    symlink("real/file", world.at("to_file")).unwrap();
    symlink(".", world.at("real/to_itself")).unwrap();
    let (fifo, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR);
    rustix::fs::mknodat(rustix::fs::CWD, world.at("fifo"), fifo, mode, 0).unwrap();
    let _listener = UnixListener::bind(world.at("socket")).unwrap();
    let report = world.pass().await;
    assert_eq!((report.files_seen, report.versions, report.jobs), (1, 1, 1));
    assert_eq!(world.live().await, ["real/file"]);
    let root = world.root().canonicalize().unwrap();
    let name = |path: &[u8]| {
        let path = String::from_utf8(path.to_vec()).unwrap();
        path.strip_prefix(&format!("{}/", root.display())).unwrap().to_owned()
    };
    let reasons: BTreeMap<_, _> =
        report.passed_over.shown.iter().map(|one| (name(&one.path), one.reason)).collect();
    let expected = [
        ("dangling", PassedOverReason::DanglingSymlink),
        ("fifo", PassedOverReason::Fifo),
        ("loop_a", PassedOverReason::LoopingSymlink),
        ("loop_b", PassedOverReason::LoopingSymlink),
        ("real/to_itself", PassedOverReason::Symlink),
        ("socket", PassedOverReason::Socket),
        ("to_file", PassedOverReason::Symlink),
    ];
    assert_eq!(reasons, expected.map(|(name, reason)| (name.to_owned(), reason)).into());
    assert_eq!(report.unreadable.count, 0);
    world.idle_pass().await;
}

#[tokio::test]
async fn a_file_that_became_a_pipe_is_gone() {
    let world = World::fresh().await;
    world.plugin("p", &["*"]).await;
    world.write("a", "1");
    world.pass().await;
    world.remove("a");
    let (fifo, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR);
    rustix::fs::mknodat(rustix::fs::CWD, world.at("a"), fifo, mode, 0).unwrap();
    let report = world.pass().await;
    assert_eq!((report.files_deleted, report.passed_over.count), (1, 1));
}

#[tokio::test]
async fn of_very_many_links_the_first_are_named_and_all_are_counted() {
    let world = World::fresh().await;
    for i in 0..300 {
        symlink("nowhere", world.at(format!("link{i}"))).unwrap();
    }
    let report = world.scan().await;
    assert_eq!((report.passed_over.shown.len(), report.passed_over.count), (100, 300));
}
