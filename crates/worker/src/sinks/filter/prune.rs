//! Row groups that cannot hold a match, by their statistics. Integers only: there the smallest and largest are exact.

use super::expression::{Comparison, Expression, Literal};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;

/// False: no row of the group meets the condition.
pub fn may_match(expression: &Expression, group: &RowGroupMetaData) -> bool {
    match expression {
        Expression::And(left, right) => may_match(left, group) && may_match(right, group),
        Expression::Or(left, right) => may_match(left, group) || may_match(right, group),
        Expression::Compare { column, comparison, literal: Literal::Number(number) } => {
            let value = number.parse::<i64>();
            let range = range(group, column);
            value.ok().zip(range).is_none_or(|(value, range)| may_hold(range, *comparison, value))
        }
        _ => true,
    }
}

fn range(group: &RowGroupMetaData, name: &str) -> Option<(i64, i64)> {
    let column = group.columns().iter().find(|column| column.column_path().parts() == [name])?;
    match column.statistics()? {
        // Unsigned numbers and decimals are stored as integers, too, and mean something else.
        Statistics::Int64(values) if is_plain(column.column_descr()) => {
            Some((*values.min_opt()?, *values.max_opt()?))
        }
        _ => None,
    }
}

fn is_plain(column: &parquet::schema::types::ColumnDescriptor) -> bool {
    use parquet::basic::{ConvertedType, LogicalType};
    let logical = column.logical_type_ref();
    let is_signed = match logical {
        None => true,
        Some(LogicalType::Integer(kind)) => kind.is_signed,
        Some(_) => false,
    };
    is_signed && matches!(column.converted_type(), ConvertedType::NONE | ConvertedType::INT_64)
}

fn may_hold((min, max): (i64, i64), comparison: Comparison, value: i64) -> bool {
    match comparison {
        Comparison::Equal => min <= value && value <= max,
        Comparison::NotEqual => min != value || max != value,
        Comparison::Less => min < value,
        Comparison::LessOrEqual => min <= value,
        Comparison::Greater => max > value,
        Comparison::GreaterOrEqual => max >= value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_that_cannot_hold_a_match_is_skipped() {
        use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        let range = (3, 5);
        let check = |comparison, values: &[(i64, bool)]| {
            for (value, expected) in values {
                assert_eq!(
                    may_hold(range, comparison, *value),
                    *expected,
                    "{comparison:?} {value}"
                );
            }
        };
        check(Equal, &[(2, false), (3, true), (5, true), (6, false)]);
        check(Less, &[(3, false), (4, true)]);
        check(LessOrEqual, &[(2, false), (3, true)]);
        check(Greater, &[(5, false), (4, true)]);
        check(GreaterOrEqual, &[(6, false), (5, true)]);
        check(NotEqual, &[(3, true)]);
        assert!(!may_hold((3, 3), NotEqual, 3));
    }
}
