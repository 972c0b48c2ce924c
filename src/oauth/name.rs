//! Names that others chose, as pages may show them, and what a page calls a client.
//!
//! A registered client calls itself what it likes, and a page of ours vouches for hosts. So whose word a name is stays with
//! it as a type, from here to the template: no text that an app chose can stand where a confirmed host does.

use std::fmt;
use std::net::Ipv6Addr;
use std::ops::Range;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::decompose_compatible;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

/// The most characters of a name that a page shows.
const LONGEST: usize = 80;

/// The most combining characters on one base: more of them grow over the lines above and below. No script needs more.
const MARKS_ON_ONE_BASE: usize = 3;

/// A name as a page may show it: without control, bidirectional and invisible characters, with at most three combining
/// characters on one base and none without a base, spaces collapsed, at most 80 characters.
pub(crate) fn showable(text: &str) -> Option<String> {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !is_hidden(*c)).collect();
    let words: Vec<String> = text.split_whitespace().map(without_piles).filter(|word| !word.is_empty()).collect();
    let mut words = words.join(" ");
    if words.chars().count() > LONGEST {
        words = words.chars().take(LONGEST - 1).chain(['…']).collect();
    }
    (!words.is_empty()).then_some(words)
}

/// What a page calls a client, and whose word that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Headline {
    /// The host of its metadata document, which vouches for it; in ASCII, with its port.
    Confirmed(String),
    /// The name that the operator gave it.
    Configured(String),
    /// The name that it gave itself. It stands in quotation marks wherever it stands.
    Chosen {
        /// The name, without what only this server may say.
        name: String,
        /// Whether it could be taken for a host that vouches: the headline itself then says that nothing is verified.
        like_a_host: bool,
    },
}

impl Headline {
    /// What a client that chose this name is called. `is_known` says whether a document may be at the host of this outline.
    pub(crate) fn chosen(name: &str, is_known: impl Fn(&Outline) -> bool) -> Self {
        let like_a_host = names_a_host(name) || is_known(&Outline::of(name));
        Headline::Chosen { name: name.to_owned(), like_a_host }
    }
}

/// The words of a sentence or a title; templates mark up the parts.
impl fmt::Display for Headline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Headline::Confirmed(host) => f.write_str(host),
            Headline::Configured(name) => f.write_str(name),
            Headline::Chosen { name, like_a_host: false } => write!(f, "“{name}”"),
            Headline::Chosen { name, like_a_host: true } => write!(f, "“{name}” (unverified)"),
        }
    }
}

/// What this server says of clients in its own name, and what no client may say of itself.
const ASSURANCES: [&str; 6] =
    ["set up here by the operator", "set up by the operator", "unconfirmed", "unverified", "confirmed", "verified"];

/// The letters of the assurances, as they are recognised at a glance.
static ASSURED: LazyLock<[Vec<char>; 6]> =
    LazyLock::new(|| ASSURANCES.map(|assurance| Outline::of(assurance).0.chars().collect()));

/// The name that an app gives itself, as a page may show it: [`showable`], and without signs and words of assurance, and
/// without the quotation marks between which it is going to stand.
pub(crate) fn chosen(text: &str) -> Option<String> {
    let signs: String = showable(text)?.chars().filter(|c| !SIGNS.contains(*c) && !QUOTES.contains(*c)).collect();
    let mut name = with_single_apostrophes(&signs);
    while let Some(range) = find_assurance(&name) {
        name.replace_range(range, " ");
        for empty in ["()", "[]", "( )", "[ ]", "(  )", "[  ]"] {
            name = name.replace(empty, " ");
        }
        let ends = |c: char| c.is_whitespace() || "-–—:,;·|/&+".contains(c);
        name = name.trim_matches(ends).to_owned();
    }
    showable(&name)
}

