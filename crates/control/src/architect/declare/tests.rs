use super::super::sql::tests::CHECK;
use super::*;
use protocol::{Limits, QuarantineLimit, TopicOptions};

/// What a plugin `plugins/x.py` with this text declares, or what is wrong with it, as lines.
fn read(source: &str) -> String {
    render("plugins/x.py", declare("plugins/x.py", source, None, CHECK))
}

fn render(file: &str, result: Result<DeclaredPlugin, PluginErrors>) -> String {
    let DeclaredPlugin { declaration, notes, .. } = match result {
        Ok(declared) => declared,
        Err(errors) => return errors.to_string(),
    };
    let mut lines: Vec<String> =
        declaration.patterns.iter().map(|pattern| format!("pattern {pattern}")).collect();
    lines.extend(declaration.tags.iter().map(|tag| format!("tag {tag}")));
    for topic in &declaration.topics {
        let uris: Vec<String> = topic.uris.iter().map(ToString::to_string).collect();
        let TopicOptions { history_all, retract_on_delete, dedup, strict, max_quarantine } =
            topic.options;
        let is_limited = max_quarantine != QuarantineLimit::default();
        let options = [
            (history_all, " history"),
            (retract_on_delete, " retract"),
            (!dedup, " nodedup"),
            (strict, " strict"),
            (is_limited, " limited"),
        ];
        let options: String = options.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect();
        lines.push(format!("topic {} -> {}{options}", topic.name, uris.join(" + ")));
        lines.extend(topic.schema.columns.iter().map(|column| {
            let not_null = if column.not_null { " not null" } else { "" };
            format!("column {} {}{not_null}", column.name, column.column_type)
        }));
    }
    let defaults = Limits::default();
    let Limits { priority, timeout_ms, memory_bytes, retries } = declaration.limits;
    if priority != defaults.priority {
        lines.push(format!("priority {priority}"));
    }
    if timeout_ms != defaults.timeout_ms {
        lines.push(format!("timeout {timeout_ms}"));
    }
    if memory_bytes != defaults.memory_bytes {
        lines.push(format!("memory {memory_bytes}"));
    }
    lines.extend(retries.map(|retries| format!("retries {retries}")));
    lines.extend(declaration.reader.iter().map(|reader| format!("reader {reader}")));
    lines.extend(notes.iter().map(|note| format!("note {}", note.text(file))));
    lines.join("\n")
}

/// Checks comment lines in front of a plugin that publishes nothing. `expected` leaves out the two notes on an empty declaration.
fn check(header: &str, expected: &str) {
    let source = format!("{header}\nclass Handler:\n    pass\n");
    let found = read(&source);
    let is_silent = |line: &&str| {
        !line.ends_with(": has no TOPIC: it cannot publish")
            && !line.ends_with(": has no PATTERN and no TAG: it receives no files")
    };
    let found: Vec<&str> = found.lines().filter(is_silent).collect();
    let expected: Vec<&str> =
        expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(found, expected, "{header}");
}

/// Checks a MANIFEST with these fields.
fn check_manifest(fields: &str, expected: &str) {
    check(&format!("MANIFEST = PluginMetadata({fields})"), expected);
}

#[test]
fn the_example_of_the_design_works_to_the_letter() {
    let source = r#"# plugins/my_parser.py
# PATTERN: *.csv           <-- makes a RoutingRule
# TOPIC: sales_data        <-- makes a TopicConfig (Parquet by default)
from casparian_flow.sdk import BasePlugin

class Handler(BasePlugin):
    def execute(self, path):
        self.publish("sales_data", df)
"#;
    assert_eq!(read(source), "pattern *.csv\ntopic sales_data -> parquet://sales_data");
    assert_eq!(read(&source.replace('\n', "\r\n")), read(source));
    assert_eq!(read(&format!("\u{feff}{source}")), read(source));
}

