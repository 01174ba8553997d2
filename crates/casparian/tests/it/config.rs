//! Settings: which of them is in force, and what is said of wrong ones.

use super::project::{Outcome, Project};
use serde_json::Value;

/// Value and origin of a setting, as `doctor` shows it.
#[track_caller]
fn in_force(outcome: &Outcome, key: &str) -> (String, String) {
    let document = outcome.json();
    let settings = document["settings"].as_array().unwrap();
    let setting = settings.iter().find(|setting| setting["key"] == key).unwrap();
    let text = |name: &str| setting[name].as_str().unwrap().to_owned();
    (text("value"), text("origin"))
}

#[test]
fn a_flag_beats_the_environment_beats_the_file_beats_the_default() {
    let project = Project::new();
    let doctor = |variable: Option<&str>, flag: Option<&str>| {
        let mut command = project.command(&["doctor", "--json"]);
        command.envs(variable.map(|value| ("CASPARIAN_OUTPUT", value)));
        command.args(flag.map(|value| format!("--output={value}")));
        let (value, origin) = in_force(&Outcome::of(command), "output");
        (value.rsplit('/').next().unwrap().to_owned(), origin)
    };
    let pair = |value: &str, origin: &str| (value.to_owned(), origin.to_owned());
    assert_eq!(doctor(None, None), pair("lake", "default"));
    project.write("casparian.toml", "# one\noutput = \"of_file\"\n");
    assert_eq!(doctor(None, None), pair("of_file", "casparian.toml:2"));
    assert_eq!(doctor(Some("of_variable"), None), pair("of_variable", "CASPARIAN_OUTPUT"));
    assert_eq!(doctor(Some("of_variable"), Some("of_flag")), pair("of_flag", "--output"));
}

#[test]
fn every_key_of_the_design_is_accepted() {
    let project = Project::new();
    project.write(
        "casparian.toml",
        r#"
[[sources]]
path = "data"
ignore = ["*.bak"]
settle = "500ms"
[[rules]]
pattern = "*.csv"
tag = "finance"
[plugins.orders]
delimiter = ";"
since = 2024-01-31
[plugins.orders.limits]
priority = 5
timeout = "30s"
memory = "512MB"
retries = 1
[topics.orders]
uri = "@warehouse"
options = "history=all"
[sinks.warehouse]
uri = "parquet://warehouse"
credentials = "hunter2"
[python]
interpreter = "python3"
[sentinel]
bind = "tcp://127.0.0.1:5556"
lease = "10s"
heartbeat = "1s"
[worker]
connect = ["tcp://127.0.0.1:5556", "tcp://127.0.0.1:5557"]
sentinel_key = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
slots = 3
[scout]
hash = "all"
sweep = "10m"
[security]
keys = "keys"
gatekeeper = "deny"
sandbox = "strict"
require_signature = false
[llm]
base_url = "http://localhost:1/v1"
model = "m"
api_key = "hunter2"
"#,
    );
    let outcome = project.casparian(&["doctor", "--json"]);
    assert_eq!(in_force(&outcome, "sentinel.lease"), ("10s".into(), "casparian.toml:27".into()));
    assert_eq!(in_force(&outcome, "worker.slots").0, "3");
    assert_eq!(in_force(&outcome, "llm.api_key").0, "(set, not shown)");
    let text = project.casparian(&["doctor"]);
    for output in [&outcome.stdout, &text.stdout, &text.stderr] {
        assert!(!output.contains("hunter2"), "{output}");
    }
}

#[test]
fn doctor_says_honestly_that_there_is_no_sandbox_yet() {
    let outcome = Project::new().casparian(&["doctor"]);
    assert!(outcome.stdout.contains("no sandbox and no gatekeeper"), "{}", outcome.stdout);
}

