//! Augmentation: images that are flipped, turned and shifted at random, differently in each epoch.

use ndarray::{Array3, ArrayView3};
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::geometry::{Fill, Map, Move, resample};
use super::normalize::Table;
use crate::checks::check_range;
use crate::error::{LabError, Result};
use crate::random::{Purpose, Seed, below, unit};
use crate::text::shape;

/// A list of random movements, each with its range and its probability, and a fill for the pixels that come in.
///
/// The movements of one image are composed, in the order of the list, into a single map, and the image is sampled
/// once: it is interpolated once and filled once, however long the list. Every image of every epoch has its own
/// random numbers, so the result depends on the seed alone.
///
/// As text, which is also how it is serialized, the list below is `flip,rotate=15,shift=0.1@0.5,fill=reflect`.
///
/// ```
/// use lab_core::prelude::*;
/// let augmentation =
///     Augmentation::new().horizontal_flip(0.5).rotation(15.0).shift(0.1).with_probability(0.5).fill(Fill::Reflect);
/// let cifar = Cifar10::sample();
/// let gallery = augmentation.draw(cifar.train.image(0).unwrap(), Seed(1), 8)?;
/// assert_eq!(gallery.len(), 8);
/// assert_eq!("flip,rotate=15,shift=0.1@0.5".parse::<Augmentation>()?, augmentation);
/// # Ok::<(), LabError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Augmentation {
    /// The movements with their probabilities.
    pub(super) movements: Vec<(Movement, f64)>,
    pub(super) fill: Fill,
    /// Whether a probability came before the first movement.
    misplaced_probability: bool,
}

/// A random movement by up to this amount in each direction.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Movement {
    Flip,
    Rotate(f64),
    Shift(f64),
    Crop(u32),
}

impl Augmentation {
    /// No movements yet; the fill is [`Fill::Reflect`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Exchanges left and right, with this probability.
    pub fn horizontal_flip(self, probability: f64) -> Self {
        self.with(Movement::Flip, probability)
    }

    /// Turns by an angle between `-degrees` and `degrees` (0 to 180) about the centre.
    pub fn rotation(self, degrees: f64) -> Self {
        self.with(Movement::Rotate(degrees), 1.0)
    }

    /// Shifts by up to `fraction` (0 to 1) of the width to either side, and of the height up or down.
    pub fn shift(self, fraction: f64) -> Self {
        self.with(Movement::Shift(fraction), 1.0)
    }

    /// Shifts by up to `padding` whole pixels (0 to 1,024) each way: a random crop of the padded image.
    pub fn random_crop(self, padding: u32) -> Self {
        self.with(Movement::Crop(padding), 1.0)
    }

    /// Gives the last movement this probability (0 to 1).
    pub fn with_probability(mut self, probability: f64) -> Self {
        match self.movements.last_mut() {
            Some(last) => last.1 = probability,
            None => self.misplaced_probability = true,
        }
        self
    }

    /// Sets where the pixels that come in from outside are taken from.
    pub fn fill(self, fill: Fill) -> Self {
        Self { fill, ..self }
    }

    pub(super) fn with(mut self, movement: Movement, probability: f64) -> Self {
        self.movements.push((movement, probability));
        self
    }

    /// Checks every range and probability; whatever uses an augmentation calls this first.
    ///
    /// # Errors
    /// [`LabError::Value`] for a probability outside [0, 1] or without a movement, and for a range that its method
    /// does not allow.
    pub fn validate(&self) -> Result<()> {
        if self.misplaced_probability {
            let (place, found) = ("augmentation: probability", "one before any movement");
            let (expected, remedy) = ("a movement before it", "add the movement first");
            return Err(LabError::value(place, found, expected, remedy));
        }
        for (movement, probability) in &self.movements {
            let (name, amount, limit) = movement.name_amount_and_limit();
            let place = format!("augmentation: {name}");
            check_range(place, amount, 0.0..=limit, "it goes both ways from 0")?;
            let place = format!("augmentation: probability of {name}");
            let remedy = "0.5 moves every other image";
            check_range(place, *probability, 0.0..=1.0, remedy)?;
        }
        Ok(())
    }