#[test]
fn every_key_is_read() {
    check(
        "# PATTERN: *.csv
         # PATTERN: exports/**/orders_*.{csv,tsv}
         # TAG: finance
         # TOPIC: orders
         # TOPIC: orders @warehouse
         # TOPIC: lines parquet://shop/lines
         # OPTIONS: orders: history=all on_delete=retract
         # OPTIONS: orders: dedup=off
         # PRIORITY: -5
         # TIMEOUT: 90s
         # MEMORY: 512MB
         # RETRIES: 2",
        "pattern *.csv
         pattern exports/**/orders_*.{csv,tsv}
         tag finance
         topic orders -> parquet://orders + @warehouse history retract nodedup
         topic lines -> parquet://shop/lines
         priority -5
         timeout 90000
         memory 536870912
         retries 2",
    );
}

#[test]
fn a_value_ends_at_a_wide_gap_before_a_remark() {
    check("# PATTERN: a b.csv  <-- two blanks", "pattern a b.csv");
    check("# PATTERN: a.csv  # two blanks", "pattern a.csv");
    check("# PATTERN: a.csv\t# a tab", "pattern a.csv");
    check("# PATTERN: a.csv \t <-- mixed", "pattern a.csv");
    check("# PATTERN: a  b.csv", "pattern a  b.csv");
    check("# PATTERN: a#1.csv", "pattern a#1.csv");
    check("# PATTERN: #1.csv", "pattern #1.csv");
    check("# PATTERN: a  <b.csv  <-- remark", "pattern a  <b.csv");
    check("# PATTERN: a <-b.csv", "pattern a <-b.csv");
    check("# TIMEOUT: 30s    # half a minute", "timeout 30000");
    check("# TIMEOUT:\t30s\t", "timeout 30000");
    check("#PATTERN:*.csv", "pattern *.csv");
    check("#\tPATTERN : *.csv   ", "pattern *.csv");
    check("    # PATTERN: *.csv", "pattern *.csv");
    check(
        "# PATTERN: *.csv <-- one blank",
        "plugins/x.py:1: '*.csv <-- one blank': put two blanks before the remark '<--'",
    );
    check(
        "# PATTERN: *.csv # one blank",
        "pattern *.csv # one blank
         note plugins/x.py:1: '*.csv # one blank' is the whole pattern; a remark needs two blanks before its '#'",
    );
}

#[test]
fn only_comment_lines_before_the_first_statement_count() {
    check("#!/usr/bin/env python3\n# -*- coding: utf-8 -*-\n\n\n# TAG: a", "tag a");
    check("'''A docstring\n# TAG: no\n'''\n# TAG: a", "tag a");
    check("# TAG: a\n\"doc\"  # TAG: no\n# TAG: b", "tag a\ntag b");
    check("'one' 'two'\n# TAG: a", "tag a");
    check("'one'\n'two'\n# TAG: a", "");
    check("import os  # TAG: no\n# TAG: no", "");
    check("x = 1\n# TAG: no", "");
    check("@decorator  # TAG: no\n# TAG: no\nclass X: pass", "");
    check(
        "# TAG: a\nimport os\n# PATTERN: *.csv\n# TOPIC: x\n# TAG: b",
        "tag a
         note plugins/x.py:3: PATTERN stands after the first statement and is read as a plain comment; move it up
         note plugins/x.py:4: TOPIC stands after the first statement and is read as a plain comment; move it up",
    );
    check("# TAG: a\rimport os\r", "tag a");
    assert_eq!(
        read("# TAG: a"),
        "plugins/x.py: defines no class Handler: write 'class Handler(BasePlugin):' at the top level"
    );
}

#[test]
fn inline_script_metadata_is_passed_over() {
    check(
        "# /// script\n# dependencies = [\n#   \"pandas\",\n# ]\n# TAG: no\n# ///\n# TAG: a",
        "tag a",
    );
    check(
        "# TAG: a\n# /// script\n#\n# ///\n\n# /// other\n# PATERN: x\n# ///\n# TAG: b",
        "tag a\ntag b",
    );
    check("# /// script\n# TAG: a\n\n# ///", "tag a");
    check("# /// script\n#TAG: a\n# ///", "tag a");
}

