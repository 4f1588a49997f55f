//! How all figures look: sizes in CSS pixels, colours, and the two weights of one typeface.

use std::sync::Once;

use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, FontStyle, RGBColor, TextStyle, register_font};

/// Pixels of the picture in a CSS pixel: figures are sharp on high-density screens.
pub(crate) const DENSITY: u32 = 2;
/// Pixels drawn for a pixel of the picture, each way: their mean makes smooth edges.
pub(crate) const OVERSAMPLING: u32 = 3;
/// Pixels drawn in a CSS pixel.
pub(crate) const UNIT: f64 = (DENSITY * OVERSAMPLING) as f64;

/// What stays white around a figure.
pub(crate) const MARGIN: f64 = 12.0;
/// The width of what a figure that fills the page shows.
pub(crate) const WIDTH: f64 = 760.0 - 2.0 * MARGIN;

pub(crate) const INK: RGBColor = RGBColor(34, 34, 34);
pub(crate) const GREY: RGBColor = RGBColor(95, 95, 95);
pub(crate) const AXIS: RGBColor = RGBColor(150, 150, 150);
pub(crate) const GRID: RGBColor = RGBColor(232, 232, 232);
pub(crate) const WHITE: RGBColor = RGBColor(255, 255, 255);

/// Colours that colour-blind readers can tell apart (Okabe and Ito, 2008), with a wine red (Tol, 2021) and a grey in
/// the place of yellow and black, which are lost on white and among text.
pub(crate) const SERIES: [RGBColor; 8] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(136, 34, 85),
    RGBColor(110, 110, 110),
];
/// Training and validation, and right and wrong, always the same two.
pub(crate) const TRAINING: RGBColor = SERIES[0];
pub(crate) const VALIDATION: RGBColor = SERIES[1];

/// How a line is drawn.
#[derive(Clone, Copy)]
pub(crate) struct Stroke {
    pub(crate) colour: RGBColor,
    pub(crate) width: f64,
    pub(crate) dashed: bool,
}

/// A line to compare with, such as an ideal.
pub(crate) const GUIDE: Stroke = Stroke::new(GREY, 1.0, true);

impl Stroke {
    pub(crate) const fn new(colour: RGBColor, width: f64, dashed: bool) -> Self {
        Self {
            colour,
            width,
            dashed,
        }
    }

    /// The line of the `number`th series: dashed once the colours are used up.
    pub(crate) fn of(number: usize) -> Self {
        let dashed = number / SERIES.len() % 2 == 1;
        Self::new(SERIES[number % SERIES.len()], 2.0, dashed)
    }
}

/// How a text is set.
#[derive(Clone, Copy)]
pub(crate) struct Font {
    size: f64,
    bold: bool,
    colour: RGBColor,
}

pub(crate) const TITLE: Font = Font::new(16.0, true, INK);
pub(crate) const TEXT: Font = Font::new(13.0, false, INK);
pub(crate) const NOTE: Font = Font::new(13.0, false, GREY);
pub(crate) const TICK: Font = Font::new(12.0, false, GREY);
/// A name or a number of the data.
pub(crate) const NAME: Font = Font::new(12.0, false, INK);

impl Font {
    const fn new(size: f64, bold: bool, colour: RGBColor) -> Self {
        Self { size, bold, colour }
    }

    pub(crate) fn coloured(self, colour: RGBColor) -> Self {
        Self { colour, ..self }
    }

    pub(crate) fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    pub(crate) fn sized(self, size: f64) -> Self {
        Self { size, ..self }
    }

