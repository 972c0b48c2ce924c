//! Parses JSON that all parsers read alike. A key that is twice in an object is an error, since one parser takes the first
//! and another the last.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The most messages of a batch: parsed, a small message takes many times its size.
const MAX_BATCH: usize = 1000;

/// Parses a JSON-RPC message or batch, as deep as the name of a called tool.
pub(super) fn parse(bytes: &[u8]) -> serde_json::Result<Part> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let part = Depth { lists: 1, objects: 2 }.deserialize(&mut reader)?;
    reader.end().map(|()| part)
}

/// The part of a JSON value that is parsed.
pub(super) enum Part {
    Text(String),
    List(Vec<Part>),
    Object(BTreeMap<String, Part>),
    /// Another value, or one too deep to matter.
    Other,
}

/// Parses this many levels of lists, and below them of objects. In a parsed object no key may be there twice.
#[derive(Clone, Copy)]
struct Depth {
    lists: u8,
    objects: u8,
}

impl<'de> DeserializeSeed<'de> for Depth {
    type Value = Part;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Part, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Depth {
    type Value = Part;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Part, E> {
        Ok(Part::Text(text.to_owned()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Part, E> {
        Ok(Part::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Part, E> {
        Ok(Part::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Part, E> {
        Ok(Part::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Part, E> {
        Ok(Part::Other)
    }

    fn visit_unit<E>(self) -> Result<Part, E> {
        Ok(Part::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Part, A::Error> {
        let Some(lists) = self.lists.checked_sub(1) else {
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Part::Other);
        };
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Depth { lists, ..self })? {
            list.push(item);
            if list.len() > MAX_BATCH {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(Part::Other);
            }
        }
        Ok(Part::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Part, A::Error> {
        let Some(objects) = self.objects.checked_sub(1) else {
            while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Part::Other);
        };
        let mut object = BTreeMap::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(Depth { lists: 0, objects })?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a key stands twice"));
            }
        }
        Ok(Part::Object(object))
    }
}
