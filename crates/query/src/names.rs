//! Names as people write them: `OrderID` without quotes means the column `OrderID`, and a column keeps the name that AS gives it.

use datafusion::sql::sqlparser::ast::{
    self, Expr, Ident, ObjectName, ObjectNamePart, Select, SelectItem, VisitMut, VisitorMut,
};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// Puts quotes around what means one of these columns, or a name that the statement itself gives.
pub fn settle<'a>(statement: &mut ast::Statement, columns: impl Iterator<Item = &'a str>) {
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

/// Puts quotes around what means one of these tables.
pub fn settle_tables<'a>(statement: &mut ast::Statement, tables: impl Iterator<Item = &'a str>) {
    struct Relations(Given);
    impl VisitorMut for Relations {
        type Break = ();

        fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<()> {
            if let [ObjectNamePart::Identifier(ident)] = relation.0.as_mut_slice() {
                self.0.settle(ident);
            }
            ControlFlow::Continue(())
        }
    }
    let mut given = Given::default();
    tables.for_each(|table| given.add(table));
    let _ = statement.visit(&mut Relations(given));
}
