//! Colours, and how well one can be read on another (WCAG 2.2).

use std::fmt;

/// The contrast that WCAG 2.2 asks of text (1.4.3).
pub(super) const READABLE: f64 = 4.5;

/// A colour in sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rgb(pub(super) u8, pub(super) u8, pub(super) u8);

impl Rgb {
    /// `#ffffff`.
    pub(super) const WHITE: Rgb = Rgb(0xff, 0xff, 0xff);
    /// `#000000`.
    pub(super) const BLACK: Rgb = Rgb(0, 0, 0);

    /// Reads `#rrggbb`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let channel = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
        Some(Rgb(channel(0)?, channel(2)?, channel(4)?))
    }

    /// The contrast ratio with `other`, from 1 to 21.
    pub(super) fn contrast(self, other: Rgb) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// White where it can be read on this colour, else black: one of the two always has 4.5 : 1.
    pub(super) fn text_on(self) -> Rgb {
        if self.contrast(Rgb::WHITE) >= READABLE { Rgb::WHITE } else { Rgb::BLACK }
    }

    /// The same hue, as much darker as this contrast with `ground` asks for.
    pub(super) fn darkened_against(self, ground: Rgb, contrast: f64) -> Rgb {
        self.stepped(-0.01, |shade| shade.contrast(ground) >= contrast, Rgb::BLACK)
    }

    /// The same hue, as much lighter as this contrast with `ground` asks for.
    pub(super) fn lightened_against(self, ground: Rgb, contrast: f64) -> Rgb {
        let lighter = |shade: Rgb| shade.luminance() > ground.luminance();
        self.stepped(0.01, |shade| lighter(shade) && shade.contrast(ground) >= contrast, Rgb::WHITE)
    }

    fn stepped(self, step: f64, good: impl Fn(Rgb) -> bool, last: Rgb) -> Rgb {
        (0..=100).map(|i| self.shaded(step * f64::from(i))).find(|shade| good(*shade)).unwrap_or(last)
    }

    /// The same hue and saturation, with a lightness (of HSL, 0 to 1) changed by `by`.
    pub(super) fn shaded(self, by: f64) -> Rgb {
        if by == 0.0 {
            return self;
        }
        let [r, g, b] = self.channels();
        let (max, min) = (r.max(g).max(b), r.min(g).min(b));
        let (lightness, chroma) = ((max + min) / 2.0, max - min);
        if chroma == 0.0 {
            let grey = to_byte(lightness + by);
            return Rgb(grey, grey, grey);
        }
        let saturation = chroma / (1.0 - (2.0 * lightness - 1.0).abs());
        let lightness = (lightness + by).clamp(0.0, 1.0);
        let new_chroma = saturation * (1.0 - (2.0 * lightness - 1.0).abs());
        let low = lightness - new_chroma / 2.0;
        // Within one hue each channel keeps its place between the lowest and the highest.
        let channel = |value: f64| to_byte(low + (value - min) / chroma * new_chroma);
        Rgb(channel(r), channel(g), channel(b))
    }

    fn luminance(self) -> f64 {
        let [r, g, b] = self.channels().map(|c| if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    fn channels(self) -> [f64; 3] {
        [self.0, self.1, self.2].map(|c| f64::from(c) / 255.0)
    }
}

impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// A channel of 0 to 1 as a byte.
fn to_byte(channel: f64) -> u8 {
    (channel.clamp(0.0, 1.0) * 255.0).round() as u8
}
