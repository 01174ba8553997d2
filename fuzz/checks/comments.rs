//! The magic comments of a plugin's source.

use control::architect::{DeclaredPlugin, PluginErrors, SqlCheck, declare};
use protocol::{PluginDeclaration, QuarantineLimit, TopicOptions};
use std::fmt::Write;

const FILE: &str = "plugins/p.py";
const BODY: &str =
    "from casparian_flow.sdk import BasePlugin\nclass Handler(BasePlugin):\n    pass\n";

const QUERY_FILE: &str = "plugins/p.sql";
/// What a statement and a READER line may say is not what is tried here.
const ANY_QUERY: SqlCheck = SqlCheck { statements: |_| Ok(vec![1]), reader: |_| Ok(()) };

/// Read the same twice; what is wrong has a line that is there; and what was understood, written down plainly, means the same.
pub fn check(data: &[u8]) {
    let source = String::from_utf8_lossy(data);
    // The same bytes as SQL, where other lines are comments.
    let as_query = source.replace('#', "--");
    let _ = declared(QUERY_FILE, &as_query);
    match declared(FILE, &source) {
        Ok(plugin) if source.contains("MANIFEST") => drop(plugin),
        Ok(plugin) => {
            let plain = plain(&plugin.declaration) + BODY;
            let again = declared(FILE, &plain).unwrap_or_else(|e| panic!("{e}\n{plain}"));
            assert_eq!(again.declaration, plugin.declaration, "{plain}");
        }
        Err(errors) => assert!(errors.iter().count() > 0),
    }
}

fn declared(file: &str, source: &str) -> Result<DeclaredPlugin, PluginErrors> {
    let declared = declare(file, source, None, ANY_QUERY);
    assert_eq!(declared, declare(file, source, None, ANY_QUERY));
    let lines = u32::try_from(source.split(['\n', '\r']).count()).unwrap();
    for error in declared.as_ref().err().into_iter().flat_map(PluginErrors::iter) {
        assert!(error.line.is_none_or(|line| (1..=lines).contains(&line)), "{error}");
        assert!(error.to_string().starts_with(file), "{error}");
    }
    declared
}

/// As comments, in an order and a form of its own.
fn plain(declaration: &PluginDeclaration) -> String {
    let mut text = String::new();
    let mut line = |key: &str, value: String| _ = writeln!(text, "# {key}: {value}");
    let limits = &declaration.limits;
    line("PRIORITY", limits.priority.to_string());
    line("TIMEOUT", format!("{}ms", limits.timeout_ms));
    line("MEMORY", format!("{}B", limits.memory_bytes));
    limits.retries.iter().for_each(|retries| line("RETRIES", retries.to_string()));
    for topic in &declaration.topics {
        topic.uris.iter().for_each(|uri| line("TOPIC", format!("{} {uri}", topic.name)));
        let TopicOptions { history_all, retract_on_delete, dedup, strict, max_quarantine } =
            topic.options;
        let history = if history_all { "all" } else { "current" };
        let on_delete = if retract_on_delete { "retract" } else { "keep" };
        let dedup = if dedup { "on" } else { "off" };
        let schema = if strict { "strict" } else { "evolve" };
        let limit = match max_quarantine {
            QuarantineLimit { rows: 0, percent } => format!(" max_quarantine={percent}%"),
            QuarantineLimit { rows, percent: 0 } => format!(" max_quarantine={rows}"),
            QuarantineLimit { .. } => String::new(),
        };
        let options =
            format!("history={history} on_delete={on_delete} dedup={dedup} schema={schema}{limit}");
        line("OPTIONS", format!("{}: {options}", topic.name));
        for column in &topic.schema.columns {
            let name = column.name.replace('"', "\"\"");
            let not_null = if column.not_null { " not null" } else { "" };
            let column = format!("\"{name}\" {}{not_null}", column.column_type);
            line("SCHEMA", format!("{}: {column}", topic.name));
        }
    }
    declaration.tags.iter().for_each(|tag| line("TAG", tag.clone()));
    declaration.patterns.iter().for_each(|pattern| line("PATTERN", pattern.clone()));
    text
}
