//! Augmentation: images that are flipped, turned and shifted at random, differently in each epoch.

use rand::Rng;

use super::*;

/// A list of random moves, each with its probability, and a fill for the pixels that come in.
///
/// The moves of one image are composed, in the order of the list, into a single map, and the image is sampled
/// once: it is interpolated once and filled once, however long the list. Every image of every epoch has its own
/// random numbers, so the result depends on the seed alone.
///
/// ```
/// use lab_core::prelude::*;
/// let augmentation = Augmentation::new().horizontal_flip(0.5).rotation(15.0).fill(Fill::Nearest);
/// let sometimes_shifted = augmentation.clone().with(RandomMove::Shift(0.1), 0.3);
/// let cifar = Cifar10::sample();
/// let gallery = augmentation.draw(cifar.train.image(0).unwrap(), Seed(1), 8)?;
/// assert_eq!(gallery.len(), 8);
/// # Ok::<(), LabError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augmentation {
    /// The moves with their probabilities (0 to 1).
    pub moves: Vec<(RandomMove, f64)>,
    /// Where the pixels that come in from outside are taken from.
    #[serde(default)]
    pub fill: Fill,
}

/// A random move by up to this amount in each direction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RandomMove {
    /// Left and right change places.
    Flip,
    /// The same in every other epoch: half of the images begin with it.
    AlternatingFlip,
    /// A turn about the centre by up to so many degrees, 0 to 180.
    Rotate(f64),
    /// A shift by up to this fraction, 0 to 1, of the width to either side, and of the height up or down.
    Shift(f64),
    /// A shift by up to so many whole pixels, 0 to 1,024, each way: a random crop of the padded image.
    Crop(u32),
}

impl Augmentation {
    /// No moves yet; the fill is [`Fill::Reflect`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Exchanges left and right, with this probability.
    pub fn horizontal_flip(self, probability: f64) -> Self {
        self.with(RandomMove::Flip, probability)
    }

    /// Turns every image by an angle between `-degrees` and `degrees`, as [`RandomMove::Rotate`].
    pub fn rotation(self, degrees: f64) -> Self {
        self.with(RandomMove::Rotate(degrees), 1.0)
    }

    /// Shifts every image by up to this fraction of its size, as [`RandomMove::Shift`].
    pub fn shift(self, fraction: f64) -> Self {
        self.with(RandomMove::Shift(fraction), 1.0)
    }

    /// Shifts every image by up to so many whole pixels, as [`RandomMove::Crop`].
    pub fn random_crop(self, padding: u32) -> Self {
        self.with(RandomMove::Crop(padding), 1.0)
    }

    /// Adds a move with its probability.
    pub fn with(mut self, random: RandomMove, probability: f64) -> Self {
        self.moves.push((random, probability));
        self
    }

    /// Sets where the pixels that come in from outside are taken from.
    pub fn fill(self, fill: Fill) -> Self {
        Self { fill, ..self }
    }

    /// Checks every range and probability; whatever uses an augmentation calls this first.
    ///
    /// # Errors
    /// [`LabError::Value`] for a probability outside [0, 1], and for an amount that [`RandomMove`] does not allow.
    pub fn validate(&self) -> Result<()> {
        for (random, probability) in &self.moves {
            let (name, amount, limit) = match *random {
                RandomMove::Flip | RandomMove::AlternatingFlip => ("flip", 0.0, 0.0),
                RandomMove::Rotate(degrees) => ("rotate", degrees, 180.0),
                RandomMove::Shift(fraction) => ("shift", fraction, 1.0),
                RandomMove::Crop(padding) => ("crop", padding.into(), 1024.0),
            };
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
        let shape = check_image(image)?;
        let mut map = Map::IDENTITY;
        for &known in moves {
            if let Move::Shift { dx: a, dy: b } | Move::Rotate { degrees: a @ b } = known {
                check_range("movement", a, -1e6..=1e6, "give pixels or degrees")?;
                check_range("movement", b, -1e6..=1e6, "give pixels or degrees")?;
            }
            map = map.then(known, shape);
        }
        Ok(self.sample(image, shape, map))
    }

    /// Draws `count` random versions of one image, as the first epoch of a training draws them for its first images.
    ///
    /// # Errors
    /// [`LabError::Shape`] for an image without pixels, and what [`validate`](Self::validate) finds.
    pub fn draw(&self, image: ArrayView3<u8>, seed: Seed, count: usize) -> Result<Vec<Array3<u8>>> {
        let shape = check_image(image)?;
        self.validate()?;
        let version = |stream| {
            let map = self.random_map(seed, stream, stream as u32, shape);
            let drawn = self.sample(image, shape, map);
            drawn.mapv(|value| value.round() as u8)
        };
        Ok((0..count as u64).map(version).collect())
    }

    /// The map for image number `row` of the data set; its random numbers come from `stream`, the epoch · 2³² + the
    /// image's position in it.
    ///
    /// Every move draws the same random numbers whether it happens or not: one for its probability, then its amounts.
    pub(super) fn random_map(&self, seed: Seed, stream: u64, row: u32, shape: [usize; 3]) -> Map {
        let generator = &mut seed.generator(Purpose::Augment, stream);
        let flips_now = || {
            let first = seed.generator(Purpose::FirstFlip, row.into()).next_u32();
            (u64::from(first) + (stream >> 32)) % 2 == 1
        };
        let mut map = Map::IDENTITY;
        for (random, probability) in &self.moves {
            let happens = unit(generator) < *probability;
            let happens = happens && (*random != RandomMove::AlternatingFlip || flips_now());
            let drawn = random.draw(generator, shape);
            map = if happens { map.then(drawn, shape) } else { map };
        }
        map
    }

    fn sample(&self, image: ArrayView3<'_, u8>, shape: [usize; 3], map: Map) -> Array3<f32> {
        let bytes: Vec<u8> = image.iter().copied().collect();
        let table: Table = std::array::from_fn(|byte| byte as f32);
        let (tables, mut out) = (vec![table; shape[2]], vec![0.0; bytes.len()]);
        resample(&bytes, shape, &tables, self.fill, map, &mut out);
        Array3::from_shape_vec(shape, out).unwrap_or_default()
    }
}

impl RandomMove {
    fn draw(self, generator: &mut impl Rng, [height, width, _]: [usize; 3]) -> Move {
        let mut within = |limit: f64| (2.0 * unit(generator) - 1.0) * limit;
        match self {
            Self::Flip | Self::AlternatingFlip => Move::HorizontalFlip,
            Self::Rotate(limit) => Move::Rotate {
                degrees: within(limit),
            },
            Self::Shift(limit) => {
                let (dx, dy) = (within(limit * width as f64), within(limit * height as f64));
                Move::Shift { dx, dy }
            }
            Self::Crop(limit) => {
                let mut whole = || f64::from(below(generator, 2 * limit + 1)) - f64::from(limit);
                let (dx, dy) = (whole(), whole());
                Move::Shift { dx, dy }
            }
        }
    }
}

/// The shape of an image, which must have pixels.
fn check_image(image: ArrayView3<'_, u8>) -> Result<[usize; 3]> {
    let (height, width, channels) = image.dim();
    if image.is_empty() {
        let (found, expected) = (shape(image.shape()), "height x width x channels");
        let remedy = "give an image with at least one pixel";
        return Err(LabError::shape("image", found, expected, remedy));
    }
    Ok([height, width, channels])
}
