//! Why an image got its answer: the probabilities, the pixels that mattered, the training images most like it.

use crate::draw::*;
use crate::figures::{bar_panel, draw_image};
use crate::prelude::*;
use crate::show::View;
use lab_core::ndarray::{Array2, Array3};
use lab_core::text::thousands;

/// How many training images are shown.
const NEAREST: usize = 5;
/// The sides of the large pictures and of the nearest images, and the room between two things.
const LARGE: f64 = 256.0;
const SMALL: f64 = 128.0;
const GAP: f64 = 14.0;

/// What the answer to one image depends on, which [`Explanation::figure`] draws.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The image alone, with its true class.
    pub image: Dataset,
    /// The class of the greatest output.
    pub predicted: u8,
    /// The network's outputs, one for each class.
    pub probabilities: Vec<f32>,
    /// |∂z / ∂x| of the predicted class's z, before the softmax, by each pixel x as the network is given it; the greatest
    /// of its channels, (height, width) (Simonyan, Vedaldi and Zisserman, 2014).
    pub saliency: Array2<f32>,
    /// The training images that were looked through.
    pub train: Dataset,
    /// The places of those nearest to the image, nearest first, and the Euclidean distances of the pixels, each channel
    /// from 0 to 255: five, or all where there are fewer.
    pub nearest: Vec<(usize, f64)>,
}

pub(super) fn explain(model: &Sequential, image: Dataset, train: &Dataset) -> Result<Explanation> {
    let evaluation = model.evaluate(&image)?;
    let same_images = train.image_shape() == image.image_shape();
    if train.is_empty() || !same_images || train.class_names() != image.class_names() {
        let remedy = "give the data that the network learnt from";
        let found = format!("{train:?}");
        let expected = format!("images of the same shape and classes as {image:?}");
        return Err(LabError::value("training data", found, expected, remedy));
    }
    let predicted = evaluation.predicted[0];
    let mut model = model.clone();
    model.forward(&image, Mode::Inference)?;
    let gradient = model.input_gradient(predicted.into())?;
    let [height, width, channels] = image.image_shape();
    let greatest = |(y, x)| {
        let pixel = &gradient[(y * width + x) * channels..][..channels];
        pixel.iter().fold(0.0, |most: f32, g| most.max(g.abs()))
    };
    Ok(Explanation {
        predicted,
        probabilities: evaluation.outputs.iter().copied().collect(),
        saliency: Array2::from_shape_fn((height, width), greatest),
        nearest: nearest(&pixels(&image, 0), train),
        image,
        train: train.clone(),
    })
}

/// The images of `train` with the smallest distances; of equal ones the first.
fn nearest(image: &Array3<u8>, train: &Dataset) -> Vec<(usize, f64)> {
    let square = |(a, b): (&u8, &u8)| u64::from(a.abs_diff(*b)).pow(2);
    let distance = |index| {
        let other = train.image(index).into_iter().flatten();
        (image.iter().zip(other).map(square).sum::<u64>(), index)
    };
    let mut squares: Vec<(u64, usize)> = (0..train.len()).map(distance).collect();
    squares.sort_unstable();
    let root = |(square, index): (u64, usize)| (index, (square as f64).sqrt());
    squares.into_iter().take(NEAREST).map(root).collect()
}

fn pixels(data: &Dataset, index: usize) -> Array3<u8> {
    let image = data.image(index).map(|image| image.to_owned());
    image.unwrap_or_default()
}

impl Explanation {
    fn name(&self, class: u8) -> &str {
        &self.image.class_names()[usize::from(class)]
    }

    fn truth(&self) -> u8 {
        self.image.labels()[0]
    }

    /// `ship (0.21), taken for cat (0.53)`.
    fn verdict(&self) -> String {
        let [truth, predicted] = [self.truth(), self.predicted].map(|class| {
            let p = self.probabilities[usize::from(class)];
            format!("{} ({p:.2})", self.name(class))
        });
        match self.truth() == self.predicted {
            true => format!("{truth}, recognized"),
            false => format!("{truth}, taken for {predicted}"),
        }
    }

    /// White where a pixel does not move the answer, orange where it moves it most.
    fn heat(&self) -> Array3<u8> {
        let most = self.saliency.fold(f32::MIN_POSITIVE, |most, g| g.max(most));
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
    /// assert!(figure.alt.contains("nearest of 1,000 training images"));
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Value`] for a picture that does not get its room.
    pub fn figure(&self) -> Result<Figure> {
        let side = self.saliency.nrows().max(self.saliency.ncols()) as f64;
        // A whole number of the picture's pixels, half a CSS pixel each, keeps all squares equal.
        let scale = |room: f64| (2.0 * room / side).floor().max(1.0) / 2.0;
        let (title, second) = (self.verdict(), LARGE + 30.0 + GAP);
        let mut page = Page::new(&title, second + SMALL + 60.0);
        page.key("true class", Swatch::Block(SERIES[0]));
        if self.truth() != self.predicted {
            page.key("predicted, wrong", Swatch::Block(SERIES[1]));
        }
        let colour = |_, class: usize| match class as u8 {
            class if class == self.truth() => SERIES[0],
            class if class == self.predicted => SERIES[1],
            _ => SERIES[7],
        };
        let right = 2.0 * (LARGE + GAP);
        let size = (WIDTH - right, LARGE + 49.0);
        let rounded = |p: &f32| (100.0 * f64::from(*p)).round() / 100.0;
        let outputs = [("", self.probabilities.iter().map(rounded).collect())];
        let names = self.image.class_names();
        let panel = bar_panel("output", names, &outputs, 0.6 * size.0, colour);
        panel.announce(&mut page);
        let caption = |(index, distance): &(usize, f64)| {
            let name = self.train.label(*index).map(|label| self.name(label));
            let distance = thousands(distance.round() as usize);
            [name.unwrap_or_default().to_owned(), distance]
        };
        let captions: Vec<[String; 2]> = self.nearest.iter().map(caption).collect();
        let count = thousands(self.train.len());
        let searched = format!("the nearest of {count} training images");
        let words: Vec<String> = captions.iter().map(|it| it.join(" ")).collect();
        page.words.push(format!("{searched}: {}", words.join(", ")));
        page.draw(|area| {
            let moves = format!("how much each pixel moves {}", self.name(self.predicted));
            let large = [(pixels(&self.image, 0), "the image"), (self.heat(), &moves)];
            for (at, (image, caption)) in large.iter().enumerate() {
                let place = ((LARGE + GAP) * at as f64 + LARGE / 2.0, 0.0);
                let caption = [NOTE.fit(caption, LARGE)];
                draw_image(area, image, place, (scale(LARGE), LARGE), &caption)?;
            }
            panel.draw(&area.part((right, -8.0), size), size)?;
            let note = searched + ", and the distance of their pixels";
            area.text(&note, NOTE, HPos::Left, (0.0, second + 8.0))?;
            for (at, ((index, _), caption)) in self.nearest.iter().zip(&captions).enumerate() {
                let left = at as f64 * (WIDTH - SMALL) / (NEAREST - 1) as f64;
                let image = pixels(&self.train, *index);
                let place = (left + SMALL / 2.0, second + 22.0);
                draw_image(area, &image, place, (scale(SMALL), SMALL), caption)?;
            }
            Ok(())
        })
    }
}

impl Show for Explanation {
    fn view(&self) -> View {
        View::new(String::new(), self.verdict()).with(self.figure())
    }
}
