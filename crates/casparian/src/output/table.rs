//! Tables for people: cells are cleaned, columns as wide as they need to be.

use super::clean::clean;
use std::fmt::Write;

#[derive(Debug, Clone, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
    /// Columns of numbers, which end at the same place.
    numbers: Vec<usize>,
}

impl Table {
    pub fn new(header: &[&str]) -> Self {
        let header = header.iter().map(|name| name.to_uppercase()).collect();
        Self { rows: vec![header], numbers: Vec::new() }
    }

    /// With names that are the data's own: they stand as they are.
    pub fn named(header: &[&str]) -> Self {
        let header = header.iter().map(|name| clean(name).into_owned()).collect();
        Self { rows: vec![header], numbers: Vec::new() }
    }

    /// Without a header: names beside values.
    pub fn bare() -> Self {
        Self::default()
    }

    pub fn numbers(mut self, columns: &[usize]) -> Self {
        self.numbers = columns.to_vec();
        self
    }

    pub fn row<C: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.rows.push(cells.into_iter().map(|cell| clean(cell.as_ref()).into_owned()).collect());
    }

    /// As it is printed.
    pub fn text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths = (0..columns).map(|column| self.width(column)).collect::<Vec<_>>();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let gap = if column == 0 { "" } else { "  " };
                let width = widths[column];
                let _ = if self.numbers.contains(&column) {
                    write!(line, "{gap}{cell:>width$}")
                } else {
                    write!(line, "{gap}{cell:<width$}")
                };
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_cells_are_cleaned() {
        let mut table = Table::new(&["topic", "rows"]).numbers(&[1]);
        table.row(["sales", "12"]);
        table.row(["a\nb", "1,000"]);
        assert_eq!(table.text(), "TOPIC    ROWS\nsales      12\na\\x0ab  1,000\n");
    }
}