#[track_caller]
fn refused(text: &str) -> String {
    let project = Project::new();
    project.write("casparian.toml", text);
    let outcome = project.casparian(&["status"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{}", outcome.stderr);
    let root = std::fs::canonicalize(project.path(".")).unwrap();
    outcome.stderr.replace(root.to_str().unwrap(), "[project]")
}

#[test]
fn what_is_wrong_in_the_file_is_told_with_line_and_nearest_key() {
    let texts = [
        "[sentinel]\n\nleese = \"2s\"\n",
        "[sentinal]\n",
        "[worker]\ncolour = 1\n",
        "[worker]\nslots = \"many\"\n",
        "[worker]\nslots = 0\n",
        "[sentinel]\nlease = \"2\"\n",
        "[sentinel]\nlease = \"2s\"\nheartbeat = \"3s\"\n",
        "[security]\nsandbox = \"no\"\n",
        "[sentinel]\nbind = \"0.0.0.0:5555\"\n",
        "[worker]\nconnect = [\"tcp://127.0.0.1:1\", \"here\"]\n",
        "[worker]\nsentinel_key = \"short\"\n",
        "[[sources]]\nignore = []\n",
        "[[rules]]\npattern = \"[\"\ntag = \"x\"\n",
        "[[rules]]\npattern = \"*\"\ntag = \"a b\"\n",
        "[topics.a]\nuri = \"@b\"\n",
        "[topics.a]\nuri = \"parquet://../x\"\n",
        "[plugins.a.limits]\nmemry = \"1GB\"\n",
        "output = \"s3://bucket\"\n",
        "a = [\n",
    ];
    let all = texts.map(|text| format!("{}\n{}", text.trim_end(), refused(text)));
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn a_misspelled_variable_is_refused_by_every_command() {
    let project = Project::new();
    for arguments in [&["status"][..], &["doctor"], &["run", "."]] {
        let mut command = project.command(arguments);
        command.env("CASPARIAN_SENTINEL_LEESE", "2s");
        let outcome = Outcome::of(command);
        assert_eq!(outcome.code, 2);
        assert!(
            outcome.stderr.contains("did you mean CASPARIAN_SENTINEL_LEASE?"),
            "{}",
            outcome.stderr
        );
    }
}

#[test]
fn a_wrong_variable_is_named() {
    let project = Project::new();
    let mut command = project.command(&["doctor"]);
    command.env("CASPARIAN_SENTINEL_LEASE", "soon");
    let outcome = Outcome::of(command);
    assert_eq!(outcome.code, 2);
    assert!(
        outcome.stderr.starts_with("error: CASPARIAN_SENTINEL_LEASE: 'soon' is not"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_project_is_found_from_below_by_flag_and_by_variable() {
    let project = Project::new();
    project.write("casparian.toml", "");
    project.write("deep/down/x", "");
    let root = std::fs::canonicalize(project.path(".")).unwrap();
    let found = |outcome: &Outcome| -> Value { outcome.json()["project"].clone() };
    let mut below = project.command(&["doctor", "--json"]);
    below.current_dir(project.path("deep/down"));
    assert_eq!(found(&Outcome::of(below)), root.to_str().unwrap());
    let elsewhere = Project::new();
    let flag = elsewhere.casparian(&["doctor", "--json", "--project", root.to_str().unwrap()]);
    assert_eq!(found(&flag), root.to_str().unwrap());
    let mut variable = elsewhere.command(&["doctor", "--json"]);
    variable.env("CASPARIAN_PROJECT", &root);
    assert_eq!(found(&Outcome::of(variable)), root.to_str().unwrap());
}

#[test]
fn who_asks_for_a_wall_that_is_not_there_is_not_run_without_it() {
    for (variable, value) in
        [("CASPARIAN_SECURITY_SANDBOX", "strict"), ("CASPARIAN_SECURITY_REQUIRE_SIGNATURE", "true")]
    {
        let project = Project::with_orders();
        project.write("data/a.csv", "x\n1\n");
        let mut command = project.command(&["run", "data"]);
        command.env(variable, value);
        let outcome = Outcome::of(command);
        assert_eq!(outcome.code, 2);
        assert!(outcome.stderr.contains("no plugin is run"), "{}", outcome.stderr);
        assert!(project.parts("orders").is_empty());
    }
}

#[test]
fn the_page_about_the_command_line_has_every_setting() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cli.md");
    let page = std::fs::read_to_string(page).unwrap();
    let document = Project::new().casparian(&["doctor", "--json"]).json();
    for setting in document["settings"].as_array().unwrap() {
        let text = |name: &str| setting[name].as_str().unwrap();
        let line = page.lines().find(|line| line.starts_with(&format!("| `{}`", text("key"))));
        let line = line.unwrap_or_else(|| panic!("no line for {}", text("key")));
        assert!(line.contains(text("variable")) && line.contains(text("default")), "{line}");
    }
}
