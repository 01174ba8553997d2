//! What a statement is given.

/// A value that both databases know. Flags are numbers in either, so that one text of a statement serves both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
    Null(Kind),
}

/// PostgreSQL wants to know of what kind a value is that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    Text,
    Blob,
}

impl Value {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Int(_) => Kind::Int,
            Self::Text(_) => Kind::Text,
            Self::Blob(_) => Kind::Blob,
            Self::Null(kind) => *kind,
        }
    }

    pub(super) fn into_int(self) -> Option<i64> {
        if let Self::Int(value) = self { Some(value) } else { None }
    }

    /// PostgreSQL takes every character but one.
    pub(super) fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) if text.contains('\0') => Some(text.replace('\0', "\u{fffd}")),
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn into_blob(self) -> Option<Vec<u8>> {
        if let Self::Blob(value) = self { Some(value) } else { None }
    }
}

pub(crate) trait Bind {
    const KIND: Kind;

    fn value(self) -> Value;
}

impl<T: Bind> Bind for Option<T> {
    const KIND: Kind = T::KIND;

    fn value(self) -> Value {
        self.map_or(Value::Null(T::KIND), T::value)
    }
}

impl Bind for &Option<String> {
    const KIND: Kind = Kind::Text;

    fn value(self) -> Value {
        self.as_deref().value()
    }
}

macro_rules! bind {
    ($kind:ident: $($of:ty => $make:expr),+ $(,)?) => {
        $(impl Bind for $of {
            const KIND: Kind = Kind::$kind;

            fn value(self) -> Value {
                let make: fn(Self) -> _ = $make;
                Value::$kind(make(self))
            }
        })+
    };
}

bind!(Int:
    i64 => |it| it,
    i32 => i64::from,
    u32 => i64::from,
    bool => i64::from,
);
bind!(Text:
    String => |it| it,
    &str => str::to_owned,
    &String => String::clone,
);
bind!(Blob:
    Vec<u8> => |it| it,
    &[u8] => <[u8]>::to_vec,
    &Vec<u8> => Vec::clone,
);
