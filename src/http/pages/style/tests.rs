use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// The rules of a style sheet: what encloses the declarations, outermost first, and the declarations.
fn rules(css: &str) -> Vec<(Vec<String>, BTreeMap<String, String>)> {
    let (mut rules, mut open, mut start) = (Vec::new(), Vec::new(), 0);
    for (i, c) in css.char_indices() {
        match c {
            '{' => open.push(css[start..i].split("*/").last().unwrap().trim().to_owned()),
            '}' => {
                let declarations = css[start..i].split(';').filter_map(|line| line.trim().split_once(": "));
                rules.push((open.clone(), declarations.map(|(k, v)| (k.to_owned(), v.to_owned())).collect()));
                open.pop();
            }
            _ => continue,
        }
        start = i + 1;
    }
    rules
}

/// The colours of the light and of the dark scheme, as the cascade leaves them.
fn schemes(css: &str) -> [BTreeMap<String, Rgb>; 2] {
    let (mut light, mut dark) = (BTreeMap::new(), BTreeMap::new());
    for (enclosing, declarations) in rules(css) {
        let colors = declarations.iter().filter_map(|(name, value)| Some((name.clone(), Rgb::parse(value)?)));
        match enclosing.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [":root"] => {
                light.extend(colors.clone());
                dark.extend(colors);
            }
            ["@media (prefers-color-scheme: dark)", ":root"] => dark.extend(colors),
            _ => {}
        }
    }
    [light, dark]
}

/// What is read on what.
const READ_ON: [(&str, &[&str]); 7] = [
    ("--text", &["--page", "--card"]),
    ("--muted", &["--page", "--card"]),
    ("--accent-ink", &["--page", "--card"]),
    ("--on-accent", &["--accent", "--accent-hover"]),
    ("--good", &["--page", "--card"]),
    ("--bad", &["--page", "--card"]),
    ("--warn", &["--warn-ground"]),
];

fn assert_readable(css: &str, what: &str) {
    for (scheme, colors) in ["light", "dark"].into_iter().zip(schemes(css)) {
        for (text, grounds) in READ_ON {
            for ground in grounds {
                let contrast = colors[text].contrast(colors[*ground]);
                assert!(contrast >= READABLE, "{what}, {scheme}: {text} on {ground} has {contrast:.2}");
            }
        }
        // The outline of a button or an input needs less (WCAG 2.2, 1.4.11).
        for ground in ["--page", "--card"] {
            assert!(colors["--control"].contrast(colors[ground]) >= 3.0, "{what}, {scheme}: {ground}");
        }
    }
}

#[test]
fn contrast_is_counted_as_wcag_does() {
    assert_eq!(Rgb::WHITE.contrast(Rgb::BLACK), 21.0);
    let grey = Rgb::parse("#767676").unwrap().contrast(Rgb::WHITE);
    assert!((grey - 4.54).abs() < 0.01, "{grey}");
    for wrong in ["", "#fff", "fffffff", "#gggggg", "#+12345", "#12345é", "#1234567"] {
        assert_eq!(Rgb::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn everything_can_be_read_in_both_schemes() {
    assert_readable(STYLE, "ours");
    let [light, dark] = schemes(STYLE);
    assert_eq!((light["--page"], dark["--card"]), (LIGHT_GROUND, DARK_GROUND));
}

#[test]
fn everything_can_be_read_whatever_the_accent() {
    let steps = [0, 51, 102, 118, 119, 153, 204, 255];
    for r in steps {
        for g in steps {
            for b in steps {
                let accent = Rgb(r, g, b).to_string();
                let css = stylesheet(Some(&accent));
                assert_readable(&css, &accent);
                assert_eq!(schemes(&css)[0]["--accent"].to_string(), accent);
            }
        }
    }
}

#[test]
fn an_accent_keeps_its_hue_in_the_dark() {
    let [light, dark] = schemes(&stylesheet(Some("#2f5bd7")));
    assert_eq!(light["--accent-ink"].to_string(), "#2f5bd7");
    assert_eq!(light["--on-accent"], Rgb::WHITE);
    let Rgb(r, g, b) = dark["--accent"];
    assert!(r < g && g < b && dark["--on-accent"] == Rgb::BLACK, "{}", dark["--accent"]);
    assert_eq!(stylesheet(Some("red; } body { display: none")), STYLE);
    assert_eq!(stylesheet(None), STYLE);
}

#[test]
fn the_style_sheet_uses_only_colours_that_are_checked() {
    let grounds: BTreeSet<_> = READ_ON.iter().flat_map(|(_, grounds)| *grounds).copied().collect();
    let variable = |value: &str| value.strip_prefix("var(").and_then(|rest| rest.strip_suffix(')')).map(str::to_owned);
    for (enclosing, declarations) in rules(STYLE) {
        let at = enclosing.join(" ");
        if at.ends_with(":root") || at.contains("forced-colors") {
            continue;
        }
        for (name, value) in &declarations {
            assert!(!value.contains('#') && !value.contains("rgb") && !value.contains("url("), "{at}: {name}");
            assert!(name != "background", "{at}: say background-color");
        }
        let text = declarations.get("color").filter(|value| *value != "inherit").map(|value| variable(value).unwrap());
        let ground = declarations
            .get("background-color")
            .filter(|value| *value != "transparent")
            .map(|value| variable(value).unwrap());
        if let Some(text) = &text {
            let (_, on) = READ_ON.iter().find(|(checked, _)| checked == text).expect(text);
            assert!(ground.as_deref().is_none_or(|ground| on.contains(&ground)), "{at}");
        }
        assert!(ground.as_deref().is_none_or(|ground| grounds.contains(ground)), "{at}");
    }
}

#[test]
fn a_button_holds_back_for_a_moment_even_under_reduced_motion() {
    let held: Vec<_> =
        rules(STYLE).into_iter().filter(|(_, d)| d.get("animation").is_some_and(|a| a.starts_with("hold"))).collect();
    assert_eq!(held.len(), 1);
    assert_eq!((&held[0].0[..], held[0].1["animation"].as_str()), (&["button".to_owned()][..], "hold 600ms"));
    for (enclosing, declarations) in rules(STYLE) {
        let other = declarations.contains_key("animation") && enclosing.last().is_some_and(|s| s.contains("button"));
        assert!(!other || enclosing == ["button"], "{enclosing:?}");
    }
}