#[test]
fn other_comments_are_just_comments() {
    check(
        "# NOTE: *.csv\n# TODO: x\n# Author: someone\n# see http://x/y: PATTERN: z\n# HEADER: 2 lines\n#: TAG: x\n## TAG: x\n# TAG\n# a TAG: x\n#",
        "",
    );
    check(
        "# pattern: *.csv",
        "note plugins/x.py:1: 'pattern:' is read as a plain comment; the key is PATTERN, in capitals",
    );
}

#[test]
fn a_misspelled_key_is_an_error() {
    check(
        "# PATERN: *.csv\n# TOPICS: a",
        "plugins/x.py:1: PATERN is not a key; did you mean PATTERN? A plain comment can start with another word
         plugins/x.py:2: TOPICS is not a key; did you mean TOPIC? A plain comment can start with another word",
    );
}

#[test]
fn every_error_of_a_file_is_told_at_once_with_its_line() {
    check(
        "# PATTERN: [a
         # PATTERN:
         # PATTERN: '*.csv'
         # TAG: a, b
         # TOPIC: a b c
         # TOPIC: ../x
         # TOPIC: t mysql://h/x
         # TOPIC: u parquet://../x
         # TIMEOUT: 30 parsecs
         # MEMORY: lots
         # PRIORITY: high
         # RETRIES: -1
         # OPTIONS: history=all
         # OPTIONS: t: histroy=all
         # OPTIONS: t: dedup=maybe
         # SCHEMA: a int
         # SCHEMA: v: a money
         # READER: delimiter=;",
        r"plugins/x.py:1: PATTERN '[a': a '[' has no ']': close it, or write \[ for the character itself
          plugins/x.py:2: PATTERN has no value
          plugins/x.py:3: PATTERN ''*.csv'': leave out the quotes
          plugins/x.py:4: TAG 'a, b' is not a tag: use letters, digits, '_', '-', '.' and ':', start with a letter or a digit, at most 105 characters; for another tag write another TAG line
          plugins/x.py:5: TOPIC 'a b c' has more than a name and a uri: for another uri write another TOPIC line
          plugins/x.py:6: TOPIC '../x' is not a topic name: use letters, digits, '_', '-' and '.', start with a letter or a digit, at most 100 characters
          plugins/x.py:7: TOPIC t: 'mysql://h/x': this version has no mysql:// sink; it has parquet://, sqlite:// and postgresql://
          plugins/x.py:8: TOPIC u: 'parquet://../x' leaves the output root: use a relative path without '..'
          plugins/x.py:9: TIMEOUT '30 parsecs' is not a duration: write e.g. 30s, 10m, 1h
          plugins/x.py:10: MEMORY 'lots' is not a size: write e.g. 512MB, 2GB
          plugins/x.py:11: PRIORITY 'high' is not a whole number from -1000000 to 1000000: write e.g. 10
          plugins/x.py:12: RETRIES '-1' is not a whole number from 0 to 100: write e.g. 3
          plugins/x.py:13: OPTIONS 'history=all' names no topic: write OPTIONS: <topic>: history=all
          plugins/x.py:14: OPTIONS t: 'histroy=all' is not an option: there is history=all, on_delete=retract, dedup=off, schema=strict, max_quarantine=10%
          plugins/x.py:15: OPTIONS t: dedup cannot be 'maybe': write dedup=on or off
          plugins/x.py:16: SCHEMA 'a int': write <topic>: <column> <type>, <column> <type> not null, ...
          plugins/x.py:17: SCHEMA v: column a: 'money' is not a type: there is bool, int8 to int64, uint8 to uint64, float32, float64, decimal(p,s), text, binary, date, time, timestamp, timestamp(us, UTC), duration(us), list<type>, struct<name type, ...> and map<type, type>
          plugins/x.py:18: READER is for SQL plugins: a Python plugin reads its file itself, so take the line out",
    );
}

