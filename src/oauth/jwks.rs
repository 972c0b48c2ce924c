//! Clients' JWK Sets (RFC 7517 section 5), stored as text.
//!
//! Unknown clients supply them, and many are remembered: parsed into a tree, a hostile text takes a hundred times its size.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// A JWK Set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Jwks(Arc<str>);

impl Jwks {
    pub(crate) fn new(set: &Value) -> Self {
        Jwks(set.to_string().into())
    }

    pub(crate) fn to_value(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

impl Serialize for Jwks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Jwks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|set| Jwks::new(&set))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_told_as_it_was_sent_and_takes_no_more_room() {
        let set = serde_json::json!({ "keys": [{ "kty": "EC", "x": "A\"\\", "n": [1, null, {}] }] });
        let kept: Jwks = serde_json::from_value(set.clone()).unwrap();
        assert_eq!((kept.to_value(), serde_json::to_value(&kept).unwrap()), (set.clone(), set.clone()));
        assert_eq!(kept.0.len(), set.to_string().len());
    }
}
