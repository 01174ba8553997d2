"""Python values of one column, turned into a typed vector. Exact or refused: no value is cast in silence.

The type is found over all values at once. pyarrow's own inference is not used: it drops nanoseconds, mixes dates with
times, and text with bytes, without a word.
"""

from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Context, Decimal, Inexact
from itertools import accumulate, chain
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from casparian_flow.errors import DataError
from casparian_flow.foreign import is_foreign, to_plain

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
DECIMAL_PRECISION_MAX = 38

_EXACT = Context(prec=100, traps=[Inexact])
_EPOCH = datetime(1970, 1, 1)
_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=timezone.utc)
_EPOCH_DAY = date(1970, 1, 1).toordinal()

Values = Sequence[Any]
Valid = Optional[List[bool]]


class Type(NamedTuple):
    kind: str
    zone: Optional[str] = None
    precision: int = 0
    scale: int = 0


class Vector(NamedTuple):
    """A column, or a part of one. Leaves have `values`, with a zero of their type where `valid` says null (no `valid`: no nulls);
    lists have `offsets` into their one child; structs have a child for each of their names."""

    type: Type
    length: int
    valid: Valid = None
    values: Values = ()
    offsets: Sequence[int] = ()
    names: Tuple[str, ...] = ()
    children: Tuple["Vector", ...] = ()

    def slice(self, start: int, count: int) -> "Vector":
        if start == 0 and count == self.length:
            return self
        valid = None if self.valid is None else self.valid[start : start + count]
        if self.type.kind == "list":
            first, last = self.offsets[start], self.offsets[start + count]
            offsets = [offset - first for offset in self.offsets[start : start + count + 1]]
            items = self.children[0].slice(first, last - first)
            return self._replace(length=count, valid=valid, offsets=offsets, children=(items,))
        children = tuple(child.slice(start, count) for child in self.children)
        return self._replace(length=count, valid=valid, values=self.values[start : start + count], children=children)


def vector(values: Values, where: str) -> Vector:
    """`where` names the column for error messages, e.g. `orders[].price`."""
    kinds = _kinds(values)
    if "foreign" in kinds:
        values = [to_plain(value, where) for value in values]
        kinds = _kinds(values)
    valid = [value is not None for value in values] if "null" in kinds else None
    kind = _common_kind(kinds, values, where)
    return _BUILDERS[kind](values, valid, where)


_KIND_OF_TYPE = {
    type(None): "null",
    bool: "bool",
    int: "int",
    float: "float",
    str: "text",
    bytes: "bytes",
    bytearray: "bytes",
    memoryview: "bytes",
    datetime: "timestamp",  # Before date, which it derives from.
    date: "date",
    time: "time",
    timedelta: "duration",
    Decimal: "decimal",
    list: "list",
    tuple: "list",
    dict: "struct",
}


def _kinds(values: Values) -> Dict[str, type]:
    """The kinds that occur, each with one type that is of that kind."""
    return {_kind_of(kind): kind for kind in set(map(type, values))}


def _kind_of(kind: type) -> str:
    known = _KIND_OF_TYPE.get(kind)
    if known:
        return known
    if is_foreign(kind):
        return "foreign"
    if hasattr(kind, "_fields"):
        return "other"  # A named tuple would lose its names as a list.
    if issubclass(kind, Mapping):
        return "struct"
    return next((name for base, name in _KIND_OF_TYPE.items() if issubclass(kind, base)), "other")


def _common_kind(kinds: Dict[str, type], values: Values, where: str) -> str:
    present = {kind: name for kind, name in kinds.items() if kind != "null"}
    if not present:
        return "null"
    for kind in ("other", "foreign"):
        if kind in present:
            raise DataError(f"values of type {_name(present[kind])} cannot be stored{_hint(present[kind])}", where)
    if len(present) == 1:
        return next(iter(present))
    if set(present) == {"int", "float"}:
        _check_exact_as_float(values, where)
        return "float"
    if set(present) == {"int", "decimal"}:
        return "decimal"
    one, other = sorted(map(_name, present.values()))[:2]
    raise DataError(f"holds both {one} and {other}; convert the values to one type", where)


def _name(kind: type) -> str:
    return kind.__name__ if kind.__module__ in ("builtins", "datetime", "decimal") else f"{kind.__module__}.{kind.__name__}"


def _hint(kind: type) -> str:
    return "; use value._asdict()" if hasattr(kind, "_fields") else "; convert it first, e.g. with str()"


def _check_exact_as_float(values: Values, where: str) -> None:
    for value in values:
        if isinstance(value, int) and not _exact_as_float(value):
            raise DataError(f"holds both float and int, and {value} is not exact as a float", where)


def _exact_as_float(value: int) -> bool:
    try:
        return int(float(value)) == value
    except OverflowError:
        return False


def _filled(values: Values, valid: Valid, zero: Any) -> Values:
    return values if valid is None else [zero if value is None else value for value in values]


def _nulls(values: Values, valid: Valid, where: str) -> Vector:
    return Vector(Type("null"), len(values))


def _bools(values: Values, valid: Valid, where: str) -> Vector:
    return Vector(Type("bool"), len(values), valid, _filled(values, valid, False))


def _ints(values: Values, valid: Valid, where: str) -> Vector:
    ints = _filled(values, valid, 0)
    if ints and not (INT64_MIN <= min(ints) and max(ints) <= INT64_MAX):
        worst = max(ints, key=abs)
        raise DataError(f"{worst} is beyond 64 bits; publish the column as decimal.Decimal or str", where)
    return Vector(Type("int64"), len(values), valid, ints)


