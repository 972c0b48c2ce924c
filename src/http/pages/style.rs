//! The one style sheet, in the operator's accent colour.

#[cfg(test)]
mod tests;

use super::color::{READABLE, Rgb};

/// The style sheet without a colour of the operator's own.
pub(super) const STYLE: &str = include_str!("../../../templates/style.css");

/// The darkest ground of the light scheme: `--page`.
pub(super) const LIGHT_GROUND: Rgb = Rgb(0xf5, 0xf4, 0xf2);

/// The lightest ground of the dark scheme: `--card`.
pub(super) const DARK_GROUND: Rgb = Rgb(0x1b, 0x1c, 0x21);

/// The style sheet of all pages, in the operator's accent colour (`#rrggbb`) where there is one.
///
/// In the light scheme buttons have exactly that colour; where it is too pale for text and lines, those get a darker shade.
/// In the dark scheme all of them get a lighter shade as far as needed. What stands on a button is white or black,
/// whichever can be read: the contrast is at least 4.5 : 1 for every accent. Anything but `#rrggbb` has no effect.
pub(crate) fn stylesheet(accent: Option<&str>) -> String {
    let Some(accent) = accent.and_then(Rgb::parse) else { return STYLE.to_owned() };
    let light = properties(accent, accent.darkened_against(LIGHT_GROUND, READABLE));
    let lighter = accent.lightened_against(DARK_GROUND, READABLE);
    let dark = properties(lighter, lighter);
    format!("{STYLE}\n:root {{\n{light}}}\n\n@media (prefers-color-scheme: dark) {{\n:root {{\n{dark}}}\n}}\n")
}

fn properties(accent: Rgb, ink: Rgb) -> String {
    let text = accent.text_on();
    // Away from the text: the contrast only grows.
    let hover = if text == Rgb::WHITE { accent.shaded(-0.07) } else { accent.shaded(0.07) };
    format!("  --accent: {accent};\n  --accent-hover: {hover};\n  --on-accent: {text};\n  --accent-ink: {ink};\n")
}
