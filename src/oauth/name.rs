//! Names that others chose, as pages may show them.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

/// The most characters of a name that a page shows.
const LONGEST: usize = 80;

/// The most combining characters on one base: more of them grow over the lines above and below. No script needs more.
const MARKS_ON_ONE_BASE: usize = 3;

/// A name as a page may show it: without control, bidirectional and invisible characters, with at most three combining
/// characters on one base and none without a base, spaces collapsed, at most 80 characters.
pub fn showable(text: &str) -> Option<String> {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !is_hidden(*c)).collect();
    let words: Vec<String> = text.split_whitespace().map(without_piles).filter(|word| !word.is_empty()).collect();
    let mut words = words.join(" ");
    if words.chars().count() > LONGEST {
        words = words.chars().take(LONGEST - 1).chain(['…']).collect();
    }
    (!words.is_empty()).then_some(words)
}

/// Whether a character shows nothing of itself, or changes how others are shown.
fn is_hidden(c: char) -> bool {
    matches!(c, '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{13430}'..='\u{1345f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a character is set onto the one before it, or around it. Those that take a place of their own, such as vowels
/// of Indian scripts, do not count.
fn is_mark(c: char) -> bool {
    matches!(c.general_category(), GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark)
}

/// A word without the combining characters that have no base in it, or too many before them on theirs.
fn without_piles(word: &str) -> String {
    let mut on_base = MARKS_ON_ONE_BASE;
    let keep = |c: &char| {
        on_base = if is_mark(*c) { on_base + 1 } else { 0 };
        on_base <= MARKS_ON_ONE_BASE
    };
    word.chars().filter(keep).collect()
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

    #[test]
    fn characters_that_only_format_others_are_not_shown() {
        for range in ['\u{1bca0}'..='\u{1bca3}', '\u{13430}'..='\u{1345f}', '\u{1d173}'..='\u{1d17a}'] {
            for c in range {
                assert_eq!(showable(&format!("Cla{c}ude")).as_deref(), Some("Claude"), "U+{:X}", u32::from(c));
            }
        }
    }

    #[test]
    fn no_base_carries_more_than_three_combining_characters() {
        let pile = |marks: usize| {
            format!(
                "C{}laude",
                "\u{0310}\u{20dd}\u{0f74}\u{1abe}\u{0301}"[..].chars().cycle().take(marks).collect::<String>()
            )
        };
        assert_eq!(showable(&pile(3)), Some(pile(3)));
        assert_eq!(showable(&pile(4)), Some(pile(3)));
        assert_eq!(showable(&pile(60)), Some(pile(3)));
        // Nor does what is not shown begin a new count, and nothing is set onto what stands around the name.
        assert_eq!(showable("e\u{301}\u{301}\u{301}\u{200b}\u{301}\u{301}").as_deref(), Some("e\u{301}\u{301}\u{301}"));
        assert_eq!(showable("\u{338}Claude \u{20e0}\u{301} Code").as_deref(), Some("Claude Code"));
        // As people write.
        for name in ["Việt", "Vie\u{302}\u{323}t", "हिन्दी क्षि", "မြှောင်", "བསྒྲུབས", "กี่ที่", "שָׁלוֹם", "עִבְרִית", "نُصَّ"]
        {
            assert_eq!(showable(name).as_deref(), Some(name));
        }
    }
}
