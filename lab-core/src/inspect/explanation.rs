//! Why an image got its answer: the probabilities, the pixels that mattered, the training images most like it.

use std::fmt;

use ndarray::{Array2, Array3};
use plotters::element::Rectangle;
use plotters::style::RGBColor;
use plotters::style::text_anchor::HPos;

use crate::compute::Threads;
use crate::data::Dataset;
use crate::error::{LabError, Result};
use crate::metrics::predicted_classes;
use crate::model::Sequential;
use crate::plots::figure::{Area, Figure, Key, Page};
use crate::plots::figures::draw_image;
use crate::plots::html::escape;
use crate::plots::notebook::show;
use crate::plots::theme::{
    GREY, INK, MARGIN, NOTE, Stroke, TICK, Type, VALIDATION, WIDTH, fill, tint, u,
};
use crate::text::thousands;

/// How many training images are shown, and how many classes at most.
const NEAREST: usize = 5;
const BARS: usize = 10;
/// Images that one thread compares at a time.
const PIECE: usize = 500;

/// What the answer to one image depends on: prints as text, and [`Explanation::figure`] draws it.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The image, (height, width, channels).
    pub image: Array3<u8>,
    /// Its true class.
    pub truth: u8,
    /// The class of the greatest output.
    pub predicted: u8,
    /// The network's outputs, one for each class: probabilities where it ends in softmax.
    pub probabilities: Vec<f32>,
    /// The names of the classes.
    pub class_names: Vec<String>,
    /// |∂z / ∂x| of the predicted class's z, before the softmax, by each pixel x as the network is given it; the greatest
    /// of its channels, (height, width) (Simonyan, Vedaldi and Zisserman, 2014).
    pub saliency: Array2<f32>,
    /// The training images nearest to it, nearest first: five, or all where there are fewer.
    pub nearest: Vec<Neighbour>,
    /// How many training images were looked through.
    pub searched: usize,
}

/// A training image that is like the one explained.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbour {
    /// Its place in the training data.
    pub index: usize,
    /// Its class.
    pub label: u8,
    /// The Euclidean distance of the pixels, each channel from 0 to 255.
    pub distance: f64,
    /// The image, (height, width, channels).
    pub image: Array3<u8>,
}

