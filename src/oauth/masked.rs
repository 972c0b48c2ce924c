//! What the log must not hold: the email addresses of people.

use std::borrow::Cow;
use std::fmt;

/// What is shown to a person and kept out of the log: its Debug text tells nothing.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Hidden<T>(pub T);

impl<T> fmt::Debug for Hidden<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// What stands in the place of an address.
const MASK: &str = "(address)";

/// The text with a mask in the place of each email address, also of one that is escaped in a URL. What is between blanks,
/// quotes, brackets and separators counts as an address if an at sign is in it.
pub(crate) fn without_addresses(text: &str) -> Cow<'_, str> {
    // However often it is escaped: %40, %2540, %252540.
    let is_escaped = |word: &str| word.split('%').skip(1).any(|code| code.trim_start_matches("25").starts_with("40"));
    let is_address = |word: &str| word.contains('@') || is_escaped(word);
    if !is_address(text) {
        return Cow::Borrowed(text);
    }
    let ends = |c: char| c.is_whitespace() || "\"'`<>()[]{},;:/?&=|\\".contains(c);
    let mut masked = String::with_capacity(text.len());
    for part in text.split_inclusive(ends) {
        let word = part.trim_end_matches(ends);
        let (shown, end) = (if is_address(word) { MASK } else { word }, &part[word.len()..]);
        masked.push_str(shown);
        masked.push_str(end);
    }
    Cow::Owned(masked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_masked_wherever_it_stands() {
        for (text, masked) in [
            ("no address here", "no address here"),
            ("ada@example.com", "(address)"),
            ("user 'ada@example.com' is blocked", "user '(address)' is blocked"),
            ("<ada+x@sub.example.com>, bob@example.com.", "<(address)>, (address)"),
            ("mailto:ada@example.com?subject=x", "mailto:(address)?subject=x"),
            ("/unsubscribe/ada%40example.com/now", "/unsubscribe/(address)/now"),
            ("/unsubscribe/ada%252540example.com/now", "/unsubscribe/(address)/now"),
            ("/a%20b/%2f", "/a%20b/%2f"),
            ("invalid type: string \"ada@example.com\", expected", "invalid type: string \"(address)\", expected"),
            ("`adä@example.com`", "`(address)`"),
            ("a @ b", "a (address) b"),
        ] {
            assert_eq!(without_addresses(text), masked, "{text}");
        }
    }
}
