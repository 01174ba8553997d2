//! Names as people write them: `OrderID` without quotes means the file's column `OrderID`, and a column keeps the name that AS gives it.
//! `*` means the columns of the file, without `_row` and `_offset`.

use super::{FILE, OFFSET, ROW};
use datafusion::sql::sqlparser::ast::{
    self, ExcludeSelectItem, Expr, Ident, ObjectName, Select, SelectItem,
    SelectItemQualifiedWildcardKind, TableFactor, VisitMut, VisitorMut, WildcardAdditionalOptions,
};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// Puts quotes around what means one of these columns, or a name that the statement itself gives.
pub(super) fn settle<'a>(statement: &mut ast::Statement, columns: impl Iterator<Item = &'a str>) {
    let mut given = Given::default();
    columns.for_each(|column| given.add(column));
    let _ = statement.visit(&mut Collector(&mut given));
    let _ = statement.visit(&mut Settler(&given));
}

/// Names by their lower-case form.
#[derive(Default)]
struct Given(BTreeMap<String, Vec<String>>);

impl Given {
    fn add(&mut self, name: &str) {
        let all = self.0.entry(name.to_lowercase()).or_default();
        if all.iter().all(|known| known != name) {
            all.push(name.to_owned());
        }
    }

    /// The name as it is spelled, if it can mean only one, or if it stands there exactly so.
    fn meant(&self, ident: &Ident) -> Option<&str> {
        let all = self.0.get(&ident.value.to_lowercase())?;
        let exact = all.iter().find(|name| **name == ident.value);
        let only = all.first().filter(|_| all.len() == 1);
        exact.or(only).map(String::as_str)
    }

    fn settle(&self, ident: &mut Ident) {
        if ident.quote_style.is_some() {
            return;
        }
        if let Some(meant) = self.meant(ident) {
            *ident = Ident { value: meant.to_owned(), quote_style: Some('"'), span: ident.span };
        }
    }
}

struct Collector<'a>(&'a mut Given);

impl VisitorMut for Collector<'_> {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        for item in &select.projection {
            if let SelectItem::ExprWithAlias { alias, .. } = item {
                self.0.add(&alias.value);
            }
        }
        ControlFlow::Continue(())
    }
}

struct Settler<'a>(&'a Given);

impl VisitorMut for Settler<'_> {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        for item in &mut select.projection {
            if let SelectItem::ExprWithAlias { alias, .. } = item {
                self.0.settle(alias);
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(ident) => self.0.settle(ident),
            // The first part may be a table's name.
            Expr::CompoundIdentifier(parts) => {
                parts.iter_mut().skip(1).for_each(|part| self.0.settle(part));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

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
