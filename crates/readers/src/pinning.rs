//! What was decided about a file, as the READER line that makes others be read in the same way.

use crate::decision::{ColumnKind, Decision};
use crate::format::Format;
use crate::pins::Pins;

impl Decision {
    pub fn pins(&self) -> Pins {
        let is_native = matches!(self.format, Format::Parquet | Format::Avro | Format::Arrow);
        let mut pins = Pins { format: Some(self.format), ..Pins::default() };
        if is_native {
            return pins;
        }
        pins.encoding.clone_from(&self.encoding);
        pins.records.clone_from(&self.records_at);
        if let Some(layout) = &self.layout {
            pins.header = Some(layout.header);
            pins.skip = Some(layout.skip).filter(|skip| *skip > 0);
            pins.footer = Some(layout.footer).filter(|footer| *footer > 0);
            if self.format == Format::Csv {
                pins.delimiter.clone_from(&layout.delimiter);
                pins.quote = Some(layout.quote);
                pins.escape = layout.escape.map(Some);
                pins.comment = layout.comment.map(Some);
            }
        }
        let typed = self.columns.iter().filter(|column| column.kind != ColumnKind::Native);
        pins.types = typed.map(|column| (column.name.clone(), column.type_name())).collect();
        pins
    }
}