#[test]
fn a_schema_says_what_columns_a_topic_has() {
    check(
        "# TOPIC: a\n# SCHEMA: a: id int not null, \"x y\" decimal(12,2)   # money\n# SCHEMA: a: at timestamptz\n# OPTIONS: a: schema=strict max_quarantine=0",
        "topic a -> parquet://a strict limited\ncolumn id int64 not null\ncolumn x y decimal(12, 2)\ncolumn at timestamp(us, UTC)",
    );
    check(
        "# TOPIC: a\n# SCHEMA: a: id int\n# SCHEMA: a: id int",
        "plugins/x.py:3: column id of SCHEMA a stands at line 2 already: say it once",
    );
    check(
        "# TOPIC: a\n# SCHEMA: b: id int",
        "plugins/x.py:2: SCHEMA b: no topic 'b' is declared; there is a",
    );
}

#[test]
fn what_is_said_twice_is_an_error() {
    check("# PATTERN: *.csv\n# PATTERN: *.csv\n# TAG: a\n# TAG: a", "pattern *.csv\ntag a");
    check(
        "# TIMEOUT: 1s\n# TIMEOUT: 1s",
        "plugins/x.py:2: TIMEOUT stands at line 1 already: say it once",
    );
    check(
        "# TOPIC: a\n# TOPIC: a",
        "plugins/x.py:2: TOPIC a parquet://a stands at line 1 already: say it once",
    );
    check(
        "# TOPIC: a\n# TOPIC: a parquet://a",
        "plugins/x.py:2: TOPIC a parquet://a stands at line 1 already: say it once",
    );
    check(
        "# TOPIC: a sqlite:///srv/x.db",
        "plugins/x.py:1: TOPIC a: sqlite:///srv/x.db lies elsewhere than below the output root: name it in casparian.toml, [sinks.NAME] uri, and write @NAME",
    );
    check(
        "# TOPIC: a sqlite://x.db/t\n# TOPIC: t sqlite://x.db",
        "plugins/x.py:2: a and t both go to sqlite://x.db/t: give each topic a place of its own",
    );
    check(
        "# TOPIC: a parquet://x\n# TOPIC: b parquet://x",
        "plugins/x.py:2: a and b both go to parquet://x: give each topic a place of its own",
    );
    check(
        "# TOPIC: b parquet://a\n# TOPIC: a",
        "plugins/x.py:2: b and a both go to parquet://a: give each topic a place of its own",
    );
    check(
        "# TOPIC: a\n# OPTIONS: a: dedup=off\n# OPTIONS: a: dedup=on",
        "plugins/x.py:3: dedup of OPTIONS a stands at line 2 already: say it once",
    );
    check(
        "# TOPIC: a\n# OPTIONS: b: dedup=off",
        "plugins/x.py:2: OPTIONS b: no topic 'b' is declared; there is a",
    );
    check(
        "# OPTIONS: b: dedup=off",
        "plugins/x.py:1: OPTIONS b: no topic is declared; write TOPIC: b",
    );
}

#[test]
fn odd_patterns_are_remarked_on() {
    check(
        "# PATTERN: *.csv, *.tsv",
        "pattern *.csv, *.tsv
         note plugins/x.py:1: '*.csv, *.tsv' is one pattern, comma included; for several write several PATTERN lines",
    );
    check("# PATTERN: a, b.csv\n# PATTERN: *.{a,*b}", "pattern a, b.csv\npattern *.{a,*b}");
}