def _floats(values: Values, valid: Valid, where: str) -> Vector:
    return Vector(Type("float64"), len(values), valid, _filled(values, valid, 0.0))


def _texts(values: Values, valid: Valid, where: str) -> Vector:
    try:
        encoded = [text.encode() for text in _filled(values, valid, "")]
    except UnicodeEncodeError as error:
        raise DataError(f"text that is not valid Unicode ({error}); decode it with errors='replace', or publish bytes", where) from None
    return Vector(Type("utf8"), len(values), valid, encoded)


def _binaries(values: Values, valid: Valid, where: str) -> Vector:
    return Vector(Type("binary"), len(values), valid, [bytes(value) for value in _filled(values, valid, b"")])


def _dates(values: Values, valid: Valid, where: str) -> Vector:
    days = [0 if value is None else value.toordinal() - _EPOCH_DAY for value in values]
    return Vector(Type("date32"), len(values), valid, days)


def _timestamps(values: Values, valid: Valid, where: str) -> Vector:
    # By id, because some libraries' zones cannot be hashed.
    zones = list({id(value.tzinfo): value.tzinfo for value in values if value is not None}.values())
    if None in zones and len(zones) > 1:
        raise DataError("holds datetimes both with and without a time zone", where)
    zone, epoch = (None, _EPOCH) if None in zones else (_zone_name(zones), _EPOCH_UTC)
    try:
        micros = [0 if value is None else _micros(value - epoch) for value in values]
    except OverflowError:
        raise DataError("a datetime that leaves the years 1 to 9999 when moved to UTC", where) from None
    return Vector(Type("timestamp", zone=zone), len(values), valid, micros)


def _zone_name(zones: Sequence[Optional[tzinfo]]) -> str:
    """The zone that all share, else UTC: the instants are the same."""
    names = {_one_zone_name(zone) for zone in zones if zone is not None}
    return names.pop() if len(names) == 1 else "UTC"


def _one_zone_name(zone: tzinfo) -> str:
    name = getattr(zone, "key", None) or getattr(zone, "zone", None)  # zoneinfo, pytz
    if name:
        return str(name)
    offset = zone.utcoffset(None)
    if not offset or offset % timedelta(minutes=1):
        return "UTC"
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    return f"{'-' if offset < timedelta(0) else '+'}{hours:02}:{minutes:02}"


def _micros(span: timedelta) -> int:
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


def _times(values: Values, valid: Valid, where: str) -> Vector:
    if any(value is not None and value.tzinfo is not None for value in values):
        raise DataError("a time of day with a time zone is no instant; publish a datetime", where)
    micros = [0 if value is None else _micros_of_day(value) for value in values]
    return Vector(Type("time64"), len(values), valid, micros)


def _micros_of_day(value: time) -> int:
    return ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond


def _durations(values: Values, valid: Valid, where: str) -> Vector:
    return Vector(Type("duration"), len(values), valid, _fit([0 if value is None else _micros(value) for value in values], where))


def _fit(micros: List[int], where: str) -> List[int]:
    if micros and not (INT64_MIN <= min(micros) and max(micros) <= INT64_MAX):
        raise DataError("a duration does not fit 64 bits of microseconds", where)
    return micros


def _decimals(values: Values, valid: Valid, where: str) -> Vector:
    decimals = [Decimal(value) for value in values if value is not None]
    special = next((value for value in decimals if not value.is_finite()), None)
    if special is not None:
        raise DataError(f"{special} is not a number that a decimal can hold; publish None", where)
    scale = max(0, *(-_exponent(value) for value in decimals))
    precision = max(1, scale + max(0, *(value.adjusted() + 1 for value in decimals)))
    if precision > DECIMAL_PRECISION_MAX:
        raise DataError(f"decimals that need {precision} digits, {scale} of them after the point; {DECIMAL_PRECISION_MAX} are possible", where)
    scaled = [0 if value is None else int(Decimal(value).scaleb(scale, _EXACT)) for value in values]
    return Vector(Type("decimal", precision=precision, scale=scale), len(values), valid, scaled)


def _exponent(value: Decimal) -> int:
    return int(value.as_tuple().exponent)


def _lists(values: Values, valid: Valid, where: str) -> Vector:
    filled = _filled(values, valid, ())
    offsets = [0, *accumulate(map(len, filled))]
    items = vector(list(chain.from_iterable(filled)), f"{where}[]")
    return Vector(Type("list"), len(values), valid, offsets=offsets, children=(items,))


def _structs(values: Values, valid: Valid, where: str) -> Vector:
    rows = _filled(values, valid, {})
    names = tuple(dict.fromkeys(chain.from_iterable(rows)))
    check_keys(names, where)
    children = tuple(vector([row.get(name) for row in rows], f"{where}.{name}") for name in names)
    return Vector(Type("struct"), len(values), valid, names=names, children=children)


def check_keys(names: Sequence[Any], where: Optional[str] = None) -> None:
    for name in names:
        if not isinstance(name, str):
            raise DataError(f"column names are text, and a key of this dict is of type {_name(type(name))}: {name!r}", where)


_BUILDERS: Dict[str, Callable[[Values, Valid, str], Vector]] = {
    "null": _nulls,
    "bool": _bools,
    "int": _ints,
    "float": _floats,
    "text": _texts,
    "bytes": _binaries,
    "date": _dates,
    "timestamp": _timestamps,
    "time": _times,
    "duration": _durations,
    "decimal": _decimals,
    "list": _lists,
    "struct": _structs,
}