/// Check marks, and the shields and locks that say the same.
const SIGNS: &str = "√☑✅✓✔⍻⛨\u{10102}\u{1f50f}\u{1f510}\u{1f512}\u{1f5f8}\u{1f5f9}\u{1f6e1}\u{1fbb1}";

/// Double quotation marks, and what looks like them.
const QUOTES: &str = "\"«»ʺ˝ˮ˵˶״“”„‟″‴‶‷❝❞⹂〝〞〟＂\u{1f676}\u{1f677}\u{1f678}";

/// Single quotation marks, and what looks like them.
const APOSTROPHES: &str = "'`´ʹʻʼʽˊˋ‘’‚‛′‵＇";

/// Dots between labels (UTS 46 section 4.1, with NFKC before), and what looks like them.
const DOTS: &str = ".·٠۰܁܂᛫ᆞᐧ․‧•∙⋅●⸱⸳。・ㆍꓸꞏ\u{10101}\u{1091f}\u{10a50}\u{1d16d}";

/// Two apostrophes in a row look like one double quotation mark.
fn with_single_apostrophes(name: &str) -> String {
    let is_apostrophe = |c: char| APOSTROPHES.contains(c);
    let mut after_one = false;
    let keep = |c: &char| !(std::mem::replace(&mut after_one, is_apostrophe(*c)) && is_apostrophe(*c));
    name.chars().filter(keep).collect()
}

/// Where a name says one of our assurances: as a part of one word, or as words of their own, however they are spaced.
fn find_assurance(name: &str) -> Option<Range<usize>> {
    let letters = outline_of(name);
    let is_letter = |c: char| c.is_alphanumeric() || is_mark(c);
    ASSURED.iter().find_map(|assurance| {
        let length = assurance.len();
        letters.windows(length).find_map(|window| {
            let says_it = window.iter().map(|letter| letter.outline).eq(assurance.iter().copied());
            let (start, mut end) = (window.first()?.at.start, window.last()?.at.end);
            end += name[end..].chars().take_while(|c| is_mark(*c)).map(char::len_utf8).sum::<usize>();
            let is_one_word = name[start..end].chars().all(is_letter);
            let stands_alone = !name[..start].ends_with(is_letter) && !name[end..].starts_with(is_letter);
            (says_it && (is_one_word || stands_alone)).then_some(start..end)
        })
    })
}

/// Whether a name could be read as that of a host, or has one among its words: labels with dots between them, whatever
/// stands for a dot or a letter, of which the last begins with a letter and has two at least; or an IP address.
fn names_a_host(name: &str) -> bool {
    let text: String = name.nfkc().map(|c| if DOTS.contains(c) { '.' } else { c }).collect();
    let is_part = |c: char| c.is_alphanumeric() || is_mark(c) || matches!(c, '.' | '-' | '_');
    let is_host = |word: &str| {
        let labels: Vec<&str> = word.split('.').filter(|label| label.contains(char::is_alphanumeric)).collect();
        let Some((last, others)) = labels.split_last() else { return false };
        let is_domain = last.chars().count() > 1 && last.starts_with(|c: char| c.is_alphabetic());
        let is_address = labels.len() == 4 && labels.iter().all(|label| label.parse::<u8>().is_ok());
        !others.is_empty() && (is_domain || is_address)
    };
    let is_address = |word: &str| word.trim_matches(['[', ']', '(', ')']).parse::<Ipv6Addr>().is_ok();
    text.split(|c: char| !is_part(c)).any(is_host) || text.split([' ', '/', '%']).any(is_address)
}

/// A name or a host as it is recognised at a glance: its Latin letters and digits in lower case, of which those that look
/// alike are the same, and nothing between them. A letter that looks like no Latin one may look like a dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outline(String);

impl Outline {
    /// The outline of a text.
    pub(crate) fn of(text: &str) -> Self {
        Outline(outline_of(text).into_iter().map(|letter| letter.outline).collect())
    }
}

/// A letter or digit of an outline, and where in the text it comes from.
struct Letter {
    outline: char,
    at: Range<usize>,
}