    fn description(self) -> FontDesc<'static> {
        static REGISTERED: Once = Once::new();
        REGISTERED.call_once(|| {
            let regular = include_bytes!("../../assets/Inter-Regular.otf");
            let bold = include_bytes!("../../assets/Inter-SemiBold.otf");
            // A test shows that both can be read.
            _ = register_font("Inter", FontStyle::Normal, regular);
            _ = register_font("Inter", FontStyle::Bold, bold);
        });
        let style = [FontStyle::Normal, FontStyle::Bold][usize::from(self.bold)];
        // Plotters takes the height of a line of Inter for the size, which is 1.21 em.
        FontDesc::new(FontFamily::Name("Inter"), 1.21 * UNIT * self.size, style)
    }

    /// For plotters, anchored at the left, centre or right of its place.
    pub(crate) fn style(self, h: HPos) -> TextStyle<'static> {
        let mut style = TextStyle::from(self.description());
        (style.color, style.pos) = (self.colour.to_backend_color(), Pos::new(h, VPos::Top));
        style
    }

    /// How far the middle of the capitals is below the place that plotters gets.
    pub(crate) fn above(self) -> f64 {
        0.24 * self.size
    }

    /// How wide a text is drawn.
    pub(crate) fn width(self, text: &str) -> f64 {
        let size = self.description().box_size(text);
        size.map_or(0.0, |(width, _)| f64::from(width) / UNIT)
    }

    /// How wide the widest of some texts is drawn.
    pub(crate) fn widest(self, texts: &[String]) -> f64 {
        let widths = texts.iter().map(|text| self.width(text));
        widths.fold(0.0, f64::max)
    }

    /// The text, or as much of it as `width` has room for, with `…`.
    pub(crate) fn fit(self, text: &str, width: f64) -> String {
        let mut shown = text.to_owned();
        let mut letters: Vec<char> = text.chars().collect();
        while self.width(&shown) > width && letters.pop().is_some() {
            shown = letters.iter().collect::<String>().trim_end().to_owned() + "…";
        }
        shown
    }

    /// The text in at most `most` lines, broken between words and where it has lines of its own.
    pub(crate) fn wrap(self, text: &str, width: f64, most: usize) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for own in text.lines() {
            for (at, word) in own.split_whitespace().enumerate() {
                let full = lines.len() == most;
                let fits = |line: &str| at > 0 && self.width(&format!("{line} {word}")) <= width;
                match lines.last_mut() {
                    Some(line) if full || fits(line) => *line += &format!(" {word}"),
                    _ => lines.push(word.to_owned()),
                }
            }
        }
        lines.iter().map(|line| self.fit(line, width)).collect()
    }
}

/// CSS pixels as drawn pixels.
pub(crate) fn u(css: f64) -> i32 {
    (css * UNIT).round() as i32
}

/// Whether white reads better on the colour than ink (the contrast of WCAG 2).
pub(crate) fn is_dark(RGBColor(r, g, b): RGBColor) -> bool {
    let light = |c: u8| (f64::from(c) / 255.0).powf(2.2);
    0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b) < 0.21
}

/// The colour on white, at `strength` in [0, 1].
pub(crate) fn tint(RGBColor(r, g, b): RGBColor, strength: f64) -> RGBColor {
    let mix = |c: u8| (255.0 - strength.clamp(0.0, 1.0) * (255.0 - f64::from(c))).round() as u8;
    RGBColor(mix(r), mix(g), mix(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_weights_have_every_character_that_figures_use() {
        // A character that the typeface does not have is drawn as an empty box, which is that of every other such one.
        let drawn = |font: Font, c: char| {
            let mut places = Vec::new();
            let draw = |x: i32, y: i32, _: f32| {
                places.push((x, y));
                Ok::<(), ()>(())
            };
            font.description()
                .draw(&c.to_string(), (0, 0), draw)
                .unwrap()
                .unwrap();
            places
        };
        for font in [TEXT, TITLE] {
            let missing = drawn(font, '猫');
            for c in "Aaz09−–…·×≤≈αλσ∑√∞⁰¹⁵⁹⁻₀→éß".chars() {
                assert!(!drawn(font, c).is_empty(), "{c}");
                assert_ne!(drawn(font, c), missing, "{c}");
            }
        }
    }

    #[test]
    fn texts_are_cut_and_broken_where_there_is_no_more_room() {
        let cut = TEXT.fit("a name that is far too long for its place", 100.0);
        assert!(
            cut.ends_with('…') && TEXT.width(&cut) <= 100.0 && cut.len() > 8,
            "{cut}"
        );
        assert_eq!(TEXT.fit("short", 100.0), "short");
        let lines = TITLE.wrap(&"word ".repeat(40), 200.0, 2);
        assert!(
            lines.len() == 2 && lines[1].ends_with('…') && TITLE.width(&lines[1]) <= 200.0,
            "{lines:?}"
        );
    }

    #[test]
    fn the_colours_of_series_are_far_apart_in_lightness_or_hue() {
        for (i, a) in SERIES.iter().enumerate() {
            for b in &SERIES[..i] {
                let far = |a: u8, b: u8| i32::from(a).abs_diff(i32::from(b));
                assert!(
                    far(a.0, b.0) + far(a.1, b.1) + far(a.2, b.2) > 80,
                    "{a:?} {b:?}"
                );
            }
        }
        assert_eq!(
            (Stroke::of(8).colour, Stroke::of(8).dashed),
            (SERIES[0], true)
        );
    }
}
