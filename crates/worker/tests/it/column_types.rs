//! Columns that no table holds are refused by name, and files take any name.

use crate::schemas::{batch, ints, refused, stored};
use arrow_array::*;
use arrow_schema::{DataType, Field, UnionFields};
use std::sync::Arc;

#[test]
fn a_type_that_no_table_holds_is_the_plugins_error_and_named() {
    let fields = [(0, Arc::new(Field::new("a", DataType::Int64, true)))];
    let fields = fields.into_iter().collect::<UnionFields>();
    let union = UnionArray::try_new(fields, vec![0].into(), None, vec![ints(&[1])]).unwrap();
    let error = refused(&[batch(&[("u", Arc::new(union))])]);
    assert!(error.starts_with("topic t: column 'u' has the type Union"), "{error}");
    assert!(error.ends_with("which no table can hold; publish it as another"), "{error}");
    let interval = IntervalMonthDayNanoArray::new_null(1);
    assert!(refused(&[batch(&[("i", Arc::new(interval))])]).contains("column 'i'"));
    let nothing = StructArray::new_empty_fields(1, None);
    assert!(refused(&[batch(&[("s", Arc::new(nothing))])]).contains("column 's'"));
}

#[test]
fn a_column_of_a_file_may_have_any_name() {
    for name in ["", "\n\t\0", "a\"b'c`d", &"n".repeat(70_000)] {
        let stored = stored(&[batch(&[(name, ints(&[1, 2]))])]);
        assert_eq!(&stored[name], &ints(&[1, 2]));
    }
    // Names differ by more than their case.
    let stored = stored(&[batch(&[("a", ints(&[1])), ("A", ints(&[2])), ("a ", ints(&[3]))])]);
    assert_eq!(stored.num_columns(), 5);
}