impl Sequential {
    /// Why image `index` of `data` gets its answer: the probabilities, the pixels on which the predicted class depends
    /// most, and the nearest images of `train`.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let cifar = Cifar10::sample();
    /// let model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
    /// let explanation = model.explain(&cifar.test, 7, &cifar.train)?;
    /// assert_eq!(explanation.saliency.dim(), (32, 32));
    /// assert!(explanation.nearest[0].distance <= explanation.nearest[4].distance);
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Value`] for an index past the end, training data without images or with other classes, or weights that
    /// are no numbers any more; [`LabError::Shape`] where the images do not fit the network or each other.
    pub fn explain(&self, data: &Dataset, index: usize, train: &Dataset) -> Result<Explanation> {
        let one = data.subset(&[index])?;
        let shape = data.image_shape();
        self.check_inputs("data", &shape)?;
        if data.class_count() != self.output_size() {
            let (found, expected) = (
                format!("({})", self.output_size()),
                format!("({})", data.class_count()),
            );
            return Err(LabError::shape(
                "last layer",
                found,
                expected,
                "give it one unit for each class",
            ));
        }
        let remedy = "give the data that the network learnt from";
        if train.image_shape() != shape {
            let (found, expected) = (format!("{:?}", train.image_shape()), format!("{shape:?}"));
            return Err(LabError::shape("training data", found, expected, remedy));
        }
        if train.is_empty() || train.class_names() != data.class_names() {
            let found = if train.is_empty() {
                "no images"
            } else {
                "other classes"
            };
            return Err(LabError::value(
                "training data",
                found,
                "images of the same classes",
                remedy,
            ));
        }
        let threads = Threads::new(None)?;
        let mut trace = self.trace(&one, &threads)?;
        let last = self.architecture().layers().len() - 1;
        let output = self.output_array(trace.output(last).to_vec());
        let predicted = predicted_classes(output.view())?[0];
        let gradient = self.input_gradient(&mut trace, predicted.into(), &threads);
        let greatest = gradient
            .chunks_exact(shape[2])
            .map(|pixel| pixel.iter().fold(0.0, |most: f32, g| most.max(g.abs())));
        let saliency =
            Array2::from_shape_vec((shape[0], shape[1]), greatest.collect()).unwrap_or_default();
        let image = one
            .image(0)
            .map(|image| image.to_owned())
            .unwrap_or_default();
        Ok(Explanation {
            nearest: nearest(&image, train, &threads),
            image,
            truth: data.label(index).unwrap_or_default(),
            predicted,
            probabilities: output.iter().copied().collect(),
            class_names: data.class_names().to_vec(),
            saliency,
            searched: train.len(),
        })
    }
}

/// The images of `train` with the smallest distances; of equal ones the first.
fn nearest(image: &Array3<u8>, train: &Dataset, threads: &Threads) -> Vec<Neighbour> {
    let pixels: Vec<u8> = image.iter().copied().collect();
    let mut squares = vec![(0_u64, 0_usize); train.len()];
    threads.chunks(&mut squares, PIECE, |piece, squares| {
        for (index, square) in (piece * PIECE..).zip(squares) {
            let other = train
                .image(index)
                .and_then(|other| other.to_slice())
                .unwrap_or_default();
            *square = (squared_distance(&pixels, other), index);
        }
    });
    let count = NEAREST.min(squares.len());
    squares.select_nth_unstable(count - 1);
    squares[..count].sort_unstable();
    let neighbour = |&(square, index): &(u64, usize)| {
        let (label, image) = (train.label(index)?, train.image(index)?.to_owned());
        Some(Neighbour {
            index,
            label,
            distance: (square as f64).sqrt(),
            image,
        })
    };
    squares[..count].iter().filter_map(neighbour).collect()
}

fn squared_distance(a: &[u8], b: &[u8]) -> u64 {
    // Sums of 4,096 squares fit into 32 bits, which the processor adds many at a time.
    let part = |a: &[u8], b: &[u8]| -> u32 {
        a.iter()
            .zip(b)
            .map(|(a, b)| (i32::from(*a) - i32::from(*b)).pow(2) as u32)
            .sum()
    };
    a.chunks(4096)
        .zip(b.chunks(4096))
        .map(|(a, b)| u64::from(part(a, b)))
        .sum()
}

/// The sides of the large pictures and of the nearest images, and the room between two things, in CSS pixels.
const LARGE: f64 = 256.0;
const SMALL: f64 = 128.0;
const GAP: f64 = 14.0;
const HEADING: f64 = 22.0;

impl Explanation {
    fn name(&self, class: u8) -> &str {
        self.class_names
            .get(usize::from(class))
            .map_or("", String::as_str)
    }

    /// `ship (0.21), taken for cat (0.53)`.
    fn verdict(&self) -> String {
        let [truth, predicted] = [self.truth, self.predicted].map(|class| {
            let p = self
                .probabilities
                .get(usize::from(class))
                .copied()
                .unwrap_or(f32::NAN);
            format!("{} ({p:.2})", self.name(class))
        });
        if self.truth == self.predicted {
            format!("{truth}, recognized")
        } else {
            format!("{truth}, taken for {predicted}")
        }
    }

    /// The classes that are shown, in their order: all, or those with the greatest outputs.
    fn shown(&self) -> Vec<(u8, f32)> {
        let mut classes: Vec<(u8, f32)> = (0..=u8::MAX)
            .zip(self.probabilities.iter().copied())
            .collect();
        classes.sort_by(|a, b| b.1.total_cmp(&a.1));
        classes.truncate(BARS);
        classes.sort_by_key(|class| class.0);
        classes
    }

    /// The image, what mattered, the probabilities and the nearest training images in one picture.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let cifar = Cifar10::sample();
    /// let model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
    /// let figure = model.explain(&cifar.test, 7, &cifar.train)?.figure()?;
    /// assert!(figure.alt().contains("nearest of 1,000 training images"));
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Value`] for an image that is too large for the picture.
    pub fn figure(&self) -> Result<Figure> {
        let side = self.image.dim().0.max(self.image.dim().1).max(1);
        if side > 2 * SMALL as usize {
            let found = format!("{side} pixels a side");
            return Err(LabError::value(
                "image",
                found,
                "at most 256",
                "explain smaller images",
            ));
        }
        // A whole number of device pixels, half a CSS pixel each, keeps all squares equal.
        let scale = |room: f64| (2.0 * room / side as f64).floor() / 2.0;
        let most = self
            .saliency
            .iter()
            .copied()
            .filter(|g| g.is_finite())
            .fold(f32::MIN_POSITIVE, f32::max);
        let mut heat = Array3::zeros((self.saliency.nrows(), self.saliency.ncols(), 3));
        for ((y, x), g) in self.saliency.indexed_iter() {
            let RGBColor(red, green, blue) = tint(VALIDATION, f64::from(g / most));
            [red, green, blue]
                .into_iter()
                .enumerate()
                .for_each(|(channel, value)| heat[[y, x, channel]] = value);
        }
        let key = |name: &str, series: usize| Key {
            name: name.into(),
            stroke: Stroke::of(series),
            block: Some(1.0),
        };
        let mut legend = vec![key("true class", 0), key("predicted, wrong", 1)];
        legend.truncate(1 + usize::from(self.truth != self.predicted));
        let title = self.verdict();
        let second = HEADING + LARGE + GAP;
        let below = second + HEADING + SMALL;
        let (subtitle, width) = (String::new(), WIDTH - 2.0 * MARGIN);
        let page = Page {
            title: &title,
            subtitle,
            legend,
            width,
            height: below + 38.0,
        };
        page.draw(self.alt(), |area| {
            let mattered = LARGE + GAP;
            write(area, "the image", (NOTE, HPos::Left), LARGE, (0.0, 8.0))?;
            draw_image(area, &self.image.view(), (0.0, HEADING), scale(LARGE))?;
            let depends = format!("how much each pixel moves {}", self.name(self.predicted));
            write(area, &depends, (NOTE, HPos::Left), LARGE, (mattered, 8.0))?;
            draw_image(area, &heat.view(), (mattered, HEADING), scale(LARGE))?;
            self.draw_bars(area, 2.0 * mattered)?;
            write(
                area,
                &self.searched_text(),
                (NOTE, HPos::Left),
                width,
                (0.0, second + 8.0),
            )?;
            for (i, neighbour) in self.nearest.iter().enumerate() {
                let left = i as f64 * (width - SMALL) / (NEAREST - 1) as f64;
                draw_image(
                    area,
                    &neighbour.image.view(),
                    (left, second + HEADING),
                    scale(SMALL),
                )?;
                let same = if neighbour.label == self.truth {
                    TICK.bold()
                } else {
                    TICK
                };
                let (class, distance) = (
                    self.name(neighbour.label),
                    distance_text(neighbour.distance),
                );
                write(
                    area,
                    class,
                    (same, HPos::Center),
                    SMALL,
                    (left + SMALL / 2.0, below + 10.0),
                )?;
                write(
                    area,
                    &distance,
                    (TICK, HPos::Center),
                    SMALL,
                    (left + SMALL / 2.0, below + 26.0),
                )?;
            }
            Ok(())
        })
    }

    /// A row for each class from `left` to the right edge: name, bar, number.
    fn draw_bars(&self, area: &Area<'_>, left: f64) -> Result<()> {
        let (name, number) = (72.0, 36.0);
        let length = WIDTH - 2.0 * MARGIN - left - name - number;
        write(
            area,
            "the probabilities",
            (NOTE, HPos::Left),
            name + length,
            (left + 8.0, 8.0),
        )?;
        for (i, (class, p)) in self.shown().into_iter().enumerate() {
            let middle = HEADING + LARGE / BARS as f64 * (i as f64 + 0.5);
            let (series, kind) = match class {
                class if class == self.truth => (0, TICK.coloured(INK).bold()),
                class if class == self.predicted => (1, TICK.coloured(INK).bold()),
                _ => (7, TICK.coloured(GREY)),
            };
            let bar = length * f64::from(p.clamp(0.0, 1.0));
            write(
                area,
                self.name(class),
                (kind, HPos::Right),
                name - 6.0,
                (left + name - 6.0, middle),
            )?;
            let corners = [
                (u(left + name), u(middle - 8.0)),
                (u(left + name + bar.max(0.5)), u(middle + 8.0)),
            ];
            area.draw(&Rectangle::new(corners, fill(Stroke::of(series).colour)))?;
            write(
                area,
                &format!("{p:.2}"),
                (kind, HPos::Left),
                number,
                (left + name + bar + 5.0, middle),
            )?;
        }
        Ok(())
    }

    fn searched_text(&self) -> String {
        format!(
            "the nearest of {} training images, and the distance of their pixels",
            thousands(self.searched)
        )
    }

    /// The text without its bars, in one line.
    fn alt(&self) -> String {
        let text = self.to_string().replace('█', "");
        let lines = text
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        format!(
            "The image, a heat map of what the answer depends on: {}",
            lines.collect::<Vec<_>>().join(", ")
        )
    }

    /// Shows the picture in a notebook; evcxr calls this for the last expression of a cell.
    pub fn evcxr_display(&self) {
        let html = self.figure().map_or_else(
            |error| escape(&error.to_string()),
            |figure| figure.to_html(),
        );
        show(&html, &self.to_string());
    }
}

/// Writes as much of a text as there is room for.
fn write(
    area: &Area<'_>,
    text: &str,
    (kind, h): (Type, HPos),
    room: f64,
    (x, y): (f64, f64),
) -> Result<()> {
    Ok(area.draw_text(&kind.fit(text, room), &kind.style(h), (u(x), u(y)))?)
}

fn distance_text(distance: f64) -> String {
    thousands(distance.round() as usize)
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.verdict())?;
        for (class, p) in self.shown() {
            let bar = "█".repeat((20.0 * p.clamp(0.0, 1.0)).round() as usize);
            writeln!(f, "{:>12} {p:.3} {bar}", self.name(class))?;
        }
        write!(f, "{}:", self.searched_text())?;
        for Neighbour {
            index,
            label,
            distance,
            ..
        } in &self.nearest
        {
            write!(
                f,
                "\n{:>12} {:>6}  (image {index})",
                self.name(*label),
                distance_text(*distance)
            )?;
        }
        Ok(())
    }
}
