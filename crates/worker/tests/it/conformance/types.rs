//! Every value that a sink takes comes back as the same value, whichever of Arrow's types it came as. What a sink has no room for is said
//! before anything is staged; docs/sinks.md names it, and that SQLite keeps no sign of zero.

use super::read::{as_lists, cast};
use super::target::{Place, Target, attempt, on_every_sink, promote};
use crate::schemas::{batch, ints};
use arrow_array::builder::{
    FixedSizeListBuilder, Int64Builder, ListBuilder, ListViewBuilder, MapBuilder, StringBuilder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int8Type, Int32Type, UInt16Type};
use arrow_array::*;
use arrow_buffer::{BooleanBuffer, i256};
use arrow_schema::{DataType, Field, Fields};
use arrow_select::filter::filter_record_batch;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::collections::HashSet;
use std::sync::Arc;
use worker::contract::TopicContract;

on_every_sink!(
    truths_and_numbers_survive,
    decimals_survive,
    times_survive,
    texts_and_bytes_survive,
    categories_and_runs_survive,
    nested_values_survive,
    any_batch_comes_back_as_it_was,
);

/// What is in all of these columns comes back, less the rows that the sink has no room for: these very ones.
fn check_batch(target: &Target, topic: &str, given: &RecordBatch, without_room: &[usize]) {
    let (sinks, job) = (target.worker("w1"), attempt(1, 1));
    let mut contract = TopicContract::new(&target.sink(topic));
    let mut stager = target.stager(&sinks, topic, job);
    let taken = contract.take(given).unwrap();
    assert_eq!(taken.misfits, []);
    let misfits: HashSet<usize> =
        stager.misfits(&taken.rows).into_iter().map(|misfit| misfit.row).collect();
    assert_eq!(misfits, without_room.iter().copied().collect(), "{topic}");
    let fits = |row| !misfits.contains(&row);
    let fits = BooleanBuffer::collect_bool(given.num_rows(), fits).into();
    let rows = filter_record_batch(&taken.rows, &fits).unwrap();
    // In parts, as a guest sends them.
    let middle = rows.num_rows() / 2;
    stager.write(&rows.slice(0, middle)).unwrap();
    stager.write(&rows.slice(middle, rows.num_rows() - middle)).unwrap();
    let Some(unsynced) = stager.seal(contract.schema()).unwrap() else { return };
    promote(&sinks, job, &unsynced.output, &[]).unwrap();
    for (field, expected) in rows.schema().fields().iter().zip(rows.columns()) {
        let found = target.column(topic, field.name(), field.data_type());
        let expected = as_lists(&target.kept(expected));
        assert_eq!(found.to_data(), expected.to_data(), "{topic} {}", field.name());
    }
}

impl Target {
    /// As far as the sink keeps it.
    fn kept(&self, array: &ArrayRef) -> ArrayRef {
        match (&self.place, array.data_type()) {
            (Place::Sqlite, DataType::Float32) => {
                Arc::new(array.as_primitive::<Float32Type>().unary::<_, Float32Type>(|it| it + 0.0))
            }
            (Place::Sqlite, DataType::Float64) => {
                Arc::new(array.as_primitive::<Float64Type>().unary::<_, Float64Type>(|it| it + 0.0))
            }
            _ => array.clone(),
        }
    }

    /// The rows, if the sink is PostgreSQL.
    fn in_postgresql<'a>(&self, rows: &'a [usize]) -> &'a [usize] {
        if matches!(self.place, Place::Postgresql(_)) { rows } else { &[] }
    }
}

struct Checks<'a> {
    target: &'a Target,
    made: usize,
}

impl Checks<'_> {
    fn check(&mut self, name: &str, column: impl Array + 'static) {
        self.check_without(name, column, &[]);
    }

    fn check_without(&mut self, name: &str, column: impl Array + 'static, without_room: &[usize]) {
        self.made += 1;
        let rows = batch(&[(name, Arc::new(column) as ArrayRef)]);
        check_batch(self.target, &format!("t{}", self.made), &rows, without_room);
    }
}

