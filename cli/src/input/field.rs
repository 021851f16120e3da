//! Reading JSON leniently: whatever a value's type, it is read past and its type remembered.
//!
//! Agents change their formats without notice. So no value of an unexpected type may spoil the rest of its object;
//! what was expected is decided by whoever uses the value.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The longest string that is kept, in bytes: as long as the longest valid field, a project's path.
pub(super) const MAX_TEXT_BYTES: usize = tooltally::ProjectPath::MAX_BYTES;

/// Whole numbers up to here are exact as an `f64`.
const EXACT_BELOW: u64 = 1 << f64::MANTISSA_DIGITS;
const EXACT_F64: f64 = 9_007_199_254_740_992.0;

/// A JSON value of which only scalars are kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Field<'a> {
    /// The key did not appear.
    #[default]
    Absent,
    Null,
    Bool(bool),
    Number(f64),
    /// A whole number that an `f64` might not hold.
    Large(u64),
    Text(Cow<'a, str>),
    /// A string longer than any field may be, read past.
    TooLong,
    /// An array or an object, read past.
    Compound,
}

/// What is wrong with a field. Never holds the value: it may be private.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Problem {
    /// The field, as the input names it.
    pub(super) field: &'static str,
    /// What is wrong with it.
    pub(super) what: &'static str,
}

impl Problem {
    pub(super) const fn new(field: &'static str, what: &'static str) -> Self {
        Self { field, what }
    }

    pub(super) const fn missing(field: &'static str) -> Self {
        Self::new(field, "is missing")
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.what)
    }
}

impl Field<'_> {
    /// Whether the key appeared with a value.
    pub(super) const fn is_given(&self) -> bool {
        !matches!(self, Self::Absent | Self::Null)
    }

    /// The text, where one is given.
    pub(super) fn text(&self, field: &'static str) -> Result<Option<&str>, Problem> {
        match self {
            Self::Absent | Self::Null => Ok(None),
            Self::Text(text) => Ok(Some(text)),
            Self::TooLong => Err(Problem::new(field, "is too long")),
            _ => Err(Problem::new(field, "is not a string")),
        }
    }

    /// The text that must be given.
    pub(super) fn required_text(&self, field: &'static str) -> Result<&str, Problem> {
        self.text(field)?.ok_or(Problem::missing(field))
    }

    /// The truth value, where one is given.
    pub(super) fn bool(&self, field: &'static str) -> Result<Option<bool>, Problem> {
        match self {
            Self::Absent | Self::Null => Ok(None),
            Self::Bool(value) => Ok(Some(*value)),
            _ => Err(Problem::new(field, "is not true or false")),
        }
    }

    /// The number, where one is given.
    pub(super) fn number(&self, field: &'static str) -> Result<Option<f64>, Problem> {
        match self {
            Self::Absent | Self::Null => Ok(None),
            Self::Number(value) => Ok(Some(*value)),
            #[expect(clippy::cast_precision_loss, reason = "who needs all digits asks for a whole number")]
            Self::Large(value) => Ok(Some(*value as f64)),
            _ => Err(Problem::new(field, "is not a number")),
        }
    }

    /// The whole number from 0 up, where one is given.
    pub(super) fn whole_number(&self, field: &'static str) -> Result<Option<u64>, Problem> {
        let not_whole = Err(Problem::new(field, "is not a whole number from 0 up"));
        match self {
            Self::Large(value) => Ok(Some(*value)),
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "its range was just checked")]
            Self::Number(value) if (0.0..=EXACT_F64).contains(value) && value.fract() == 0.0 => Ok(Some(*value as u64)),
            Self::Number(_) => not_whole,
            other => other.number(field).map(|_| None),
        }
    }
}

/// An object of which some keys are wanted. A key that appears twice counts as it stands last.
pub(super) trait Shape<'de>: Default {
    /// Takes the value of `key` from the map, or reads past it.
    fn set<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error>;
}

/// Reads past the value that stands next.
pub(super) fn skip_value<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    map.next_value::<IgnoredAny>().map(|_| ())
}

/// An object of shape `T`; `None` for a value of any other type.
#[derive(Debug)]
pub(super) struct Object<T>(pub(super) Option<T>);

impl<T> Default for Object<T> {
    fn default() -> Self {
        Self(None)
    }
}

/// A key, borrowed from the input where it can be.
struct Key<'a>(Cow<'a, str>);

/// Writes the visitor methods for the JSON types that need no thought: `$scalar` makes the value of each.
macro_rules! visit_scalars {
    ($($method:ident($type:ty) => $make:expr;)*) => {
        $(fn $method<E: serde::de::Error>(self, value: $type) -> Result<Self::Value, E> {
            let make: fn($type) -> Self::Value = $make;
            Ok(make(value))
        })*
    };
}
pub(super) use visit_scalars;

/// Reads past the rest of an array.
pub(super) fn skip_seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<(), A::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

/// Reads past the rest of an object.
pub(super) fn skip_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

fn keep<'a, 'f>(text: &'a str, make: fn(&'a str) -> Cow<'f, str>) -> Field<'f> {
    if text.len() > MAX_TEXT_BYTES { Field::TooLong } else { Field::Text(make(text)) }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Field<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    visit_scalars! {
        visit_bool(bool) => Field::Bool;
        visit_f64(f64) => Field::Number;
        visit_borrowed_str(&'de str) => |text| keep(text, Cow::Borrowed);
        visit_str(&str) => |text| keep(text, |t| Cow::Owned(t.to_owned()));
    }

    #[expect(clippy::cast_precision_loss, reason = "no field holds a negative number that needs more than 53 bits")]
    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Field::Number(value as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "up to here an f64 is exact")]
    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(if value <= EXACT_BELOW { Field::Number(value as f64) } else { Field::Large(value) })
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Field::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        skip_seq(seq).map(|()| Field::Compound)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        skip_map(map).map(|()| Field::Compound)
    }
}

impl<'de> Deserialize<'de> for Field<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Shape<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    visit_scalars! {
        visit_bool(bool) => |_| Object(None);
        visit_i64(i64) => |_| Object(None);
        visit_u64(u64) => |_| Object(None);
        visit_f64(f64) => |_| Object(None);
        visit_str(&str) => |_| Object(None);
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Object(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        skip_seq(seq).map(|()| Object(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut shape = T::default();
        while let Some(Key(key)) = map.next_key()? {
            shape.set(&key, &mut map)?;
        }
        Ok(Object(Some(shape)))
    }
}

impl<'de, T: Shape<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    visit_scalars! {
        visit_borrowed_str(&'de str) => |key| Key(Cow::Borrowed(key));
        visit_str(&str) => |key| Key(Cow::Owned(key.to_owned()));
    }
}

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}
