//! Every value that is stored comes back as the same value; types that no table holds are refused by name.

use crate::schemas::{batch, ints, refused, stored};
use arrow_array::builder::{
    FixedSizeListBuilder, Int64Builder, ListBuilder, ListViewBuilder, MapBuilder, StringBuilder,
};
use arrow_array::types::{Int8Type, Int32Type, UInt16Type};
use arrow_array::*;
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{DataType, Field, Fields, UnionFields};
use std::sync::Arc;

/// The same values, whichever of Arrow's types for them is stored.
#[expect(clippy::needless_pass_by_value, reason = "columns are made where they are checked")]
fn check(name: &str, column: ArrayRef) {
    let given = batch(&[(name, column.clone())]);
    let stored = stored(&[given.clone(), given]);
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let expected = cast_with_options(&column, stored[name].data_type(), &options).unwrap();
    assert_eq!(&stored[name].slice(0, column.len()).to_data(), &expected.to_data(), "{name}");
    assert_eq!(&stored[name].slice(column.len(), column.len()).to_data(), &expected.to_data());
}

#[test]
fn plain_values_survive() {
    check("null", Arc::new(NullArray::new(3)));
    check("boolean", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])));
    check("int8", Arc::new(Int8Array::from(vec![Some(i8::MIN), None, Some(i8::MAX)])));
    check("int16", Arc::new(Int16Array::from(vec![Some(i16::MIN), None])));
    check("int32", Arc::new(Int32Array::from(vec![Some(i32::MIN), None])));
    check("int64", Arc::new(Int64Array::from(vec![Some(i64::MIN), None, Some(i64::MAX)])));
    check("uint8", Arc::new(UInt8Array::from(vec![Some(u8::MAX), None])));
    check("uint16", Arc::new(UInt16Array::from(vec![Some(u16::MAX), None])));
    check("uint32", Arc::new(UInt32Array::from(vec![Some(u32::MAX), None])));
    check("uint64", Arc::new(UInt64Array::from(vec![Some(u64::MAX), None])));
    check("float32", Arc::new(Float32Array::from(vec![Some(f32::MIN_POSITIVE), None])));
    let float64 = vec![Some(0.1), Some(-0.0), Some(f64::NAN), Some(f64::INFINITY), None];
    check("float64", Arc::new(Float64Array::from(float64)));
    let half = arrow_cast::cast(&Float32Array::from(vec![1.5, -2.0]), &DataType::Float16);
    check("float16", half.unwrap());
}

#[test]
fn times_survive() {
    check("date32", Arc::new(Date32Array::from(vec![Some(-1), None, Some(19_000)])));
    check("date64", Arc::new(Date64Array::from(vec![Some(-86_400_000), None])));
    check("time32 s", Arc::new(Time32SecondArray::from(vec![Some(86_399), None])));
    check("time32 ms", Arc::new(Time32MillisecondArray::from(vec![Some(1), None])));
    check("time64 us", Arc::new(Time64MicrosecondArray::from(vec![Some(1), None])));
    check("time64 ns", Arc::new(Time64NanosecondArray::from(vec![Some(1), None])));
    check("s", Arc::new(TimestampSecondArray::from(vec![Some(-1), None])));
    check("ms", Arc::new(TimestampMillisecondArray::from(vec![Some(-1), None])));
    check("us", Arc::new(TimestampMicrosecondArray::from(vec![Some(i64::MAX), None])));
    check("ns", Arc::new(TimestampNanosecondArray::from(vec![Some(i64::MIN), None])));
    for zone in ["UTC", "+02:00", "Europe/Berlin"] {
        check(zone, Arc::new(TimestampMicrosecondArray::from(vec![1]).with_timezone(zone)));
        check(zone, Arc::new(TimestampSecondArray::from(vec![1]).with_timezone(zone)));
    }
    check("duration s", Arc::new(DurationSecondArray::from(vec![Some(-5), None])));
    check("duration ms", Arc::new(DurationMillisecondArray::from(vec![Some(-5), None])));
    check("duration us", Arc::new(DurationMicrosecondArray::from(vec![Some(-5), None])));
    check("duration ns", Arc::new(DurationNanosecondArray::from(vec![Some(-5), None])));
}

#[test]
fn decimals_survive() {
    let small = Decimal32Array::from(vec![Some(-12_345), None]);
    check("decimal32", Arc::new(small.with_precision_and_scale(5, 2).unwrap()));
    let middle = Decimal64Array::from(vec![Some(-123_456_789_012), None]);
    check("decimal64", Arc::new(middle.with_precision_and_scale(12, 0).unwrap()));
    for (precision, value) in [(5, 12_345), (18, -1), (38, 10_i128.pow(38) - 1)] {
        let large = Decimal128Array::from(vec![Some(value), None]);
        check("decimal128", Arc::new(large.with_precision_and_scale(precision, 2).unwrap()));
    }
    let huge = arrow_buffer::i256::from_parts(u128::MAX, 5);
    let huge = Decimal256Array::from(vec![Some(huge), None]);
    check("decimal256", Arc::new(huge.with_precision_and_scale(76, 10).unwrap()));
}