fn checks(target: &Target) -> Checks<'_> {
    Checks { target, made: 0 }
}

fn truths_and_numbers_survive(target: &Target) {
    let mut on = checks(target);
    on.check("null", NullArray::new(3));
    on.check("boolean", BooleanArray::from(vec![Some(true), None, Some(false)]));
    on.check("int8", Int8Array::from(vec![Some(i8::MIN), None, Some(i8::MAX)]));
    on.check("int16", Int16Array::from(vec![Some(i16::MIN), None, Some(i16::MAX)]));
    on.check("int32", Int32Array::from(vec![Some(i32::MIN), None, Some(i32::MAX)]));
    on.check("int64", Int64Array::from(vec![Some(i64::MIN), None, Some(i64::MAX)]));
    on.check("uint8", UInt8Array::from(vec![Some(u8::MAX), None]));
    on.check("uint16", UInt16Array::from(vec![Some(u16::MAX), None]));
    on.check("uint32", UInt32Array::from(vec![Some(u32::MAX), None]));
    let edge = i64::MAX as u64;
    let unsigned = vec![Some(0), Some(edge), Some(edge + 1), Some(u64::MAX), None, Some(10_000)];
    on.check("uint64", UInt64Array::from(unsigned));
    let half: ArrayRef = Arc::new(Float32Array::from(vec![1.5, -2.0, f32::NAN, f32::INFINITY]));
    on.check(
        "float16",
        cast(&half, &DataType::Float16).as_primitive::<types::Float16Type>().clone(),
    );
    let float32 = vec![Some(f32::MIN_POSITIVE), None, Some(0.1), Some(f32::MAX), Some(-0.0)];
    on.check("float32", Float32Array::from(float32));
    let float64 = [0.1, -0.0, 1e300, 5e-324, f64::MIN, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    on.check("float64", Float64Array::from_iter(float64.map(Some).into_iter().chain([None])));
}

fn decimals_survive(target: &Target) {
    let mut on = checks(target);
    let small = Decimal32Array::from(vec![Some(-12_345), None]);
    on.check("decimal32", small.with_precision_and_scale(5, 2).unwrap());
    let middle = Decimal64Array::from(vec![Some(-123_456_789_012), None]);
    on.check("decimal64", middle.with_precision_and_scale(12, 0).unwrap());
    let nines = 10_i128.pow(38) - 1;
    for scale in [0, 2, 37, 38] {
        let large = Decimal128Array::from(vec![Some(nines), Some(-nines), Some(0), Some(-5), None]);
        on.check("decimal128", large.with_precision_and_scale(38, scale).unwrap());
    }
    let huge = i256::from_string(&"9".repeat(76)).unwrap();
    let huge = Decimal256Array::from(vec![Some(huge), Some(i256::MINUS_ONE), None]);
    on.check("decimal256", huge.with_precision_and_scale(76, 10).unwrap());
}

fn times_survive(target: &Target) {
    let mut on = checks(target);
    on.check("date32", Date32Array::from(vec![Some(-1), None, Some(-25_568), Some(-719_162)]));
    on.check("date64", Date64Array::from(vec![Some(-86_400_000), None]));
    on.check("time32 s", Time32SecondArray::from(vec![Some(86_399), None]));
    on.check("time32 ms", Time32MillisecondArray::from(vec![Some(1), None]));
    on.check("time64 us", Time64MicrosecondArray::from(vec![Some(86_399_999_999), None]));
    let fine = target.in_postgresql(&[1]);
    on.check_without("time64 ns", Time64NanosecondArray::from(vec![Some(1_000), Some(1)]), fine);
    on.check("s", TimestampSecondArray::from(vec![Some(-1), None]));
    on.check("ms", TimestampMillisecondArray::from(vec![Some(-1), None]));
    let ages = vec![Some(-62_135_596_800_000_000), Some(253_402_300_799_999_999), None];
    on.check("us", TimestampMicrosecondArray::from(ages));
    let nanoseconds = vec![Some(-1_000), Some(i64::MIN), None, Some(1_001)];
    let fine = target.in_postgresql(&[1, 3]);
    on.check_without("ns", TimestampNanosecondArray::from(nanoseconds.clone()), fine);
    for zone in ["UTC", "+02:00", "Europe/Berlin"] {
        // One hour twice, in the night of a change of clocks.
        let instants = vec![Some(1_729_987_200_000), Some(1_729_990_800_000), None];
        on.check(zone, TimestampMillisecondArray::from(instants).with_timezone(zone));
        on.check(zone, TimestampSecondArray::from(vec![1]).with_timezone(zone));
        let instants = TimestampNanosecondArray::from(nanoseconds.clone());
        on.check_without(zone, instants.with_timezone(zone), fine);
    }
    on.check("duration s", DurationSecondArray::from(vec![Some(-5), None]));
    on.check("duration ms", DurationMillisecondArray::from(vec![Some(-5), None]));
    on.check("duration us", DurationMicrosecondArray::from(vec![Some(-5), None]));
    let fine = target.in_postgresql(&[1]);
    on.check_without(
        "duration ns",
        DurationNanosecondArray::from(vec![Some(-5_000), Some(7)]),
        fine,
    );
}

fn texts_and_bytes_survive(target: &Target) {
    let mut on = checks(target);
    let texts = [
        Some(""),
        None,
        Some("a longer text than twelve"),
        Some("\u{1F600}é"),
        Some("a\0b"),
        Some("NULL"),
        Some("'; DROP TABLE t; --"),
        Some("\u{feff}x\r\n\t\\"),
        Some("1.50"),
    ];
    let nul = target.in_postgresql(&[4]);
    on.check_without("utf8", StringArray::from_iter(texts), nul);
    on.check_without("large utf8", LargeStringArray::from_iter(texts), nul);
    on.check_without("utf8 view", StringViewArray::from_iter(texts), nul);
    let bytes: Vec<Option<&[u8]>> = vec![Some(b""), None, Some(b"\xff\x00 longer than twelve")];
    on.check("binary", BinaryArray::from(bytes.clone()));
    on.check("large binary", LargeBinaryArray::from(bytes.clone()));
    on.check("binary view", BinaryViewArray::from(bytes));
    let fixed = vec![Some(&b"ab"[..]), None, Some(b"cd")];
    let fixed = FixedSizeBinaryArray::try_from_sparse_iter_with_size(fixed.into_iter(), 2);
    on.check("fixed binary", fixed.unwrap());
}

fn categories_and_runs_survive(target: &Target) {
    let mut on = checks(target);
    let texts = [Some("red"), None, Some("green"), Some("red")];
    on.check("category", texts.into_iter().collect::<DictionaryArray<Int8Type>>());
    on.check("category", texts.into_iter().collect::<DictionaryArray<UInt16Type>>());
    let keys = Int32Array::from(vec![Some(1), None, Some(0)]);
    let numbers = DictionaryArray::<Int32Type>::try_new(keys, ints(&[7, 8])).unwrap();
    on.check("category of numbers", numbers);
    on.check("runs", ["a", "a", "b"].into_iter().map(Some).collect::<RunArray<Int32Type>>());
}

fn nested_values_survive(target: &Target) {
    let mut on = checks(target);
    let mut lists = ListBuilder::new(StringBuilder::new());
    lists.append_value([Some("a\"b\\"), None, Some("")]);
    lists.append_null();
    lists.append_value(Vec::<Option<&str>>::new());
    let lists = lists.finish();
    on.check("list", lists.clone());
    let large = DataType::LargeList(Arc::new(Field::new_list_field(DataType::Utf8, true)));
    let list: ArrayRef = Arc::new(lists.clone());
    on.check("large list", cast(&list, &large).as_list::<i64>().clone());
    let mut pairs = FixedSizeListBuilder::new(Int64Builder::new(), 2);
    pairs.values().append_slice(&[i64::MIN, i64::MAX]);
    pairs.append(true);
    pairs.values().append_nulls(2);
    pairs.append(false);
    on.check("fixed list", pairs.finish());
    let mut map = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    map.keys().append_value("k");
    map.values().append_null();
    map.keys().append_value("");
    map.values().append_value(i64::MAX);
    map.append(true).unwrap();
    map.append(false).unwrap();
    on.check("map", map.finish());
    let decimals = Decimal128Array::from(vec![Some(10_i128.pow(38) - 1), None, Some(-5)]);
    let floats = vec![Some(f64::NAN), Some(f64::NEG_INFINITY), Some(0.1)];
    let parts: Vec<(&str, ArrayRef)> = vec![
        ("a b", ints(&[1, 2, i64::MIN])),
        ("l", list),
        ("d", Arc::new(decimals.with_precision_and_scale(38, 2).unwrap())),
        ("f", Arc::new(Float64Array::from(floats))),
        ("day", Arc::new(Date32Array::from(vec![-25_568, 0, 1]))),
        ("at", Arc::new(TimestampMicrosecondArray::from(vec![-1, 0, 1]))),
    ];
    let field = |(name, part): &(&str, ArrayRef)| Field::new(*name, part.data_type().clone(), true);
    let fields: Fields = parts.iter().map(field).collect();
    let nulls = vec![true, false, true].into();
    let parts = parts.into_iter().map(|(_, part)| part).collect();
    // What lies below a null object is not kept: it is no value.
    on.check("object", without_hidden(&StructArray::new(fields, parts, Some(nulls))));
    let mut views = ListViewBuilder::new(Int64Builder::new());
    views.append_value([Some(1), None]);
    views.append_null();
    on.check("list view", views.finish());
}

fn without_hidden(object: &StructArray) -> StructArray {
    let rows = UInt32Array::from_iter(
        (0..object.len() as u32).map(|row| object.is_valid(row as usize).then_some(row)),
    );
    let shown = arrow_select::take::take(object, &rows, None).unwrap();
    shown.as_struct().clone()
}

/// Columns of any values; text that PostgreSQL has no place for is left to the tests above.
fn columns() -> impl Strategy<Value = RecordBatch> {
    let any_float = prop_oneof![any::<f64>(), any::<i32>().prop_map(f64::from), Just(f64::NAN)];
    let any_float = any_float.prop_map(|it| if it.is_nan() { f64::NAN } else { it });
    let digits = -(10_i128.pow(38) - 1)..10_i128.pow(38);
    let stamps = -62_135_596_800_000_000..253_402_300_799_999_999_i64;
    let row = (
        any::<Option<i64>>(),
        any::<Option<u64>>(),
        prop::option::of(any_float),
        prop::option::of("[^\0]{0,20}"),
        any::<Option<Vec<u8>>>(),
        prop::option::of(stamps),
        prop::option::of(digits),
    );
    prop::collection::vec(row, 1..60).prop_map(|rows| {
        let decimals = rows.iter().map(|row| row.6).collect::<Decimal128Array>();
        batch(&[
            ("a", Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>()) as ArrayRef),
            ("b", Arc::new(rows.iter().map(|row| row.1).collect::<UInt64Array>())),
            ("c", Arc::new(rows.iter().map(|row| row.2).collect::<Float64Array>())),
            ("d", Arc::new(rows.iter().map(|row| row.3.as_deref()).collect::<StringArray>())),
            ("e", Arc::new(rows.iter().map(|row| row.4.as_deref()).collect::<BinaryArray>())),
            ("f", Arc::new(rows.iter().map(|row| row.5).collect::<TimestampMicrosecondArray>())),
            ("g", Arc::new(decimals.with_precision_and_scale(38, 7).unwrap())),
        ])
    })
}

fn any_batch_comes_back_as_it_was(target: &Target) {
    let config = ProptestConfig { cases: 6, failure_persistence: None, ..Default::default() };
    let number = std::cell::Cell::new(0);
    let one = |rows: RecordBatch| {
        number.set(number.get() + 1);
        check_batch(target, &format!("any{}", number.get()), &rows, &[]);
        Ok(())
    };
    TestRunner::new(config).run(&columns(), one).unwrap();
}