fn outline_of(text: &str) -> Vec<Letter> {
    let mut letters = Vec::new();
    for (start, c) in text.char_indices() {
        let at = start..start + c.len_utf8();
        decompose_compatible(in_plain(c), |part| {
            let plain = part.to_lowercase().map(look_alike).filter(char::is_ascii_alphanumeric);
            letters.extend(plain.map(|outline| Letter { outline, at: at.clone() }));
        });
    }
    letters
}

/// The letter in a circle, a square or a flag, which no normalisation knows.
fn in_plain(c: char) -> char {
    let code = u32::from(c);
    let index = match code {
        0x1f150..=0x1f169 => code - 0x1f150,
        0x1f170..=0x1f189 => code - 0x1f170,
        0x1f1e6..=0x1f1ff => code - 0x1f1e6,
        _ => return c,
    };
    u8::try_from(index).map_or(c, |index| char::from(b'a' + index))
}

/// The Latin letter that a letter or digit in lower case looks like (UTS 39 section 4, the common ones).
fn look_alike(c: char) -> char {
    match c {
        'а' | 'α' | 'ɑ' | 'ᴀ' => 'a',
        'β' | 'ʙ' => 'b',
        'с' | 'ϲ' | 'ᴄ' => 'c',
        'ԁ' | 'ᴅ' => 'd',
        'е' | 'ε' | 'є' | 'ᴇ' => 'e',
        'ꜰ' => 'f',
        'ց' | 'ɡ' | 'ɢ' => 'g',
        'һ' | 'հ' | 'ʜ' => 'h',
        'i' | '1' | 'і' | 'ι' | 'ı' | 'ɩ' | 'ɪ' | 'ӏ' | 'ʟ' => 'l',
        'ј' | 'ϳ' | 'ᴊ' => 'j',
        'к' | 'κ' | 'ᴋ' => 'k',
        'м' | 'ᴍ' => 'm',
        'η' | 'ո' | 'ɴ' => 'n',
        '0' | 'о' | 'ο' | 'օ' | 'ᴏ' => 'o',
        'р' | 'ρ' | 'ᴘ' => 'p',
        'ԛ' | 'զ' => 'q',
        'ʀ' => 'r',
        'ѕ' | 'ꜱ' => 's',
        'т' | 'τ' | 'ᴛ' => 't',
        'υ' | 'ս' | 'ᴜ' => 'u',
        'ѵ' | 'ν' | 'ᴠ' => 'v',
        'ԝ' | 'ω' | 'ᴡ' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' | 'ʏ' => 'y',
        'ᴢ' => 'z',
        c => c,
    }
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

    #[test]
    fn signs_and_words_of_assurance_are_taken_out_of_a_name() {
        for (name, shown) in [
            ("Claude ✓", Some("Claude")),
            ("✅Claude ✔️☑🗹🛡️🔒", Some("Claude")),
            ("Claude (verified)", Some("Claude")),
            ("Claude – Verified", Some("Claude")),
            ("VERIFIED: Claude", Some("Claude")),
            ("Claude is confirmed", Some("Claude is")),
            ("Claude, confirmed by claude.ai", Some("Claude, by claude.ai")),
            ("ClaudeVerified", Some("Claude")),
            ("Claude veri\u{200b}fied", Some("Claude")),
            ("Claude v e r i f i e d", Some("Claude")),
            ("Claude V-E-R-I-F-I-E-D", Some("Claude")),
            ("Claude ver1fied", Some("Claude")),
            ("Claude vеrіfіеd", Some("Claude")),
            ("Claude veriﬁed", Some("Claude")),
            ("Claude ｖｅｒｉｆｉｅｄ", Some("Claude")),
            ("Claude ⓥⓔⓡⓘⓕⓘⓔⓓ", Some("Claude")),
            ("Claude 🅅🄴🅁🄸🄵🄸🄴🄳 🆅🅴🆁🅸🅵🅸🅴🅳", Some("Claude")),
            ("Claude ᴠᴇʀɪꜰɪᴇᴅ", Some("Claude")),
            ("Claude vérífíéd", Some("Claude")),
            ("Claude verᆞified", Some("Claude")),
            ("Claude (unverified)", Some("Claude")),
            ("Claude. Set up here by the operator of Acme", Some("Claude. of Acme")),
            ("set up\u{a0}here — by the operator", None),
            ("ververifiedified Claude", Some("Claude")),
            ("✓", None),
            ("verified", None),
            ("Claude” is confirmed: “x", Some("Claude is : x")),
            ("Claude'' \"here\" ''x", Some("Claude' here 'x")),
            ("«Claude» „x‟ ″y״ ＂z＂", Some("Claude x y z")),
            // As they are.
            ("O'Reilly’s client", Some("O'Reilly’s client")),
            ("Okta Verify", Some("Okta Verify")),
            ("Confirm edit", Some("Confirm edit")),
            ("Claude Code (work) [2]", Some("Claude Code (work) [2]")),
            ("- Claude -", Some("- Claude -")),
        ] {
            assert_eq!(chosen(name).as_deref(), shown, "{name}");
            assert_eq!(chosen(shown.unwrap_or_default()).as_deref(), shown, "{name}: once is enough");
        }
    }

    fn called(name: &str) -> String {
        let known = ["claude.ai", "app.example.com"].map(Outline::of);
        Headline::chosen(name, |outline| known.contains(outline)).to_string()
    }

    #[test]
    fn a_name_that_could_be_taken_for_a_host_says_in_itself_that_it_is_not_verified() {
        for name in [
            "claude.ai",
            "CLAUDE.AI",
            "claude.ai.",
            " claude . ai",
            "claude。ai",
            "claude．ai",
            "claude｡ai",
            "ｃｌａｕｄｅ．ａｉ",
            "claude․ai",
            "claude·ai",
            "claude・ai",
            "claude٠ai",
            "claudeꓸai",
            "сlaude.ai",
            "xn--pple-43d.example",
            "äpfel.example",
            "中国.中国",
            "https://claude.ai",
            "https://claude.ai/oauth/authorize?x=1",
            "claude.ai:443",
            "user@claude.ai",
            "Claude (claude.ai)",
            "Sign in to claude.ai, now",
            "Claude_claude.ai",
            "127.0.0.1",
            "127.0.0.1:8080",
            "[2606:4700::1111]",
            "::1",
            "Node.js",
            // By their outline those of a host that is known.
            "claude ai",
            "Claude-AI",
            "CLAUDE|AI",
            "cIaude ai",
            "с1аudе аі",
            "ᴄʟᴀᴜᴅᴇ ᴀɪ",
            "🅲🅻🅰🆄🅳🅴 🅰🅸",
            "cláude äi",
            "claudeᆞai",
            "claudeㆍai",
            "claude⠄ai",
            "claudeᐧai",
            "app example com",
        ] {
            assert_eq!(called(name), format!("“{name}” (unverified)"));
        }
        for name in [
            "Claude",
            "Claude Code",
            "VS Code 1.2",
            "v1.2.3",
            "Cursor 2",
            "J.R.R. T",
            "A. I.",
            "Hello. World",
            "MCP CLI Proxy (x)",
            "1.2.3.4.5",
            "example com",
            "3:4",
            "...",
            "Ключ",
            "クライアント",
            "No.1",
        ] {
            assert_eq!(called(name), format!("“{name}”"));
        }
    }

    #[test]
    fn only_what_an_app_chose_stands_in_quotation_marks() {
        assert_eq!(Headline::Confirmed("claude.ai".into()).to_string(), "claude.ai");
        assert_eq!(Headline::Configured("claude.ai".into()).to_string(), "claude.ai");
    }
}