#[test]
fn texts_and_bytes_survive() {
    let texts = vec![Some(""), None, Some("a longer text than twelve"), Some("\u{0}\u{1F600}é")];
    check("utf8", Arc::new(StringArray::from(texts.clone())));
    check("large utf8", Arc::new(LargeStringArray::from(texts.clone())));
    check("utf8 view", Arc::new(StringViewArray::from(texts)));
    let bytes: Vec<Option<&[u8]>> = vec![Some(b""), None, Some(b"\xff\x00 longer than twelve")];
    check("binary", Arc::new(BinaryArray::from(bytes.clone())));
    check("large binary", Arc::new(LargeBinaryArray::from(bytes.clone())));
    check("binary view", Arc::new(BinaryViewArray::from(bytes)));
    let fixed = vec![Some(&b"ab"[..]), None, Some(b"cd")];
    let fixed = FixedSizeBinaryArray::try_from_sparse_iter_with_size(fixed.into_iter(), 2);
    check("fixed binary", Arc::new(fixed.unwrap()));
}

#[test]
fn categories_survive() {
    let texts = [Some("red"), None, Some("green"), Some("red")];
    check("category", Arc::new(texts.into_iter().collect::<DictionaryArray<Int8Type>>()));
    check("category", Arc::new(texts.into_iter().collect::<DictionaryArray<UInt16Type>>()));
    let keys = Int32Array::from(vec![Some(1), None, Some(0)]);
    let numbers = DictionaryArray::<Int32Type>::try_new(keys, ints(&[7, 8])).unwrap();
    check("category of numbers", Arc::new(numbers));
}

#[test]
fn nested_values_survive() {
    let mut lists = ListBuilder::new(StringBuilder::new());
    lists.append_value([Some("a"), None]);
    lists.append_null();
    lists.append_value(Vec::<Option<&str>>::new());
    let lists: ArrayRef = Arc::new(lists.finish());
    check("list", lists.clone());
    let large = DataType::LargeList(Arc::new(Field::new_list_field(DataType::Utf8, true)));
    check("large list", arrow_cast::cast(&lists, &large).unwrap());
    let mut pairs = FixedSizeListBuilder::new(Int64Builder::new(), 2);
    pairs.values().append_slice(&[1, 2]);
    pairs.append(true);
    pairs.values().append_nulls(2);
    pairs.append(false);
    check("fixed list", Arc::new(pairs.finish()));
    let mut map = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    map.keys().append_value("k");
    map.values().append_null();
    map.append(true).unwrap();
    map.append(false).unwrap();
    check("map", Arc::new(map.finish()));
    let parts: Vec<(Arc<Field>, ArrayRef)> = vec![
        (Arc::new(Field::new("a", DataType::Int64, true)), ints(&[1, 2, 3])),
        (Arc::new(Field::new("l", lists.data_type().clone(), true)), lists),
    ];
    let nulls = vec![true, false, true].into();
    let (fields, parts): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    let object = StructArray::new(Fields::from(fields), parts, Some(nulls));
    // What lies below a null object is not kept: it is no value.
    let stored = stored(&[batch(&[("object", Arc::new(object.clone()))])]);
    assert_eq!(stored["object"].as_ref(), &object as &dyn Array);
    let mut views = ListViewBuilder::new(Int64Builder::new());
    views.append_value([Some(1), None]);
    views.append_null();
    check("list view", Arc::new(views.finish()));
}

#[test]
fn runs_survive() {
    let runs = ["a", "a", "b"].into_iter().map(Some).collect::<RunArray<Int32Type>>();
    let expected = batch(&[("runs", Arc::new(runs.clone()))]);
    let stored = stored(&[expected]);
    let plain = |array: &dyn Array| arrow_cast::cast(array, &DataType::Utf8).unwrap();
    assert_eq!(&plain(&stored["runs"]), &plain(&runs));
}

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
fn a_column_may_have_any_name() {
    for name in [
        "",
        " ",
        "a.b",
        "SELECT",
        "\n\t\0",
        "é\u{1F600}",
        "a\"b'c`d",
        "list",
        "_x",
        &"n".repeat(70_000),
    ] {
        check(name, ints(&[1, 2]));
    }
    // Names differ by more than their case.
    let stored = stored(&[batch(&[("a", ints(&[1])), ("A", ints(&[2])), ("a ", ints(&[3]))])]);
    assert_eq!(stored.num_columns(), 5);
}