#[test]
fn a_manifest_says_the_same_as_comments() {
    check_manifest(
        "pattern='*.csv', topic='sales', priority=50, subscriptions=['finance', \"x\"],
         sinks={'sales': 'parquet://s', 'b': ['parquet://b', '@w']}, version='1.0.0', description=None",
        "pattern *.csv
         tag finance
         tag x
         topic sales -> parquet://s
         topic b -> parquet://b + @w
         priority 50",
    );
    check_manifest("sinks={'a': 'parquet://x'}, topic='a'", "topic a -> parquet://x");
    check_manifest(
        "pattern=('*.csv', '*.tsv'), priority=-3",
        "pattern *.csv\npattern *.tsv\npriority -3",
    );
    check_manifest("", "");
    check_manifest("'*.csv', 'a', 3", "pattern *.csv\ntopic a -> parquet://a\npriority 3");
    check_manifest("pattern='', topic=None", "");
    check(
        "import sdk\nMANIFEST: sdk.PluginMetadata = sdk.PluginMetadata(topic='a')",
        "topic a -> parquet://a",
    );
}

#[test]
fn a_manifest_is_a_constant() {
    let computed = |found: &str| {
        format!(
            "plugins/x.py:1: MANIFEST must be a constant: {found} is computed; write the value itself"
        )
    };
    check_manifest("pattern=f'{x}.csv'", &computed("an f-string"));
    check_manifest("pattern=NAME", &computed("a name"));
    check_manifest("pattern=get()", &computed("a call"));
    check_manifest("pattern='a' + 'b'", &computed("an expression"));
    check_manifest("pattern=['a', x.y]", &computed("an attribute"));
    check_manifest("priority=1 + 1", &computed("an expression"));
    check_manifest("**fields", &computed("**"));
    check_manifest("sinks={**more}", &computed("**"));
    check_manifest("subscriptions=[t for t in x]", &computed("a comprehension"));
    check_manifest(
        "pattern=3",
        "plugins/x.py:1: MANIFEST pattern must be a string or a list of strings",
    );
    check_manifest("priority='3'", "plugins/x.py:1: MANIFEST priority must be a whole number");
    check_manifest(
        "sinks=['a']",
        "plugins/x.py:1: MANIFEST sinks must be a dict of topic names and uris",
    );
    check_manifest(
        "patern='x'",
        "plugins/x.py:1: MANIFEST has no patern: it has pattern, topic, priority, subscriptions, sinks, version, description",
    );
    check_manifest(
        "\n\npattern='[a'",
        r"plugins/x.py:3: PATTERN '[a': a '[' has no ']': close it, or write \[ for the character itself",
    );
    check_manifest(
        "sinks={'a': 'sqlite:///x.db/t'}",
        "plugins/x.py:1: TOPIC a: sqlite:///x.db/t lies elsewhere than below the output root: name it in casparian.toml, [sinks.NAME] uri, and write @NAME",
    );
    let other = |line| {
        format!(
            "plugins/x.py:{line}: MANIFEST must be MANIFEST = PluginMetadata(name=value, ...) at the top level, once"
        )
    };
    check("MANIFEST = {'pattern': '*.csv'}", &other(1));
    check("if x:\n    MANIFEST = PluginMetadata()", &other(2));
    check("MANIFEST = PluginMetadata()\nMANIFEST = PluginMetadata()", &other(2));
    check("MANIFEST = A = PluginMetadata()", &other(1));
    check("MANIFEST += PluginMetadata()", &other(1));
    check_manifest("'a', 'b', 1, [], {}, '', '', 8", &other(1));
    check_manifest("*fields", &computed("an expression"));
}

#[test]
fn comments_and_manifest_add_up_unless_they_contradict() {
    check(
        "# PATTERN: *.csv\n# TOPIC: a\n# TOPIC: b\n# PRIORITY: 5\n# OPTIONS: c: history=all
MANIFEST = PluginMetadata(pattern='*.tsv', topic='c', sinks={'a': 'parquet://x'}, priority=5)",
        "pattern *.csv
         pattern *.tsv
         topic a -> parquet://x
         topic b -> parquet://b
         topic c -> parquet://c history
         priority 5",
    );
    check(
        "# TOPIC: a parquet://x\n# PRIORITY: 5\nMANIFEST = PluginMetadata(\n  sinks={'a': 'parquet://y'},\n  priority=6)",
        "plugins/x.py:4: the uri of TOPIC a is parquet://y here and parquet://x at line 1: say it once
         plugins/x.py:5: PRIORITY is 6 here and 5 at line 2: say it once",
    );
    check("# TOPIC: a parquet://x\nMANIFEST = PluginMetadata(topic='a')", "topic a -> parquet://x");
}

