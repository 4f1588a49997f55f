//! How all figures look: sizes in CSS pixels, colours, and the two weights of one typeface.

use ab_glyph::{Font, FontRef};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontFamily, FontStyle, FontTransform, IntoFont, RGBAColor, RGBColor, ShapeStyle,
    TextStyle,
};

/// Device pixels in a CSS pixel: figures are sharp on the screens of today.
pub(crate) const DENSITY: u32 = 2;
/// Units in a CSS pixel. Plotters counts in whole numbers, and a whole CSS pixel is too coarse for a curve.
const UNIT: f64 = 8.0;

/// The width of a figure that fills the page.
pub(crate) const WIDTH: f64 = 760.0;
/// What stays white around a figure.
pub(crate) const MARGIN: f64 = 12.0;

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

/// How a line is drawn: colour, and dashes once the colours are used up.
#[derive(Clone, Copy)]
pub(crate) struct Stroke {
    pub(crate) colour: RGBColor,
    pub(crate) dashed: bool,
}

impl Stroke {
    /// The stroke of the `number`th series of a chart.
    pub(crate) fn of(number: usize) -> Self {
        Self {
            colour: SERIES[number % SERIES.len()],
            dashed: number / SERIES.len() % 2 == 1,
        }
    }
}

/// How a text is set.
#[derive(Clone, Copy)]
pub(crate) struct Type {
    pub(crate) size: f64,
    pub(crate) bold: bool,
    pub(crate) colour: RGBColor,
}

pub(crate) const TITLE: Type = Type {
    size: 16.0,
    bold: true,
    colour: INK,
};
pub(crate) const TEXT: Type = Type {
    size: 13.0,
    bold: false,
    colour: INK,
};
pub(crate) const NOTE: Type = Type {
    size: 13.0,
    bold: false,
    colour: GREY,
};
pub(crate) const TICK: Type = Type {
    size: 12.0,
    bold: false,
    colour: GREY,
};

impl Type {
    /// The same in another colour.
    pub(crate) fn coloured(self, colour: RGBColor) -> Self {
        Self { colour, ..self }
    }

    /// The same in the weight of titles.
    pub(crate) fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    /// For plotters, anchored at the left, centre or right of its place and vertically in the middle.
    pub(crate) fn style(self, h: HPos) -> TextStyle<'static> {
        let weight = if self.bold {
            FontStyle::Bold
        } else {
            FontStyle::Normal
        };
        let font = (FontFamily::SansSerif, self.size * UNIT, weight).into_font();
        TextStyle {
            font,
            color: self.colour.to_backend_color(),
            pos: Pos::new(h, VPos::Center),
        }
    }

    /// The same, read from below to above.
    pub(crate) fn upright(self, h: HPos) -> TextStyle<'static> {
        self.style(h).transform(FontTransform::Rotate270)
    }

    /// How wide a text comes out, in CSS pixels.
    pub(crate) fn width(self, text: &str) -> f64 {
        let font = font(self.bold);
        let em = f64::from(font.units_per_em().unwrap_or(1000.0));
        text.chars()
            .map(|c| {
                f64::from(font.h_advance_unscaled(font.glyph_id(shown(&font, c)))) * self.size / em
            })
            .sum()
    }

    /// The text, or as much of it as `width` has room for, with `…`.
    pub(crate) fn fit(self, text: &str, width: f64) -> String {
        if self.width(text) <= width {
            return text.to_owned();
        }
        let mut cut: Vec<char> = text.chars().collect();
        while let Some(_dropped) = cut.pop() {
            let shorter = cut.iter().collect::<String>().trim_end().to_owned() + "…";
            if self.width(&shorter) <= width {
                return shorter;
            }
        }
        String::new()
    }

    /// The text in at most `most` lines, broken between words.
    pub(crate) fn wrap(self, text: &str, width: f64, most: usize) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for word in text.split_whitespace() {
            let longer = lines.last().map(|line| format!("{line} {word}"));
            match longer.filter(|longer| lines.len() == most || self.width(longer) <= width) {
                Some(longer) => _ = lines.pop().map(|_| lines.push(longer)),
                None => lines.push(word.to_owned()),
            }
        }
        lines.iter().map(|line| self.fit(line, width)).collect()
    }
}

/// The typeface, in its regular or its bold weight.
pub(crate) fn font(bold: bool) -> FontRef<'static> {
    let bytes: &[u8] = if bold {
        include_bytes!("../../assets/Inter-SemiBold.otf")
    } else {
        include_bytes!("../../assets/Inter-Regular.otf")
    };
    FontRef::try_from_slice(bytes).expect("a test shows that the built-in fonts can be read")
}

/// The character, or one that stands for it where the typeface has none.
pub(crate) fn shown(font: &FontRef<'_>, c: char) -> char {
    match c {
        c if c.is_whitespace() || c.is_control() => ' ',
        c if font.glyph_id(c).0 == 0 => '?',
        c => c,
    }
}

/// CSS pixels as units of the drawing.
pub(crate) fn u(css: f64) -> i32 {
    (css * UNIT).round() as i32
}

/// Units of the drawing as device pixels.
pub(crate) fn device(units: i32) -> f32 {
    (f64::from(units) * f64::from(DENSITY) / UNIT) as f32
}

/// A line of `width` CSS pixels.
pub(crate) fn line(colour: RGBColor, width: f64) -> ShapeStyle {
    ShapeStyle {
        color: colour.to_rgba(),
        filled: false,
        stroke_width: u(width) as u32,
    }
}

/// An area of one colour.
pub(crate) fn fill(colour: impl Into<RGBAColor>) -> ShapeStyle {
    ShapeStyle {
        color: colour.into(),
        filled: true,
        stroke_width: 0,
    }
}

/// Dark or white, whichever reads better on the colour (the contrast of WCAG 2).
pub(crate) fn ink_on(RGBColor(r, g, b): RGBColor) -> RGBColor {
    let light = |c: u8| (f64::from(c) / 255.0).powf(2.2);
    let luminance = 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
    if luminance > 0.21 { INK } else { WHITE }
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
        for bold in [false, true] {
            let font = font(bold);
            for c in "Aaz09−–…·×≤≈αλσ∑√∞⁰¹⁵⁹⁻₀→éß".chars() {
                assert_eq!(shown(&font, c), c, "{c}");
            }
            assert_eq!(shown(&font, '猫'), '?');
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
