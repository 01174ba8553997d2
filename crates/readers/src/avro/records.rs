//! Where a record ends: found by walking it by its schema, which checks it as well.

use crate::avro::varint::long;
use serde_json::Value;
use std::collections::HashMap;

/// Types within types, in a schema and in what it describes.
const DEPTH_MAX: usize = 64;
/// Items of no bytes, such as nulls, in one list.
const EMPTY_ITEMS_MAX: i64 = 1 << 20;

#[derive(Debug, Clone)]
enum Type {
    Nothing,
    Bytes(usize),
    Bool,
    Long,
    Blob,
    Text,
    Enum(usize),
    Items(usize),
    Pairs(usize),
    Union(Vec<usize>),
    Record(Vec<usize>),
}

/// Types refer to each other by place, since they may contain themselves.
#[derive(Debug)]
pub(crate) struct Records {
    types: Vec<Type>,
    root: usize,
}

impl Records {
    pub(crate) fn new(schema: &str) -> Result<Self, String> {
        let schema: Value = serde_json::from_str(schema)
            .map_err(|error| format!("its schema is no JSON ({error})"))?;
        let mut parser = Parser { types: Vec::new(), names: HashMap::new() };
        let root = parser.parse(&schema, "", 0)?;
        Ok(Self { types: parser.types, root })
    }

    /// What follows the record that `bytes` begins with.
    pub(crate) fn skip<'a>(&self, bytes: &'a [u8]) -> Result<&'a [u8], String> {
        self.walk(self.root, bytes, 0)
    }

    fn walk<'a>(&self, at: usize, bytes: &'a [u8], depth: usize) -> Result<&'a [u8], String> {
        if depth > DEPTH_MAX {
            return Err(format!("it is nested deeper than {DEPTH_MAX}"));
        }
        match &self.types[at] {
            Type::Nothing => Ok(bytes),
            Type::Bytes(len) => cut(bytes, *len as i64).map(|(_, rest)| rest),
            Type::Bool => match cut(bytes, 1)? {
                ([0 | 1], rest) => Ok(rest),
                (other, _) => Err(format!("{} is no boolean", other[0])),
            },
            Type::Long => Ok(number(bytes)?.1),
            Type::Blob => blob(bytes).map(|(_, rest)| rest),
            Type::Text => text(bytes),
            Type::Enum(symbols) => {
                let (symbol, rest) = number(bytes)?;
                chosen(symbol, *symbols, "symbols")?;
                Ok(rest)
            }
            Type::Union(branches) => {
                let (branch, rest) = number(bytes)?;
                self.walk(branches[chosen(branch, branches.len(), "branches")?], rest, depth + 1)
            }
            Type::Record(fields) => {
                fields.iter().try_fold(bytes, |rest, field| self.walk(*field, rest, depth + 1))
            }
            Type::Items(item) => self.list(bytes, |rest| self.walk(*item, rest, depth + 1)),
            Type::Pairs(value) => {
                self.list(bytes, |rest| self.walk(*value, text(rest)?, depth + 1))
            }
        }
    }

    fn list<'a>(
        &self,
        mut bytes: &'a [u8],
        item: impl Fn(&'a [u8]) -> Result<&'a [u8], String>,
    ) -> Result<&'a [u8], String> {
        loop {
            let (mut count, mut rest) = number(bytes)?;
            if count < 0 {
                count = count.checked_neg().ok_or("a list of a length that cannot be")?;
                rest = number(rest)?.1;
            }
            if count == 0 {
                return Ok(rest);
            }
            if count > EMPTY_ITEMS_MAX && count as u64 > rest.len() as u64 {
                return Err(format!("a list of {count} items in {} bytes", rest.len()));
            }
            bytes = (0..count).try_fold(rest, |rest, _| item(rest))?;
        }
    }
}

fn number(bytes: &[u8]) -> Result<(i64, &[u8]), String> {
    long(bytes).ok_or_else(|| "a number does not end".to_owned())
}

fn cut(bytes: &[u8], len: i64) -> Result<(&[u8], &[u8]), String> {
    let cut = usize::try_from(len).ok().and_then(|len| bytes.split_at_checked(len));
    cut.ok_or_else(|| format!("a value of {len} bytes where {} are left", bytes.len()))
}

fn blob(bytes: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let (len, rest) = number(bytes)?;
    cut(rest, len)
}

fn text(bytes: &[u8]) -> Result<&[u8], String> {
    let (text, rest) = blob(bytes)?;
    std::str::from_utf8(text).map_err(|error| format!("a text that is not UTF-8 ({error})"))?;
    Ok(rest)
}

fn chosen(number: i64, of: usize, what: &str) -> Result<usize, String> {
    let found = usize::try_from(number).ok().filter(|number| *number < of);
    found.ok_or_else(|| format!("number {number} of {of} {what}"))
}

struct Parser {
    types: Vec<Type>,
    names: HashMap<String, usize>,
}

impl Parser {
    fn add(&mut self, kind: Type) -> usize {
        self.types.push(kind);
        self.types.len() - 1
    }