    /// Moves an image by known amounts, one move after the other, on the scale of 0 to 255; only the fill of this
    /// augmentation counts.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let image = ndarray::array![[[10], [20], [30]]];
    /// let moved = Augmentation::new().apply(image.view(), &[Move::Shift { dx: 0.5, dy: 0.0 }])?;
    /// assert_eq!(moved, ndarray::array![[[10.0], [15.0], [25.0]]]);
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Shape`] for an image without pixels; [`LabError::Value`] for a movement that is not finite.
    pub fn apply(&self, image: ArrayView3<'_, u8>, moves: &[Move]) -> Result<Array3<f32>> {
        check_image(image)?;
        for movement in moves {
            let (Move::Shift { dx: a, dy: b } | Move::Rotate { degrees: a @ b }) = *movement else {
                continue;
            };
            let (place, remedy) = ("movement", "give pixels or degrees");
            check_range(place, a, -1e6..=1e6, remedy)?;
            check_range(place, b, -1e6..=1e6, remedy)?;
        }
        let moves = moves.iter();
        let map = moves.fold(Map::IDENTITY, |map, &next| map.then(next, image.dim()));
        Ok(self.sample(image, &map))
    }

    /// Draws `count` random versions of one image, as the first epoch of a training draws them for its first images.
    ///
    /// # Errors
    /// [`LabError::Shape`] for an image without pixels, and what [`validate`](Self::validate) finds.
    pub fn draw(&self, image: ArrayView3<u8>, seed: Seed, count: usize) -> Result<Vec<Array3<u8>>> {
        check_image(image)?;
        self.validate()?;
        let version = |position| {
            let map = self.random_map(seed, 0, position, image.dim());
            self.sample(image, &map).mapv(|value| value.round() as u8)
        };
        Ok((0..count).map(version).collect())
    }

    /// The map for the image at `position` of an epoch.
    ///
    /// Every movement draws the same random numbers whether it happens or not: one for its probability, then its
    /// amounts.
    pub(super) fn random_map(
        &self,
        seed: Seed,
        epoch: usize,
        position: usize,
        shape: (usize, usize, usize),
    ) -> Map {
        let stream = ((epoch as u64) << 32) | position as u64;
        let generator = &mut seed.generator(Purpose::Augment, stream);
        let movements = self.movements.iter();
        movements.fold(Map::IDENTITY, |map, (movement, probability)| {
            let happens = unit(generator) < *probability;
            let drawn = movement.draw(generator, shape);
            if happens { map.then(drawn, shape) } else { map }
        })
    }

    fn sample(&self, image: ArrayView3<'_, u8>, map: &Map) -> Array3<f32> {
        let bytes: Vec<u8> = image.iter().copied().collect();
        let table: Table = std::array::from_fn(|byte| byte as f32);
        let tables = vec![table; image.dim().2];
        let mut out = Array3::zeros(image.dim());
        let values = out.as_slice_mut().unwrap_or_default();
        resample(&bytes, image.dim(), &tables, self.fill, map, values);
        out
    }
}

impl Movement {
    pub(super) fn name_amount_and_limit(&self) -> (&'static str, f64, f64) {
        match *self {
            Self::Flip => ("flip", 0.0, 0.0),
            Self::Rotate(degrees) => ("rotate", degrees, 180.0),
            Self::Shift(fraction) => ("shift", fraction, 1.0),
            Self::Crop(padding) => ("crop", padding.into(), 1024.0),
        }
    }

    fn draw(&self, generator: &mut impl Rng, (height, width, _): (usize, usize, usize)) -> Move {
        let mut within = |limit: f64| (2.0 * unit(generator) - 1.0) * limit;
        let (dx, dy) = match *self {
            Self::Flip => return Move::HorizontalFlip,
            Self::Rotate(limit) => {
                let degrees = within(limit);
                return Move::Rotate { degrees };
            }
            Self::Shift(limit) => (within(limit * width as f64), within(limit * height as f64)),
            Self::Crop(padding) => {
                let mut whole =
                    || f64::from(below(generator, 2 * padding + 1)) - f64::from(padding);
                (whole(), whole())
            }
        };
        Move::Shift { dx, dy }
    }
}

fn check_image(image: ArrayView3<'_, u8>) -> Result<()> {
    if !image.is_empty() {
        return Ok(());
    }
    let (found, expected) = (shape(image.shape()), "height x width x channels");
    let remedy = "give an image with at least one pixel";
    Err(LabError::shape("image", found, expected, remedy))
}
