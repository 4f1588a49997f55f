//! Augmentation: showing a network its images a little moved, in another way each time.

use ndarray::{Array3, ArrayView3};
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::dataset::shape_text;
use super::geometry::{Fill, Map, Move, Scratch, resample};
use super::normalize::Table;
use super::shuffle::below;
use crate::error::{LabError, Result};
use crate::random::{Purpose, Seed, unit};

/// A list of random movements, each with its range and its probability, and a fill for the pixels that come in.
///
/// The movements of one image are composed, in the order of the list, into a single map, and the image is sampled
/// once: it is interpolated once and filled once, however long the list. Every image of every epoch has random
/// numbers of its own, so what comes out depends on the seed alone.
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
    pub(super) steps: Vec<Step>,
    pub(super) fill: Fill,
    /// A probability that was given before there was a step for it.
    stray: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    pub(super) range: Range,
    pub(super) probability: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Range {
    Flip,
    Rotation { degrees: f64 },
    Shift { fraction: f64 },
    Crop { padding: u32 },
}

impl Augmentation {
    /// No movements yet; the fill is [`Fill::Reflect`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Exchanges left and right, with this probability.
    pub fn horizontal_flip(self, probability: f64) -> Self {
        self.step(Range::Flip).with_probability(probability)
    }

    /// Turns by an angle between `-degrees` and `degrees` (0 to 180) about the centre.
    pub fn rotation(self, degrees: f64) -> Self {
        self.step(Range::Rotation { degrees })
    }

    /// Shifts by up to `fraction` (0 to 1) of the width to either side, and of the height up or down.
    pub fn shift(self, fraction: f64) -> Self {
        self.step(Range::Shift { fraction })
    }

    /// Shifts by up to `padding` whole pixels (0 to 1,024) each way: a random crop of the padded image.
    pub fn random_crop(self, padding: u32) -> Self {
        self.step(Range::Crop { padding })
    }

    /// The last movement happens with this probability (0 to 1) only.
    pub fn with_probability(mut self, probability: f64) -> Self {
        match self.steps.last_mut() {
            Some(step) => step.probability = probability,
            None => self.stray = Some(probability),
        }
        self
    }

    /// The pixels that come in from outside.
    pub fn fill(self, fill: Fill) -> Self {
        Self { fill, ..self }
    }

    fn step(mut self, range: Range) -> Self {
        self.steps.push(Step {
            range,
            probability: 1.0,
        });
        self
    }

    /// Whether every range and probability is one; whatever uses an augmentation asks this first.
    ///
    /// # Errors
    /// [`LabError::Value`] for a probability outside [0, 1] or without a movement, and for a range that its method
    /// does not allow.
    pub fn validate(&self) -> Result<()> {
        let error = |option: &str, found: String, expected: &str, remedy: &str| {
            Err(LabError::value(
                format!("augmentation: {option}"),
                found,
                expected,
                remedy,
            ))
        };
        if let Some(probability) = self.stray {
            return error(
                "probability",
                format!("{probability} first"),
                "a movement before it",
                "add the movement first",
            );
        }
        for Step { range, probability } in &self.steps {
            let (name, value, most) = match *range {
                Range::Flip => ("flip", 0.0, 0.0),
                Range::Rotation { degrees } => ("rotate", degrees, 180.0),
                Range::Shift { fraction } => ("shift", fraction, 1.0),
                Range::Crop { padding } => ("crop", f64::from(padding), 1024.0),
            };
            if !(0.0..=most).contains(&value) {
                return error(
                    name,
                    value.to_string(),
                    &format!("0 to {most}"),
                    "the range goes both ways from 0",
                );
            }
            if !(0.0..=1.0).contains(probability) {
                let option = format!("probability of {name}");
                return error(
                    &option,
                    probability.to_string(),
                    "0 to 1",
                    "0.5 moves every other image",
                );
            }
        }
        Ok(())
    }

