//! Parameters of a query or a form (`application/x-www-form-urlencoded`, WHATWG URL section 5.1), decoded by hand: the
//! server that is tested must not read them by the same code.

/// Decoded parameters, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form(pub(crate) Vec<(String, String)>);

impl Form {
    /// Decodes a query or a body; every text decodes to something.
    pub(crate) fn parse(text: &[u8]) -> Self {
        let pairs = text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
        let halves = pairs.map(|pair| match pair.iter().position(|byte| *byte == b'=') {
            Some(at) => (decode(&pair[..at]), decode(&pair[at + 1..])),
            None => (decode(pair), String::new()),
        });
        Form(halves.collect())
    }

    /// The value of a parameter. `None` if it is missing, has no value or came twice.
    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(key, value)| key == name && !value.is_empty());
        let value = values.next().map(|(_, value)| value.as_str());
        if values.next().is_some() { None } else { value }
    }
}

/// The text of a name or a value.
pub(crate) fn decode(text: &[u8]) -> String {
    let digit = |at: usize| text.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut bytes, mut at) = (Vec::with_capacity(text.len()), 0);
    while at < text.len() {
        let (byte, length) = match (text[at], digit(at + 1), digit(at + 2)) {
            (b'+', ..) => (b' ', 1),
            (b'%', Some(high), Some(low)) => ((high * 16 + low) as u8, 3),
            (byte, ..) => (byte, 1),
        };
        bytes.push(byte);
        at += length;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_decoded_as_browsers_encode_them() {
        let form = Form::parse("a=1+2&b=%C3%A9%26%3d&&c&d=%zz%4&e=x=y&%66=%".as_bytes());
        let pairs: Vec<(&str, &str)> = form.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("a", "1 2"), ("b", "é&="), ("c", ""), ("d", "%zz%4"), ("e", "x=y"), ("f", "%")]);
        let all: String = (0..=0x2ff).filter_map(char::from_u32).collect();
        let text = url::form_urlencoded::Serializer::new(String::new()).append_pair(&all, &all).finish();
        assert_eq!(Form::parse(text.as_bytes()).0, [(all.clone(), all)]);
    }

    #[test]
    fn a_parameter_counts_if_it_came_once_with_a_value() {
        let form = Form::parse(b"a=1&b=1&b=2&c=&d=&d=3");
        assert_eq!(["a", "b", "c", "d", "e"].map(|name| form.one(name)), [Some("1"), None, None, Some("3"), None]);
    }
}
