//! Why an image got its answer: the probabilities, the pixels that mattered, the training images most like it.

use std::fmt;

use crate::draw::*;
use crate::figures::{bar_panel, draw_image};
use crate::prelude::*;
use crate::show::View;
use lab_core::metrics::predicted_classes;
use lab_core::ndarray::{Array2, Array3};
use lab_core::text::thousands;

/// How many training images are shown.
const NEAREST: usize = 5;
/// The sides of the large pictures and of the nearest images, and the room between two things.
const LARGE: f64 = 256.0;
const SMALL: f64 = 128.0;
const GAP: f64 = 14.0;

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

/// An error where the data does not fit the network, or the training data does not fit the data.
fn check(model: &Sequential, data: &Dataset, train: &Dataset) -> Result<()> {
    let (units, classes) = (model.output_size(), data.class_count());
    if classes != units {
        let (found, expected) = (format!("({units})"), format!("({classes})"));
        let remedy = "give it one unit for each class";
        return Err(LabError::shape("last layer", found, expected, remedy));
    }
    let remedy = "give the data that the network learnt from";
    if train.image_shape() != data.image_shape() {
        let [found, expected] = [train, data].map(|data| format!("{:?}", data.image_shape()));
        return Err(LabError::shape("training data", found, expected, remedy));
    }
    if train.is_empty() || train.class_names() != data.class_names() {
        let found = ["other classes", "no images"][usize::from(train.is_empty())];
        let expected = "images of the same classes";
        return Err(LabError::value("training data", found, expected, remedy));
    }
    Ok(())
}

pub(super) fn explain(
    model: &Sequential,
    data: &Dataset,
    index: usize,
    train: &Dataset,
) -> Result<Explanation> {
    let one = data.subset(&[index])?;
    let outputs = model.predict(&one)?;
    check(model, data, train)?;
    let predicted = predicted_classes(outputs.view())?[0];
    let mut model = model.clone();
    model.forward(&one, Mode::Inference)?;
    let gradient = model.input_gradient(predicted.into())?;
    let [height, width, channels] = data.image_shape();
    let greatest = |(y, x)| {
        let pixel = &gradient[(y * width + x) * channels..][..channels];
        pixel.iter().fold(0.0, |most: f32, g| most.max(g.abs()))
    };
    let image = one.image(0).map(|image| image.to_owned());
    let image = image.unwrap_or_default();
    Ok(Explanation {
        nearest: nearest(&image, train),
        image,
        truth: one.label(0).unwrap_or_default(),
        predicted,
        probabilities: outputs.iter().copied().collect(),
        class_names: data.class_names().to_vec(),
        saliency: Array2::from_shape_fn((height, width), greatest),
        searched: train.len(),
    })
}

/// The images of `train` with the smallest distances; of equal ones the first.
fn nearest(image: &Array3<u8>, train: &Dataset) -> Vec<Neighbour> {
    let square = |(a, b): (&u8, &u8)| u64::from(a.abs_diff(*b)).pow(2);
    let distance = |index| {
        let other = train.image(index).into_iter().flatten();
        (image.iter().zip(other).map(square).sum::<u64>(), index)
    };
    let mut squares: Vec<(u64, usize)> = (0..train.len()).map(distance).collect();
    squares.sort_unstable();
    squares.truncate(NEAREST);
    let neighbour = |(square, index): (u64, usize)| {
        Some(Neighbour {
            index,
            label: train.label(index)?,
            distance: (square as f64).sqrt(),
            image: train.image(index)?.to_owned(),
        })
    };
    squares.into_iter().filter_map(neighbour).collect()
}

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
        let (title, second) = (self.verdict(), LARGE + 30.0 + GAP);
        let mut page = Page::new(&title, second + SMALL + 60.0);
        let lines = self.lines().join(", ");
        let words: Vec<&str> = lines.split_whitespace().collect();
        let what = "The image, a heat map of what the answer depends on";
        page.alt = format!("{what}: {}", words.join(" "));
        page.key("true class", Swatch::Block(SERIES[0]));
        if self.truth != self.predicted {
            page.key("predicted, wrong", Swatch::Block(SERIES[1]));
        }
        let right = 2.0 * (LARGE + GAP);
        let (width, height) = (WIDTH - right, LARGE + 49.0);
        let bars = self
            .class_names
            .iter()
            .cloned()
            .zip(self.probabilities.iter());
        let bars: Vec<(String, f64)> = bars
            .map(|(name, p)| (name, (100.0 * f64::from(*p)).round() / 100.0))
            .collect();
        let panel = bar_panel("output", &bars, 0.6 * width, |class| match class as u8 {
            class if class == self.truth => SERIES[0],
            class if class == self.predicted => SERIES[1],
            _ => SERIES[7],
        });
        page.draw(|area| {
            let moves = format!("how much each pixel moves {}", self.name(self.predicted));
            let large = [(&self.image, "the image"), (&self.heat(), &moves)];
            for (at, (image, caption)) in large.into_iter().enumerate() {
                let place = ((LARGE + GAP) * at as f64 + LARGE / 2.0, 0.0);
                let caption = [NOTE.fit(caption, LARGE)];
                draw_image(area, image, place, (scale(LARGE), LARGE), &caption)?;
            }
            let size = (width, height);
            panel.draw(&area.part((right, -8.0), size), size)?;
            let searched = self.searched_text();
            area.text(&searched, NOTE, HPos::Left, (0.0, second + 8.0))?;
            for (i, near) in self.nearest.iter().enumerate() {
                let left = i as f64 * (WIDTH - SMALL) / (NEAREST - 1) as f64;
                let caption = [self.name(near.label).to_owned(), distance(near)];
                let place = (left + SMALL / 2.0, second + 22.0);
                draw_image(area, &near.image, place, (scale(SMALL), SMALL), &caption)?;
            }
            Ok(())
        })
    }

    fn searched_text(&self) -> String {
        let images = thousands(self.searched);
        format!("the nearest of {images} training images, and the distance of their pixels")
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.verdict()];
        for (class, p) in (0..).zip(&self.probabilities) {
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
