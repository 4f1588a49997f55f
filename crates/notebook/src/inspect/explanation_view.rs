//! An explanation as text and as a picture.

use std::fmt;

use lab_core::ndarray::Array3;
use lab_core::text::thousands;

use super::explanation::{Explanation, NEAREST, Neighbour};
use crate::draw::*;
use crate::figures::draw_image;
use crate::prelude::*;
use crate::show::View;

/// The sides of the large pictures and of the nearest images, and the room between two things.
const LARGE: f64 = 256.0;
const SMALL: f64 = 128.0;
const GAP: f64 = 14.0;
const HEADING: f64 = 22.0;

impl Explanation {
    fn name(&self, class: u8) -> &str {
        let name = self.class_names.get(usize::from(class));
        name.map_or("", String::as_str)
    }

    /// `ship (0.21), taken for cat (0.53)`.
    fn verdict(&self) -> String {
        let [truth, predicted] = [self.truth, self.predicted].map(|class| {
            let p = self.probabilities[usize::from(class)];
            format!("{} ({p:.2})", self.name(class))
        });
        match self.truth == self.predicted {
            true => format!("{truth}, recognized"),
            false => format!("{truth}, taken for {predicted}"),
        }
    }

    fn classes(&self) -> impl Iterator<Item = (u8, f32)> {
        (0..=u8::MAX).zip(self.probabilities.iter().copied())
    }

    /// White where a pixel does not move the answer, orange where it moves it most.
    fn heat(&self) -> Array3<u8> {
        let finite = self.saliency.iter().filter(|g| g.is_finite());
        let most = finite.fold(f32::MIN_POSITIVE, |most, g| g.max(most));
        let (height, width) = self.saliency.dim();
        Array3::from_shape_fn((height, width, 3), |(y, x, channel)| {
            let RGBColor(r, g, b) = tint(VALIDATION, f64::from(self.saliency[[y, x]] / most));
            [r, g, b][channel]
        })
    }

    /// The image, what mattered, the probabilities and the nearest training images in one picture.
    ///
    /// ```
    /// use lab_notebook::prelude::*;
    /// let cifar = Cifar10::sample();
    /// let model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
    /// let figure = model.explain(&cifar.test, 7, &cifar.train)?.figure()?;
    /// assert!(figure.alt().contains("nearest of 1,000 training images"));
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Value`] for a picture that does not get its room.
    pub fn figure(&self) -> Result<Figure> {
        let side = self.image.dim().0.max(self.image.dim().1).max(1) as f64;
        // A whole number of the picture's pixels, half a CSS pixel each, keeps all squares equal.
        let scale = |room: f64| (2.0 * room / side).floor().max(1.0) / 2.0;
        let (title, right) = (self.verdict(), 2.0 * (LARGE + GAP));
        let second = HEADING + LARGE + GAP;
        let below = second + HEADING + SMALL;
        let mut page = Page::new(&title, below + 38.0);
        let lines = self.lines().join(", ");
        let words: Vec<&str> = lines.split_whitespace().collect();
        let what = "The image, a heat map of what the answer depends on";
        page.alt = format!("{what}: {}", words.join(" "));
        page.key("true class", Swatch::Block(SERIES[0]));
        if self.truth != self.predicted {
            page.key("predicted, wrong", Swatch::Block(SERIES[1]));
        }
        page.draw(|area| {
            let moves = format!("how much each pixel moves {}", self.name(self.predicted));
            let searched = self.searched_text();
            let headings = [
                ("the image", (0.0, 8.0)),
                (&NOTE.fit(&moves, LARGE), (LARGE + GAP, 8.0)),
                ("the probabilities", (right + 8.0, 8.0)),
                (&searched, (0.0, second + 8.0)),
            ];
            for (text, place) in headings {
                area.text(text, NOTE, HPos::Left, place)?;
            }
            draw_image(area, &self.image, (0.0, HEADING), scale(LARGE))?;
            draw_image(area, &self.heat(), (LARGE + GAP, HEADING), scale(LARGE))?;
            self.draw_bars(area, right + 72.0)?;
            for (i, near) in self.nearest.iter().enumerate() {
                let left = i as f64 * (WIDTH - SMALL) / (NEAREST - 1) as f64;
                draw_image(area, &near.image, (left, second + HEADING), scale(SMALL))?;
                let same = near.label == self.truth;
                let font = if same { TICK.bold() } else { TICK };
                let (class, middle) = (font.fit(self.name(near.label), SMALL), left + SMALL / 2.0);
                area.text(&class, font, HPos::Center, (middle, below + 10.0))?;
                area.text(&distance(near), TICK, HPos::Center, (middle, below + 26.0))?;
            }
            Ok(())
        })
    }

    /// A row for each class: its name, a bar from `left`, its probability.
    fn draw_bars(&self, area: &Area<'_>, left: f64) -> Drawn {
        let row = LARGE / self.probabilities.len() as f64;
        for (class, p) in self.classes() {
            let (y, half) = (
                HEADING + row * (f64::from(class) + 0.5),
                (0.3 * row).min(8.0),
            );
            let (colour, font) = match class {
                class if class == self.truth => (SERIES[0], NAME.bold()),
                class if class == self.predicted => (SERIES[1], NAME.bold()),
                _ => (SERIES[7], TICK),
            };
            let end = left + (WIDTH - left - 36.0) * f64::from(p.clamp(0.002, 1.0));
            let name = font.fit(self.name(class), 66.0);
            area.text(&name, font, HPos::Right, (left - 6.0, y))?;
            area.fill((left, y - half), (end, y + half), colour)?;
            area.text(&format!("{p:.2}"), font, HPos::Left, (end + 5.0, y))?;
        }
        Ok(())
    }

    fn searched_text(&self) -> String {
        let images = thousands(self.searched);
        format!("the nearest of {images} training images, and the distance of their pixels")
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.verdict()];
        for (class, p) in self.classes() {
            lines.push(format!("{:>12} {p:.3}", self.name(class)));
        }
        lines.push(format!("{}:", self.searched_text()));
        for near in &self.nearest {
            let (class, distance) = (self.name(near.label), distance(near));
            lines.push(format!("{class:>12} {distance:>6}  (image {})", near.index));
        }
        lines
    }
}

fn distance(near: &Neighbour) -> String {
    thousands(near.distance.round() as usize)
}

impl Show for Explanation {
    fn view(&self) -> View {
        View::picture(self.figure(), self)
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().join("\n"))
    }
}
