//! `MANIFEST = PluginMetadata(...)`, and what else only the syntax tree tells. The source is parsed, never run.

use super::comments::Mistake;
use super::nesting;
use protocol::{SinkUri, TopicDeclaration, TopicName, TopicOptions};
use ruff_python_ast::{Expr, ExprCall, Keyword, ModModule, Number, Stmt};
use ruff_python_parser::parse_module;
use ruff_source_file::LineIndex;
use ruff_text_size::{Ranged, TextSize};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    pub line: usize,
    pub patterns: Vec<String>,
    pub tags: Vec<String>,
    pub topics: Vec<TopicDeclaration>,
    pub priority: Option<i32>,
}

const NOT_CONSTANT: &str = "MANIFEST must be a constant: PluginMetadata(...) with literals only";

/// The manifest, if there is one. A source that Python could not read, or without a `Handler`, is a mistake.
pub(super) fn read(source: &str) -> Result<Option<Manifest>, Vec<Mistake>> {
    if !nesting::is_shallow(source) {
        let what = "the source is nested too deeply to be read".to_owned();
        return Err(vec![Mistake { line: 1, what }]);
    }
    let read = nesting::on_a_deep_stack(|| read_shallow(source));
    read.unwrap_or_else(|| {
        Err(vec![Mistake { line: 1, what: "the source cannot be parsed".to_owned() }])
    })
}

fn read_shallow(source: &str) -> Result<Option<Manifest>, Vec<Mistake>> {
    let index = LineIndex::from_source_text(source);
    let line = |at: TextSize| index.line_index(at).get();
    let parsed = parse_module(source).map_err(|error| {
        let what = format!("the source is not Python: {}", error.error);
        vec![Mistake { line: line(error.location.start()), what }]
    })?;
    let module = parsed.syntax();
    let mut mistakes = Vec::new();
    if !defines_handler(module) {
        let what = "the plugin defines no class Handler".to_owned();
        mistakes.push(Mistake { line: 1, what });
    }
    let manifest = module.body.iter().find_map(assigned_manifest).map(|value| {
        let at = line(value.start());
        from_expression(value, at).map_err(|what| Mistake { line: at, what })
    });
    match manifest.transpose() {
        Ok(manifest) if mistakes.is_empty() => Ok(manifest),
        Ok(_) => Err(mistakes),
        Err(mistake) => {
            mistakes.push(mistake);
            Err(mistakes)
        }
    }
}

/// Defined, imported or assigned at the top level, inside `if` and `try` too.
fn defines_handler(module: &ModModule) -> bool {
    fn binds(body: &[Stmt]) -> bool {
        body.iter().any(|statement| match statement {
            Stmt::ClassDef(class) => class.name.as_str() == "Handler",
            Stmt::Assign(assign) => assign.targets.iter().any(|target| is_name(target, "Handler")),
            Stmt::AnnAssign(assign) => is_name(&assign.target, "Handler"),
            Stmt::ImportFrom(import) => import.names.iter().any(|alias| {
                alias.asname.as_ref().unwrap_or(&alias.name).as_str() == "Handler"
                    || alias.name.as_str() == "*"
            }),
            Stmt::If(branch) => {
                binds(&branch.body) || branch.elif_else_clauses.iter().any(|c| binds(&c.body))
            }
            Stmt::Try(block) => binds(&block.body) || binds(&block.orelse),
            _ => false,
        })
    }
    binds(&module.body)
}

fn is_name(expression: &Expr, name: &str) -> bool {
    matches!(expression, Expr::Name(found) if found.id.as_str() == name)
}

fn assigned_manifest(statement: &Stmt) -> Option<&Expr> {
    match statement {
        Stmt::Assign(assign) => {
            let is_ours = assign.targets.iter().any(|target| is_name(target, "MANIFEST"));
            is_ours.then_some(&*assign.value)
        }
        Stmt::AnnAssign(assign) if is_name(&assign.target, "MANIFEST") => assign.value.as_deref(),
        _ => None,
    }
}

fn from_expression(value: &Expr, line: usize) -> Result<Manifest, String> {
    let Expr::Call(ExprCall { func, arguments, .. }) = value else {
        return Err(NOT_CONSTANT.to_owned());
    };
    let is_metadata = match &**func {
        Expr::Name(name) => name.id.as_str() == "PluginMetadata",
        Expr::Attribute(attribute) => attribute.attr.as_str() == "PluginMetadata",
        _ => false,
    };
    if !is_metadata {
        return Err(NOT_CONSTANT.to_owned());
    }
    const POSITIONS: [&str; 7] =
        ["pattern", "topic", "priority", "subscriptions", "sinks", "version", "description"];
    let mut manifest = Manifest { line, ..Manifest::default() };
    let mut topic = None;
    for (name, value) in POSITIONS.into_iter().zip(&arguments.args) {
        set(&mut manifest, &mut topic, name, value)?;
    }
    for Keyword { arg, value, .. } in &arguments.keywords {
        let name = arg.as_ref().ok_or(NOT_CONSTANT)?;
        set(&mut manifest, &mut topic, name.as_str(), value)?;
    }
    if let Some(name) = topic
        && !manifest.topics.iter().any(|known| known.name == name)
    {
        manifest.topics.insert(0, declared(SinkUri::default_for(&name), name));
    }
    Ok(manifest)
}