    /// The image after `moves` of known amounts, one after the other, on the scale of 0 to 255; only the fill of this
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
        let shape = check_image(image)?;
        let mut map = Map::IDENTITY;
        for &movement in moves {
            let (Move::Shift { dx: a, dy: b } | Move::Rotate { degrees: a @ b }) = movement else {
                map = map.then(movement, shape);
                continue;
            };
            if !(a.abs() <= 1e6 && b.abs() <= 1e6) {
                let (found, expected) = (
                    format!("{movement:?}"),
                    "numbers between -1,000,000 and 1,000,000",
                );
                return Err(LabError::value(
                    "movement",
                    found,
                    expected,
                    "give pixels or degrees",
                ));
            }
            map = map.then(movement, shape);
        }
        Ok(self.sample(image, shape, &map, &mut Scratch::default()))
    }

    /// `count` random versions of one image, as the first epoch of a training draws them for its first images.
    ///
    /// # Errors
    /// [`LabError::Shape`] for an image without pixels, and what [`validate`](Self::validate) finds.
    pub fn draw(
        &self,
        image: ArrayView3<'_, u8>,
        seed: Seed,
        count: usize,
    ) -> Result<Vec<Array3<u8>>> {
        let shape = check_image(image)?;
        self.validate()?;
        let mut scratch = Scratch::default();
        let version = |position| {
            let map = self.random_map(seed, 0, position, shape);
            self.sample(image, shape, &map, &mut scratch)
                .mapv(|value| value.round() as u8)
        };
        Ok((0..count).map(version).collect())
    }

    /// The map for the image at `position` of an epoch.
    ///
    /// Every step draws the same numbers whether it happens or not: one for its probability, then its amounts.
    pub(super) fn random_map(
        &self,
        seed: Seed,
        epoch: usize,
        position: usize,
        shape: [usize; 3],
    ) -> Map {
        let stream = ((epoch as u64) << 32) | position as u64;
        let generator = &mut seed.generator(Purpose::Augment, stream);
        self.steps.iter().fold(Map::IDENTITY, |map, step| {
            let happens = unit(generator) < step.probability;
            let movement = step.range.draw(generator, shape);
            if happens {
                map.then(movement, shape)
            } else {
                map
            }
        })
    }

    fn sample(
        &self,
        image: ArrayView3<'_, u8>,
        shape: [usize; 3],
        map: &Map,
        scratch: &mut Scratch,
    ) -> Array3<f32> {
        let bytes: Vec<u8> = image.iter().copied().collect();
        let table: Table = std::array::from_fn(|byte| byte as f32);
        let mut out = vec![0.0; bytes.len()];
        resample(
            &bytes,
            shape,
            &vec![table; shape[2]],
            self.fill,
            map,
            scratch,
            &mut out,
        );
        Array3::from_shape_vec(shape, out).unwrap_or_default()
    }
}

impl Range {
    fn draw(&self, generator: &mut impl Rng, [height, width, _]: [usize; 3]) -> Move {
        let mut within = |most: f64| (2.0 * unit(generator) - 1.0) * most;
        match *self {
            Self::Flip => Move::HorizontalFlip,
            Self::Rotation { degrees } => Move::Rotate {
                degrees: within(degrees),
            },
            Self::Shift { fraction } => Move::Shift {
                dx: within(fraction * width as f64),
                dy: within(fraction * height as f64),
            },
            Self::Crop { padding } => {
                let mut whole =
                    || f64::from(below(generator, 2 * padding + 1)) - f64::from(padding);
                Move::Shift {
                    dx: whole(),
                    dy: whole(),
                }
            }
        }
    }
}

fn check_image(image: ArrayView3<'_, u8>) -> Result<[usize; 3]> {
    if image.is_empty() {
        let (found, remedy) = (
            shape_text(image.shape()),
            "give an image with at least one pixel",
        );
        return Err(LabError::shape(
            "image",
            found,
            "height x width x channels",
            remedy,
        ));
    }
    Ok(image.dim().into())
}
