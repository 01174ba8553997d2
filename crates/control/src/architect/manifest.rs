//! `MANIFEST = PluginMetadata(...)`: the same facts as the comments, as a constant in the code.

use super::comments::{pattern, tag, topic_at};
use super::fact::{Fact, Reading};
use super::problem::{At, Problem};
use super::python::{Python, for_each_statement};
use super::values::{ValueError, parse_priority};
use ruff_python_ast::{Arguments, Expr, ExprCall, Keyword, Number, Stmt, UnaryOp};
use ruff_text_size::Ranged;

/// In the order of `PluginMetadata`, for those who give values without names.
const FIELDS: [&str; 7] =
    ["pattern", "topic", "priority", "subscriptions", "sinks", "version", "description"];

pub(super) fn read(python: &Python<'_>) -> Reading {
    let mut reading = Reading::default();
    let mut found = 0;
    for_each_statement(python.body(), &mut |statement, nested| {
        let Some(value) = assigned_to_manifest(statement) else {
            return;
        };
        found += 1;
        let line = python.line(statement.start());
        match value.and_then(metadata_call) {
            Some(arguments) if !nested && found == 1 => {
                Fields { python, reading: &mut reading }.read(arguments);
            }
            _ => reading.problem(line, Problem::NotAManifest),
        }
    });
    reading
}

/// The value that a statement gives to the name MANIFEST; Some(None) when it is not a plain assignment.
fn assigned_to_manifest(statement: &Stmt) -> Option<Option<&Expr>> {
    let is_manifest =
        |target: &Expr| matches!(target, Expr::Name(name) if name.id.as_str() == "MANIFEST");
    match statement {
        Stmt::Assign(assign) if assign.targets.iter().any(is_manifest) => {
            Some((assign.targets.len() == 1).then_some(&*assign.value))
        }
        Stmt::AnnAssign(assign) if is_manifest(&assign.target) => Some(assign.value.as_deref()),
        Stmt::AugAssign(assign) if is_manifest(&assign.target) => Some(None),
        _ => None,
    }
}

fn metadata_call(value: &Expr) -> Option<&Arguments> {
    let Expr::Call(ExprCall { func, arguments, .. }) = value else {
        return None;
    };
    let name = match &**func {
        Expr::Name(name) => name.id.as_str(),
        Expr::Attribute(attribute) => attribute.attr.as_str(),
        _ => return None,
    };
    (name == "PluginMetadata").then_some(arguments)
}

struct Fields<'a, 's> {
    python: &'a Python<'s>,
    reading: &'a mut Reading,
}

