//! Plugins as users write them, in real guest processes.

use crate::support::{Rig, read};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use protocol::ConcludeStatus::Success;

pub const EXAMPLE: &str = r#"
# PATTERN: *.csv           <-- makes a RoutingRule
# TOPIC: sales_data        <-- makes a TopicConfig (Parquet by default)
import csv
from casparian_flow.sdk import BasePlugin

class Handler(BasePlugin):
    def execute(self, path):
        with open(path) as file:
            df = list(csv.DictReader(file))
        self.publish("sales_data", df)
"#;

#[test]
fn f01_the_documented_example_stores_its_rows() {
    let mut rig = Rig::new(1);
    let conclude = rig.run(5, EXAMPLE, "a,b\n1,x\n2,y\n", &["sales_data"]);
    assert_eq!(conclude.status, Success, "{conclude:?}");
    assert_eq!((conclude.metrics.rows, conclude.metrics.bytes_in), (2, 12));
    let [file] = &rig.project.files("sales_data")[..] else { panic!("not one file") };
    let [batch] = &read(file)[..] else { panic!("not one batch") };
    let names = batch.schema().fields().iter().map(|f| f.name().clone()).collect::<Vec<_>>();
    assert_eq!(names, ["a", "b", "_job_id", "_file_version_id"]);
    let lineage = |name| batch[name].as_primitive::<Int64Type>().value(1);
    assert_eq!((lineage("_job_id"), lineage("_file_version_id")), (5, 77));
    let receipt = &conclude.artifacts[0];
    assert_eq!((receipt.file.as_deref(), receipt.rows), (Some("part-5.parquet"), 2));
    assert!(rig.project.staged("sales_data").is_empty());
}

#[test]
fn f02_every_job_of_a_warm_guest_reaches_its_topic() {
    let mut rig = Rig::new(1);
    for job in 1..=5 {
        assert_eq!(rig.run(job, EXAMPLE, "a\n1\n", &["sales_data"]).status, Success);
    }
    assert_eq!(rig.project.rows("sales_data"), 5);
    let guests = std::fs::read_dir(rig.project.state().join("scratch/w1")).unwrap();
    assert_eq!(guests.count(), 1, "one guest ran all of them");
}

#[test]
fn f03_whatever_execute_returns_is_stored() {
    let results = [
        "[{'a': 1}, {'a': 2}]",
        "{'a': [1, 2]}",
        "__import__('pyarrow').table({'a': [1, 2]})",
        "__import__('pandas').DataFrame({'a': [1, 2]})",
        "__import__('polars').DataFrame({'a': [1, 2]})",
        "({'a': [n]} for n in (1, 2))",
    ];
    let mut rig = Rig::with_libraries(1);
    for (job, result) in (1..).zip(results) {
        let source = format!(
            "from casparian_flow.sdk import BasePlugin\nclass Handler(BasePlugin):\n    def execute(self, path):\n        return {result}\n"
        );
        let topic = format!("t{job}");
        let conclude = rig.run(job, &source, "x", &[&topic]);
        assert_eq!(
            (conclude.status, conclude.metrics.rows),
            (Success, 2),
            "{result}: {conclude:?}"
        );
        assert_eq!(rig.project.rows(&topic), 2, "{result}");
    }
}

#[test]
fn a_guest_sees_nothing_of_our_environment_and_no_other_descriptor() {
    let source = r#"
import os
from casparian_flow.sdk import BasePlugin
class Handler(BasePlugin):
    def execute(self, path):
        fds = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")]
        odd = [fd for fd in fds if not fd.startswith(("/dev/null", "pipe:", "socket:", path)) and "/proc/" not in fd and "/scratch/" not in fd]
        sockets = sum(fd.startswith("socket:") for fd in fds)
        return [{"env": ",".join(sorted(os.environ)), "odd": ",".join(odd), "sockets": sockets, "group": os.getpgrp() == os.getpid()}]
"#;
    let mut rig = Rig::new(1);
    let conclude = rig.run(1, source, "x", &["t"]);
    assert_eq!(conclude.status, Success, "{conclude:?}");
    let batch = &read(&rig.project.files("t")[0])[0];
    let column = |name| {
        let array = arrow_cast::cast(&batch[name], &arrow_schema::DataType::Utf8).unwrap();
        array.as_string::<i32>().value(0).to_owned()
    };
    let environment = column("env");
    let expected = environment.split(',').all(|name| matches!(name, "PATH" | "LC_CTYPE"));
    assert!(expected, "{environment}");
    assert_eq!(
        (column("odd"), column("sockets"), column("group")),
        (String::new(), "1".to_owned(), "true".to_owned())
    );
}

#[test]
fn what_a_plugin_prints_and_logs_is_in_its_jobs_log() {
    let source = r#"
import sys
from casparian_flow.sdk import BasePlugin
class Handler(BasePlugin):
    def execute(self, path):
        print("printed")
        print("to stderr", file=sys.stderr)
        self.log.warning("logged")
"#;
    let mut rig = Rig::new(1);
    assert_eq!(rig.run(3, source, "x", &["t"]).status, Success);
    let log = rig.project.log_of(3);
    for text in ["printed\n", "to stderr\n", "warning: "] {
        assert!(log.contains(text), "{text:?} in {log:?}");
    }
    rig.run(4, EXAMPLE, "a\n1\n", &["sales_data"]);
    assert_eq!(rig.project.log_of(4), "", "no log without a word");
    assert!(!rig.project.state().join("logs/jobs/4.log").exists());
}

#[test]
fn a_plugin_that_prints_without_end_is_kept_short() {
    let source = r#"
from casparian_flow.sdk import BasePlugin
class Handler(BasePlugin):
    def execute(self, path):
        for _ in range(12):
            print("x" * (1 << 20))
"#;
    let mut rig = Rig::new(1);
    assert_eq!(rig.run(3, source, "x", &["t"]).status, Success);
    let log = rig.project.log_of(3);
    assert!(log.len() < (10 << 20) + 200 && log.contains("bytes were printed and not kept"));
}