#[test]
fn a_source_defines_a_handler() {
    for source in [
        "class Handler: pass",
        "try:\n    from fast import Handler\nexcept ImportError:\n    class Handler: pass",
        "from x import Parser as Handler",
        "from x import *",
        "class P: pass\nHandler = P",
        "Handler: type = object",
        "if x:\n    pass\nelse:\n    with y:\n        class Handler: pass",
    ] {
        assert!(!read(source).contains("defines no class Handler"), "{source}");
    }
    for source in [
        "",
        "def Handler(): pass",
        "class X:\n    class Handler: pass",
        "Handler: type",
        "import Handler.x",
    ] {
        assert!(read(source).contains("plugins/x.py: defines no class Handler"), "{source}");
    }
}

#[test]
fn a_syntax_error_has_its_line_and_does_not_hide_the_comments_errors() {
    assert_eq!(
        read("# TIMEOUT: 1 year\nclass Handler:\n    x = 1 +\n"),
        "plugins/x.py:1: TIMEOUT '1 year' is not a duration: write e.g. 30s, 10m, 1h
plugins/x.py:3: not valid Python: Expected an expression"
    );
    assert!(read("print 'x'").starts_with("plugins/x.py:1: not valid Python: "));
    assert!(
        read("class Handler:\n\tx = 1\n        y = 2\n")
            .contains("plugins/x.py:3: not valid Python")
    );
    assert_eq!(
        read(&format!("x = {}", "[".repeat(9000))),
        "plugins/x.py: is nested too deeply to be read: a bracket may not be closed, or an expression is chained more than 5000 times"
    );
}

#[test]
fn publishing_to_an_undeclared_topic_is_remarked_on() {
    let source = "# PATTERN: x\n# TOPIC: a\nclass Handler:\n    def execute(self, p):\n        self.publish('a', 1)
        self . publish (
            'b', 1)
        publish('c', 1); self.publish(name, 1); self.publish('d' + x, 1); self.publish(f'e', 1)
        self.publish('''f''')";
    let note = |line: u32, topic: &str| {
        format!(
            "note plugins/x.py:{line}: publishes to '{topic}', which is not declared (declared: a); such a job fails"
        )
    };
    let expected = ["pattern x", "topic a -> parquet://a", &note(7, "b"), &note(9, "f")];
    assert_eq!(read(source), expected.join("\n"));
}

#[test]
fn a_plugin_without_files_or_topics_is_remarked_on() {
    assert_eq!(
        read("class Handler: pass"),
        "note plugins/x.py: has no PATTERN and no TAG: it receives no files\nnote plugins/x.py: has no TOPIC: it cannot publish"
    );
}

/// Of a plugin `plugins/q.sql`.
fn read_query(source: &str) -> String {
    render("plugins/q.sql", declare("plugins/q.sql", source, None, CHECK))
}

#[test]
fn a_sql_plugin_has_the_same_keys_behind_its_own_sign() {
    let source = "-- PATTERN: exports/**/orders_*.csv   <-- which files it gets
--TOPIC: orders  -- where its rows go
-- TOPIC: lines @warehouse
-- TOPIC: orders sqlite://shop.db
-- OPTIONS: orders: history=all
-- SCHEMA: lines: id int not null
-- READER: delimiter=; comment=--
-- TIMEOUT: 90s
/* LICENSE: any */
-- NOTE: plain
SELECT a
FROM file;
SELECT b FROM file
";
    let expected = "pattern exports/**/orders_*.csv
topic orders -> parquet://orders + sqlite://shop.db/orders history
topic lines -> @warehouse
column id int64 not null
timeout 90000
reader delimiter=; comment=--";
    assert_eq!(read_query(source), expected);
    assert_eq!(read_query(&source.replace('\n', "\r\n")), expected);
    assert_eq!(read_query(&format!("\u{feff}{source}")), expected);
}