fn set(
    manifest: &mut Manifest,
    topic: &mut Option<TopicName>,
    name: &str,
    value: &Expr,
) -> Result<(), String> {
    match name {
        "pattern" => manifest.patterns.extend(Some(text(value)?).filter(|text| !text.is_empty())),
        "topic" => {
            let name = text(value)?;
            if !name.is_empty() {
                *topic = Some(name.parse().map_err(|error| format!("MANIFEST: {error}"))?);
            }
        }
        "priority" => manifest.priority = Some(number(value)?),
        "subscriptions" => manifest.tags = texts(value)?,
        "sinks" => manifest.topics = sinks(value)?,
        "version" | "description" => drop(text(value)?),
        _ => return Err(format!("MANIFEST: PluginMetadata has no '{name}'")),
    }
    Ok(())
}

fn text(value: &Expr) -> Result<String, String> {
    match value {
        Expr::StringLiteral(literal) => Ok(literal.value.to_str().to_owned()),
        _ => Err(NOT_CONSTANT.to_owned()),
    }
}

fn number(value: &Expr) -> Result<i32, String> {
    match value {
        Expr::NumberLiteral(literal) => match &literal.value {
            Number::Int(int) => int.as_i32().ok_or_else(|| NOT_CONSTANT.to_owned()),
            _ => Err("MANIFEST: priority is a whole number".to_owned()),
        },
        Expr::UnaryOp(unary) if unary.op == ruff_python_ast::UnaryOp::USub => {
            number(&unary.operand).map(|number| -number)
        }
        _ => Err(NOT_CONSTANT.to_owned()),
    }
}

fn texts(value: &Expr) -> Result<Vec<String>, String> {
    match value {
        Expr::List(list) => list.elts.iter().map(text).collect(),
        Expr::Tuple(tuple) => tuple.elts.iter().map(text).collect(),
        _ => Err(NOT_CONSTANT.to_owned()),
    }
}

fn sinks(value: &Expr) -> Result<Vec<TopicDeclaration>, String> {
    let Expr::Dict(dict) = value else { return Err(NOT_CONSTANT.to_owned()) };
    let sink = |item: &ruff_python_ast::DictItem| {
        let name = text(item.key.as_ref().ok_or(NOT_CONSTANT)?)?;
        let name = name.parse::<TopicName>().map_err(|error| format!("MANIFEST: {error}"))?;
        let uri = text(&item.value)?.parse().map_err(|error| format!("MANIFEST: {error}"))?;
        Ok(declared(uri, name))
    };
    dict.items.iter().map(sink).collect()
}

fn declared(uri: SinkUri, name: TopicName) -> TopicDeclaration {
    TopicDeclaration { name, uris: vec![uri], options: TopicOptions::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(text: &str) -> Result<Option<Manifest>, String> {
        let source = format!("{text}\nclass Handler: pass\n");
        read(&source).map_err(|mistakes| format!("{}: {}", mistakes[0].line, mistakes[0].what))
    }

    #[test]
    fn literals_are_read() {
        let text = "MANIFEST = PluginMetadata(pattern='*.csv', topic=\"out\", priority=-5, subscriptions=['a', 'b'],\n  sinks={'other': 'parquet://x/y'}, version='2')";
        let read = manifest(text).unwrap().unwrap();
        assert_eq!(
            (read.patterns, read.tags),
            (vec!["*.csv".to_owned()], vec!["a".into(), "b".into()])
        );
        assert_eq!(read.priority, Some(-5));
        let names = read.topics.iter().map(|topic| topic.name.as_str()).collect::<Vec<_>>();
        assert_eq!(names, ["out", "other"]);
    }

    #[test]
    fn what_is_computed_is_refused_with_its_line() {
        for text in [
            "MANIFEST = make()",
            "MANIFEST = PluginMetadata(pattern='a' + 'b')",
            "MANIFEST = PluginMetadata(**x)",
        ] {
            assert!(
                manifest(text).unwrap_err().starts_with("1: MANIFEST must be a constant"),
                "{text}"
            );
        }
        assert!(
            manifest("\nMANIFEST = PluginMetadata(patern='x')")
                .unwrap_err()
                .starts_with("2: MANIFEST: PluginMetadata has no 'patern'")
        );
    }

    #[test]
    fn a_source_that_is_not_python_is_refused_with_its_line() {
        assert!(manifest("x = 1\ndef f(:").unwrap_err().starts_with("2: the source is not Python"));
        let missing = read("x = 1\n").unwrap_err();
        assert_eq!(missing[0].what, "the plugin defines no class Handler");
        assert_eq!(
            read("try:\n    from a import Handler\nexcept ImportError:\n    pass\n"),
            Ok(None)
        );
    }
}
