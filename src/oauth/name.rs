//! Names that others chose, as pages may show them.

/// A name as a page may show it: without control, bidirectional and invisible characters, spaces collapsed, at most 80 characters.
pub fn showable(text: &str) -> Option<String> {
    let hidden = |c: char| {
        matches!(c, '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
    };
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !hidden(*c)).collect();
    let mut words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() > 80 {
        words = words.chars().take(79).chain(['…']).collect();
    }
    (!words.is_empty()).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shown_without_what_could_deceive() {
        assert_eq!(showable("Cla\u{202e}ude\u{200b}\n\tCode ").as_deref(), Some("Claude Code"));
        assert_eq!(showable("\u{200b}\u{2066} "), None);
        assert_eq!(showable(&"x".repeat(200)).unwrap().chars().count(), 80);
    }
}