impl<'a> Fields<'a, '_> {
    fn read(&mut self, arguments: &'a Arguments) {
        for (index, value) in arguments.args.iter().enumerate() {
            match FIELDS.get(index) {
                Some(name) => self.field(name, value),
                None => self.problem(value, Problem::NotAManifest),
            }
        }
        for Keyword { arg, value, .. } in &arguments.keywords {
            match arg {
                Some(name) => self.field(name, value),
                None => self.problem(value, Problem::Computed { found: "**".to_owned() }),
            }
        }
    }

    fn field(&mut self, name: &str, value: &'a Expr) {
        if FIELDS.contains(&name) && is_absent(value) {
            return;
        }
        match name {
            "pattern" => self.strings(value, "pattern", pattern),
            "topic" => self.strings(value, "topic", |topic| topic_at(topic, None)),
            "subscriptions" => self.strings(value, "subscriptions", tag),
            "priority" => self.priority(value),
            "sinks" => self.sinks(value),
            "version" => _ = self.string(value, "version", "a string"),
            "description" => _ = self.string(value, "description", "a string"),
            found => {
                let (found, known) = (found.to_owned(), FIELDS.join(", "));
                self.problem(value, Problem::UnknownField { found, known });
            }
        }
    }

    /// One string, or a list of them: a fact for each.
    fn strings(
        &mut self,
        value: &'a Expr,
        field: &'static str,
        fact: impl Fn(&str) -> Result<Fact, Problem>,
    ) {
        for item in items(value) {
            if let Some(At { line, what }) =
                self.string(item, field, "a string or a list of strings")
            {
                self.reading.take(line, fact(&what));
            }
        }
    }

    fn string(
        &mut self,
        value: &'a Expr,
        field: &'static str,
        expected: &'static str,
    ) -> Option<At<String>> {
        if let Expr::StringLiteral(string) = value {
            return Some(At {
                line: self.python.line(value.start()),
                what: string.value.to_str().to_owned(),
            });
        }
        self.wrong_type(value, field, expected);
        None
    }

    fn priority(&mut self, value: &'a Expr) {
        let Some(text) = integer(value) else {
            return self.wrong_type(value, "priority", "a whole number");
        };
        let bad_value = |source: ValueError| Problem::Value { key: "MANIFEST priority", source };
        let said = parse_priority(&text).map(Fact::Priority).map_err(bad_value);
        self.reading.take(self.python.line(value.start()), said);
    }

    /// `{topic: uri}` or `{topic: [uri, uri]}`.
    fn sinks(&mut self, value: &'a Expr) {
        const EXPECTED: &str = "a dict of topic names and uris";
        let Expr::Dict(sinks) = value else {
            return self.wrong_type(value, "sinks", EXPECTED);
        };
        for item in &sinks.items {
            let Some(topic) = &item.key else {
                self.problem(&item.value, Problem::Computed { found: "**".to_owned() });
                continue;
            };
            let Some(At { what: topic, .. }) = self.string(topic, "sinks", EXPECTED) else {
                continue;
            };
            self.strings(&item.value, "sinks", |uri| topic_at(&topic, Some(uri)));
        }
    }

    fn wrong_type(&mut self, value: &Expr, field: &'static str, expected: &'static str) {
        let problem = match computed(value) {
            Some(found) => Problem::Computed { found: found.to_owned() },
            None => Problem::FieldType { field, expected },
        };
        self.problem(value, problem);
    }

    fn problem(&mut self, place: &impl Ranged, problem: Problem) {
        self.reading.problem(self.python.line(place.start()), problem);
    }
}

/// `None` and `""` say nothing.
fn is_absent(value: &Expr) -> bool {
    value.is_none_literal_expr()
        || matches!(value, Expr::StringLiteral(string) if string.value.is_empty())
}

fn items(value: &Expr) -> Vec<&Expr> {
    match value {
        Expr::List(list) => list.elts.iter().collect(),
        Expr::Tuple(tuple) => tuple.elts.iter().collect(),
        single => vec![single],
    }
}

/// The digits of an integer literal, with its sign.
fn integer(value: &Expr) -> Option<String> {
    match value {
        Expr::NumberLiteral(number) => match &number.value {
            Number::Int(number) => Some(number.to_string()),
            _ => None,
        },
        Expr::UnaryOp(unary) if unary.op == UnaryOp::USub => match &*unary.operand {
            Expr::NumberLiteral(_) => integer(&unary.operand).map(|digits| format!("-{digits}")),
            _ => None,
        },
        _ => None,
    }
}

/// What a value is called that only running the code would give.
fn computed(value: &Expr) -> Option<&'static str> {
    match value {
        Expr::StringLiteral(_)
        | Expr::BytesLiteral(_)
        | Expr::NumberLiteral(_)
        | Expr::BooleanLiteral(_)
        | Expr::NoneLiteral(_)
        | Expr::EllipsisLiteral(_)
        | Expr::List(_)
        | Expr::Tuple(_)
        | Expr::Set(_)
        | Expr::Dict(_) => None,
        Expr::FString(_) | Expr::TString(_) => Some("an f-string"),
        Expr::Name(_) => Some("a name"),
        Expr::Attribute(_) => Some("an attribute"),
        Expr::Call(_) => Some("a call"),
        Expr::ListComp(_) | Expr::SetComp(_) | Expr::DictComp(_) => Some("a comprehension"),
        _ => Some("an expression"),
    }
}
