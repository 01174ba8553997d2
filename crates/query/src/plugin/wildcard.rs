//! `*` means the columns of the file, without `_row` and `_offset`, which are there only for who names them.

use super::{FILE, OFFSET, ROW};
use datafusion::sql::sqlparser::ast::{
    self, ExcludeSelectItem, Expr, Ident, ObjectName, Select, SelectItem,
    SelectItemQualifiedWildcardKind, TableFactor, VisitMut, VisitorMut, WildcardAdditionalOptions,
};
use std::ops::ControlFlow;

/// Whether the statement names `_row` or `_offset`.
pub(super) fn names_positions(statement: &mut ast::Statement) -> bool {
    struct Finder;
    impl VisitorMut for Finder {
        type Break = ();

        fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            let last = match expr {
                Expr::Identifier(ident) => Some(&*ident),
                Expr::CompoundIdentifier(parts) => parts.last(),
                _ => None,
            };
            match last {
                Some(ident) if is_position(&ident.value) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    statement.visit(&mut Finder).is_break()
}

fn is_position(name: &str) -> bool {
    name.eq_ignore_ascii_case(ROW) || name.eq_ignore_ascii_case(OFFSET)
}

/// Takes the added columns out of `*` where that means the file's columns.
pub(super) fn leave_out(statement: &mut ast::Statement, added: &[&str]) {
    struct Excluder<'a>(&'a [&'a str]);
    impl VisitorMut for Excluder<'_> {
        type Break = ();

        fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
            let called = calls_file(select);
            for item in &mut select.projection {
                let options = match item {
                    SelectItem::Wildcard(options) if !called.is_empty() => options,
                    SelectItem::QualifiedWildcard(
                        SelectItemQualifiedWildcardKind::ObjectName(name),
                        options,
                    ) if called.iter().any(|called| is_name(name, called)) => options,
                    _ => continue,
                };
                exclude(options, self.0);
            }
            ControlFlow::Continue(())
        }
    }
    let _ = statement.visit(&mut Excluder(added));
}

/// How this SELECT calls `file`, as often as it names it directly.
fn calls_file(select: &Select) -> Vec<String> {
    let joined = |from: &ast::TableWithJoins| {
        let joins = from.joins.iter().map(|join| join.relation.clone());
        std::iter::once(from.relation.clone()).chain(joins).collect::<Vec<_>>()
    };
    let factors = select.from.iter().flat_map(joined);
    factors
        .filter_map(|factor| match factor {
            TableFactor::Table { name, alias, .. } if is_name(&name, FILE) => {
                Some(alias.map_or_else(|| FILE.to_owned(), |alias| alias.name.value))
            }
            _ => None,
        })
        .collect()
}

fn is_name(name: &ObjectName, wanted: &str) -> bool {
    match name.0.as_slice() {
        [part] => part.as_ident().is_some_and(|ident| ident.value.eq_ignore_ascii_case(wanted)),
        _ => false,
    }
}

/// Beside what the statement leaves out itself.
fn exclude(options: &mut WildcardAdditionalOptions, added: &[&str]) {
    let mut names = match options.opt_exclude.take() {
        None => Vec::new(),
        Some(ExcludeSelectItem::Single(name)) => vec![name],
        Some(ExcludeSelectItem::Multiple(names)) => names,
    };
    for name in added {
        if !names.iter().any(|known| is_name(known, name)) {
            names.push(ObjectName::from(vec![Ident::with_quote('"', *name)]));
        }
    }
    options.opt_exclude = Some(ExcludeSelectItem::Multiple(names));
}