#[test]
fn every_error_of_a_sql_plugin_is_told_with_its_line() {
    assert_eq!(
        read_query(
            "-- PATTERN: [a\n\n--TIMEOUT: 1\n-- TOPICS: x\n-- RAEDER: a=b\n-- READER:\n-- READER: delimitr=;\nDROP TABLE t\n-- TOPCI: y"
        ),
        r"plugins/q.sql:1: PATTERN '[a': a '[' has no ']': close it, or write \[ for the character itself
plugins/q.sql:3: TIMEOUT '1' is not a duration: write e.g. 30s, 10m, 1h
plugins/q.sql:4: TOPICS is not a key; did you mean TOPIC? A plain comment can start with another word
plugins/q.sql:5: RAEDER is not a key; did you mean READER? A plain comment can start with another word
plugins/q.sql:6: READER has no value
plugins/q.sql:7: READER 'delimitr' is not known; known keys: delimiter
plugins/q.sql:8: DROP is no query: write SELECT ..."
    );
    assert_eq!(
        read_query("-- TOPIC: t\n-- READER: header=2\n-- READER: header=2\nSELECT 1"),
        "plugins/q.sql:3: READER stands at line 2 already: say it once"
    );
    assert_eq!(
        read_query("-- TOPIC: t\nPANIC"),
        "plugins/q.sql: the parser failed on it: write it in simpler statements"
    );
    assert_eq!(
        read_query("-- TOPIC: t\nSELECT 1\n-- PATTERN: *.csv"),
        "topic t -> parquet://t\nnote plugins/q.sql:3: PATTERN stands after the first statement and is read as a plain comment; move it up\nnote plugins/q.sql: has no PATTERN and no TAG: it receives no files"
    );
}

#[test]
fn each_statement_has_its_topic_and_each_topic_its_statement() {
    assert_eq!(
        read_query("-- PATTERN: x\n-- TOPIC: a\n-- TOPIC: b\n-- TOPIC: a @w\n-- TOPIC: c\nSELECT 1;"),
        "plugins/q.sql:3: TOPIC b has no statement: there is 1 statement for 3 topics, and the n-th statement gives the n-th topic its rows
plugins/q.sql:5: TOPIC c has no statement: there is 1 statement for 3 topics, and the n-th statement gives the n-th topic its rows"
    );
    assert_eq!(
        read_query("-- PATTERN: x\n-- TOPIC: a\nSELECT 1;\nSELECT 2;"),
        "plugins/q.sql:4: statement 2 has no TOPIC: there are 2 statements for 1 topic, and the n-th statement gives the n-th topic its rows"
    );
    assert!(read_query("-- TOPIC: ../a\nSELECT 1").lines().count() == 1, "told once");
}

#[test]
fn a_plugin_is_named_after_its_file() {
    let source = "class Handler: pass";
    let declared = declare("a/b/sales-2.py", source, None, CHECK).unwrap();
    assert_eq!(declared.name.as_str(), "sales-2");
    assert_eq!(declared.version, plugin_version(source, None));
    let error = declare("a/my plugin.py", source, None, CHECK).unwrap_err().to_string();
    assert!(
        error.starts_with("a/my plugin.py: 'my plugin' is not a plugin name: use letters"),
        "{error}"
    );
    assert!(error.ends_with("the plugin is named after its file"), "{error}");
}

proptest::proptest! {
    #[test]
    fn no_text_panics(source: String) {
        read(&source);
    }

    #[test]
    fn no_header_panics(source in "([# \t\r\n'\"]|PATTERN|TOPIC|OPTIONS|: ?|[a-c*\\[{,=@/.]|  <--|parquet://|# ///|history=all|class Handler: pass\n|MANIFEST = PluginMetadata\\(|pattern=|\\)){0,40}") {
        read(&source);
        _ = declare("x.sql", &source, None, CHECK);
    }
}