    fn parse(&mut self, schema: &Value, space: &str, depth: usize) -> Result<usize, String> {
        if depth > DEPTH_MAX {
            return Err(format!("its schema is nested deeper than {DEPTH_MAX}"));
        }
        match schema {
            Value::String(name) => self.named(name, space),
            Value::Array(branches) => {
                let branches = branches
                    .iter()
                    .map(|branch| self.parse(branch, space, depth + 1))
                    .collect::<Result<_, _>>()?;
                Ok(self.add(Type::Union(branches)))
            }
            Value::Object(object) => match object.get("type") {
                Some(Value::String(kind)) => self.complex(kind, schema, space, depth),
                Some(inner) => self.parse(inner, space, depth + 1),
                None => Err("its schema has a type without a type".to_owned()),
            },
            other => Err(format!("its schema has {other} for a type")),
        }
    }

    fn named(&mut self, name: &str, space: &str) -> Result<usize, String> {
        let kind = match name {
            "null" => Type::Nothing,
            "boolean" => Type::Bool,
            "int" | "long" => Type::Long,
            "float" => Type::Bytes(4),
            "double" => Type::Bytes(8),
            "bytes" => Type::Blob,
            "string" => Type::Text,
            _ => {
                let found =
                    self.names.get(&full_name(name, space)).or_else(|| self.names.get(name));
                return found.copied().ok_or_else(|| {
                    format!(
                        "its schema speaks of '{}', and does not say what that is",
                        name.escape_debug()
                    )
                });
            }
        };
        Ok(self.add(kind))
    }

    fn complex(
        &mut self,
        kind: &str,
        schema: &Value,
        space: &str,
        depth: usize,
    ) -> Result<usize, String> {
        let missing = |key: &str| format!("its schema has '{kind}' without {key}");
        match kind {
            "array" | "map" => {
                let key = if kind == "array" { "items" } else { "values" };
                let inner =
                    self.parse(schema.get(key).ok_or_else(|| missing(key))?, space, depth + 1)?;
                Ok(self.add(if kind == "array" { Type::Items(inner) } else { Type::Pairs(inner) }))
            }
            "fixed" => {
                let size =
                    schema.get("size").and_then(Value::as_u64).ok_or_else(|| missing("size"))?;
                let at = self.add(Type::Bytes(usize::try_from(size).map_err(|_| missing("size"))?));
                self.name(schema, space, at);
                Ok(at)
            }
            "enum" => {
                let symbols = schema
                    .get("symbols")
                    .and_then(Value::as_array)
                    .ok_or_else(|| missing("symbols"))?;
                let at = self.add(Type::Enum(symbols.len()));
                self.name(schema, space, at);
                Ok(at)
            }
            "record" | "error" => {
                let at = self.add(Type::Nothing);
                let space = self.name(schema, space, at);
                let fields = schema
                    .get("fields")
                    .and_then(Value::as_array)
                    .ok_or_else(|| missing("fields"))?;
                let fields = fields
                    .iter()
                    .map(|field| {
                        self.parse(
                            field.get("type").ok_or_else(|| missing("a field's type"))?,
                            &space,
                            depth + 1,
                        )
                    })
                    .collect::<Result<_, _>>()?;
                self.types[at] = Type::Record(fields);
                Ok(at)
            }
            name => self.named(name, space),
        }
    }

    /// Gives the namespace of what is within.
    fn name(&mut self, schema: &Value, space: &str, at: usize) -> String {
        let text = |key: &str| schema.get(key).and_then(Value::as_str);
        let full = full_name(text("name").unwrap_or_default(), text("namespace").unwrap_or(space));
        let space = full.rsplit_once('.').map_or(String::new(), |(space, _)| space.to_owned());
        self.names.insert(full, at);
        space
    }
}

fn full_name(name: &str, space: &str) -> String {
    if space.is_empty() || name.contains('.') { name.to_owned() } else { format!("{space}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_ends_where_its_schema_says_and_a_bad_one_says_why() {
        let schema = r#"{"type": "record", "name": "n.R", "fields": [
            {"name": "a", "type": ["null", "string"]}, {"name": "e", "type": {"type": "enum", "name": "E", "symbols": ["x", "y"]}},
            {"name": "l", "type": {"type": "array", "items": "n.E"}}, {"name": "next", "type": ["null", "R"]}]}"#;
        let records = Records::new(schema).unwrap();
        assert_eq!(records.skip(&[2, 4, b'h', b'i', 2, 4, 0, 2, 0, 0, 99]), Ok(&[99][..]));
        assert_eq!(records.skip(&[4]).unwrap_err(), "number 2 of 2 branches");
        assert_eq!(
            records.skip(&[2, 40, b'h']).unwrap_err(),
            "a value of 20 bytes where 1 are left"
        );
        assert_eq!(records.skip(&[0, 4]).unwrap_err(), "number 2 of 2 symbols");
        let endless = [0, 0, 0, 2].repeat(100);
        assert_eq!(records.skip(&endless).unwrap_err(), "it is nested deeper than 64");
    }
}
