//! A condition on a batch, by SQL's three-valued logic: what is compared with null is neither true nor false.

use super::error::FilterError;
use super::expression::{Comparison, Expression, Literal};
use super::literal::{Comparable, comparable};
use arrow_array::{Array, BooleanArray, RecordBatch, Scalar};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use arrow_ord::cmp;

/// For each row whether it is so, and whether it is not so; null is neither.
struct Truth {
    is: BooleanBuffer,
    is_not: BooleanBuffer,
}

/// The rows for which it is true.
pub fn evaluate(expression: &Expression, batch: &RecordBatch) -> Result<BooleanArray, FilterError> {
    Ok(BooleanArray::new(truth(expression, batch)?.is, None))
}

fn truth(expression: &Expression, batch: &RecordBatch) -> Result<Truth, FilterError> {
    match expression {
        Expression::And(left, right) => {
            let (left, right) = (truth(left, batch)?, truth(right, batch)?);
            Ok(Truth { is: &left.is & &right.is, is_not: &left.is_not | &right.is_not })
        }
        Expression::Or(left, right) => {
            let (left, right) = (truth(left, batch)?, truth(right, batch)?);
            Ok(Truth { is: &left.is | &right.is, is_not: &left.is_not & &right.is_not })
        }
        Expression::Not(inner) => {
            let Truth { is, is_not } = truth(inner, batch)?;
            Ok(Truth { is: is_not, is_not: is })
        }
        Expression::IsNull { column } => Ok(is_null(column, batch)),
        Expression::Compare { column, comparison, literal } => {
            compare(column, *comparison, literal, batch)
        }
    }
}

/// A column that this file lacks is null in all of its rows.
fn is_null(column: &str, batch: &RecordBatch) -> Truth {
    let rows = batch.num_rows();
    let is = match batch.column_by_name(column) {
        None => BooleanBuffer::new_set(rows),
        Some(column) => match column.logical_nulls() {
            Some(nulls) => !nulls.inner(),
            None => BooleanBuffer::new_unset(rows),
        },
    };
    let is_not = !&is;
    Truth { is, is_not }
}

fn compare(
    name: &str,
    comparison: Comparison,
    literal: &Literal,
    batch: &RecordBatch,
) -> Result<Truth, FilterError> {
    let Some(column) = batch.column_by_name(name) else {
        let unknown = BooleanBuffer::new_unset(batch.num_rows());
        return Ok(Truth { is: unknown.clone(), is_not: unknown });
    };
    let Comparable { column, literal } = comparable(name, column, literal)?;
    let literal = Scalar::new(literal);
    let result = match comparison {
        Comparison::Equal => cmp::eq(&column, &literal),
        Comparison::NotEqual => cmp::neq(&column, &literal),
        Comparison::Less => cmp::lt(&column, &literal),
        Comparison::LessOrEqual => cmp::lt_eq(&column, &literal),
        Comparison::Greater => cmp::gt(&column, &literal),
        Comparison::GreaterOrEqual => cmp::gt_eq(&column, &literal),
    };
    let result = result.map_err(|cause| FilterError::Arrow { column: name.to_owned(), cause })?;
    let (values, nulls) = result.into_parts();
    let known = nulls.map_or_else(|| BooleanBuffer::new_set(values.len()), NullBuffer::into_inner);
    Ok(Truth { is: &values & &known, is_not: &!&values & &known })
}

#[cfg(test)]
mod tests {
    use super::super::expression::Filter;
    use super::*;
    use arrow_array::types::Int32Type;
    use arrow_array::{
        ArrayRef, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int64Array,
        ListArray, StringArray,
    };
    use std::sync::Arc;

    fn batch() -> RecordBatch {
        let decimals = Decimal128Array::from(vec![Some(150), None, Some(-25)]);
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![
            Some(vec![Some(1)]),
            None,
            None,
        ]);
        let columns: [(&str, ArrayRef); 7] = [
            ("n", Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]))),
            ("t", Arc::new(StringArray::from(vec![Some("a"), Some("b"), None]))),
            ("f", Arc::new(Float64Array::from(vec![0.5, 1.5, 2.5]))),
            ("d", Arc::new(decimals.with_precision_and_scale(6, 2).unwrap())),
            ("day", Arc::new(Date32Array::from(vec![Some(0), Some(365), None]))),
            (
                "k",
                Arc::new(
                    vec![Some("x"), None, Some("y")]
                        .into_iter()
                        .collect::<DictionaryArray<Int32Type>>(),
                ),
            ),
            ("l", Arc::new(lists)),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true)))
            .unwrap()
    }

    #[track_caller]
    fn check(text: &str, expected: &[usize]) {
        let found = evaluate(&Filter::parse(text).unwrap().expression, &batch()).unwrap();
        let rows = (0..found.len()).filter(|row| found.value(*row)).collect::<Vec<_>>();
        assert_eq!(rows, expected, "{text}");
    }

    #[test]
    fn conditions_are_those_of_sql() {
        check("n = 1", &[0]);
        check("n <> 1", &[2]);
        check("NOT n = 1", &[2]);
        check("n = 1 OR t = 'b'", &[0, 1]);
        check("n > 2 AND t = 'b'", &[]);
        check("NOT (n = 1 AND t = 'a')", &[1, 2]);
        check("n IS NULL", &[1]);
        check("n IS NOT NULL AND t IS NOT NULL", &[0]);
        check("n IN (1, 3)", &[0, 2]);
        check("n NOT IN (1, 7)", &[2]);
        check("missing IS NULL", &[0, 1, 2]);
        check("missing = 1 OR NOT missing = 1", &[]);
    }

    #[test]
    fn literals_take_the_type_of_their_column() {
        check("n < 2.5", &[0]);
        check("n < 99999999999999999999999", &[0, 2]);
        check("n = -0", &[]);
        check("f >= 1.5", &[1, 2]);
        check("f = 1.5e0", &[1]);
        check("d = 1.5", &[0]);
        check("d = 1.500", &[0]);
        check("d < 1.499", &[2]);
        check("day >= '1971-01-01'", &[1]);
        check("k = 'y'", &[2]);
        check("t >= 'b'", &[1]);
        check("l IS NULL", &[1, 2]);
    }

    #[test]
    fn a_literal_of_another_type_is_refused_with_the_way_to_write_it() {
        let refused = |text: &str| {
            evaluate(&Filter::parse(text).unwrap().expression, &batch()).unwrap_err().to_string()
        };
        assert_eq!(
            refused("n = '1'"),
            "column 'n' is Int64: compare it with a number, without quotes"
        );
        assert_eq!(refused("t = 1"), "column 't' is Utf8: write the value in quotes: '1'");
        assert!(refused("day = 'soon'").contains("'soon' is no such value; e.g. '2026-01-31'"));
        assert!(refused("day = 5").contains("write the value in quotes"));
        assert!(refused("n = TRUE").contains("neither TRUE nor FALSE"));
        assert!(refused("l = 1").contains("only IS NULL and IS NOT NULL"));
    }
}
