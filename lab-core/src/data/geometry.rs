//! Moving the pixels of an image: flips, rotations and shifts as one affine map, sampled once.
//!
//! A map goes backwards, from a pixel of the result to the place in the source that it shows. A place between pixels
//! takes the bilinear mean of its four neighbours; a place outside the image takes what the [`Fill`] says.

use super::*;

/// The pixels that come in from outside of an image `a b c d`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fill {
    /// The image mirrored at its edges: `d c b a | a b c d | d c b a`.
    #[default]
    Reflect,
    /// The pixel at the edge: `a a a a | a b c d | d d d d`.
    Nearest,
    /// The image again: `a b c d | a b c d | a b c d`.
    Wrap,
    /// One value, 0 to 255, in every channel: `k k k k | a b c d | k k k k`.
    Constant(u8),
}

/// A movement of an image by a known amount.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Move {
    /// Left and right change places, as NumPy's `fliplr`.
    HorizontalFlip,
    /// A turn about the centre `((height − 1) / 2, (width − 1) / 2)`; positive degrees turn counter-clockwise as seen.
    Rotate {
        /// The angle.
        degrees: f64,
    },
    /// The content moves `dx` pixels to the right and `dy` down; fractions of a pixel interpolate.
    Shift {
        /// Pixels to the right.
        dx: f64,
        /// Pixels down.
        dy: f64,
    },
}

/// The place `[x, y]` in the source of each pixel of the result: `x = x₀·column + x₁·row + x₂`, and `y` alike.
#[derive(Clone, Copy)]
pub(super) struct Map([[f64; 3]; 2]);

impl Map {
    pub(super) const IDENTITY: Self = Self([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]);

    /// This map followed by a movement of its result: the movement is undone first, then this map looked up.
    pub(super) fn then(self, movement: Move, [height, width, _]: [usize; 3]) -> Self {
        let (right, bottom) = (width as f64 - 1.0, height as f64 - 1.0);
        let [x, y] = match movement {
            Move::HorizontalFlip => [[-1.0, 0.0, right], [0.0, 1.0, 0.0]],
            Move::Shift { dx, dy } => [[1.0, 0.0, -dx], [0.0, 1.0, -dy]],
            Move::Rotate { degrees } => {
                let (sin, cos) = libm::sincos(degrees.to_radians());
                let (cx, cy) = (right / 2.0, bottom / 2.0);
                let x = [cos, -sin, cx - cos * cx + sin * cy];
                [x, [sin, cos, cy - sin * cx - cos * cy]]
            }
        };
        let row = |a: [f64; 3]| {
            let term = |k: usize| a[0] * x[k] + a[1] * y[k];
            [term(0), term(1), term(2) + a[2]]
        };
        Self(self.0.map(row))
    }
}

/// Places are counted in 2⁻³² pixels, so that their sums are exact and the whole pixel is a shift away.
const ONE: f64 = (1_u64 << 32) as f64;

/// One coordinate of the source: its value at the first pixel, and its steps per column and per row of the result.
struct Axis {
    start: i64,
    column: i64,
    row: i64,
    /// The number of pixels of the source along it.
    size: usize,
    fill: Fill,
}

impl Axis {
    fn new(a: [f64; 3], size: usize, [height, width, _]: [usize; 3], fill: Fill) -> Self {
        // Far outside, every fill repeats or is constant, so the centre can be moved to where nothing overflows.
        let centre = a[0] * (width as f64 - 1.0) / 2.0 + a[1] * (height as f64 - 1.0) / 2.0 + a[2];
        let far = 2.0 * (height + width) as f64;
        let near = match fill {
            Fill::Reflect => centre.rem_euclid(2.0 * size as f64),
            Fill::Wrap => centre.rem_euclid(size as f64),
            Fill::Nearest | Fill::Constant(_) => centre.clamp(-far, far),
        };
        let fixed = |value: f64| (value * ONE).round() as i64;
        Self {
            start: fixed(a[2] + (near - centre)),
            column: fixed(a[0]),
            row: fixed(a[1]),
            size,
            fill,
        }
    }

    /// The two pixels between which a place lies, and how far it is from the first to the second, from 0 to 1.
    fn neighbours(&self, column: usize, row: usize) -> (usize, usize, f32) {
        let place = self.start + self.column * column as i64 + self.row * row as i64;
        let (first, share) = (place >> 32, place as u32 as f32 / ONE as f32);
        if (0..self.size as i64 - 1).contains(&first) {
            return (first as usize, first as usize + 1, share);
        }
        (self.pixel(first), self.pixel(first + 1), share)
    }

    /// The pixel of the image that stands at `i`; `size` stands for the constant.
    fn pixel(&self, i: i64) -> usize {
        let size = self.size as i64;
        let around = i.rem_euclid(2 * size);
        let inside = match self.fill {
            _ if (0..size).contains(&i) => i,
            Fill::Reflect => around.min(2 * size - 1 - around),
            Fill::Nearest => i.clamp(0, size - 1),
            Fill::Wrap => i.rem_euclid(size),
            Fill::Constant(_) => size,
        };
        inside as usize
    }
}

/// Writes what `map` shows of the image `bytes` to `out`, each byte as its channel's table has it.
///
/// Pixels that move by whole pixels keep their values to the last bit.
pub(super) fn resample(
    bytes: &[u8],
    shape: [usize; 3],
    tables: &[Table],
    fill: Fill,
    Map([x, y]): Map,
    out: &mut [f32],
) {
    let [height, width, channels] = shape;
    let x = Axis::new(x, width, shape, fill);
    let y = Axis::new(y, height, shape, fill);
    let constant = match fill {
        Fill::Constant(byte) => vec![byte; channels],
        _ => vec![0; channels],
    };
    let terms = [x.start, x.column, x.row, y.start, y.column, y.row];
    let whole = terms.iter().all(|&term| term as u32 == 0);
    // Four channels at a time, with one more row and column for the constant.
    let stride = width + 1;
    let mut image = Vec::with_capacity(stride * (height + 1));
    for (group, tables) in tables.chunks(4).enumerate() {
        let look_up = |pixel: &[u8]| -> [f32; 4] {
            let value = |k, table: &Table| table[usize::from(pixel[4 * group + k])];
            std::array::from_fn(|k| tables.get(k).map_or(0.0, |table| value(k, table)))
        };
        image.clear();
        for line in bytes.chunks_exact(width * channels) {
            image.extend(line.chunks_exact(channels).map(look_up));
            image.push(look_up(&constant));
        }
        image.resize(stride * (height + 1), look_up(&constant));
        for (row, line) in out.chunks_exact_mut(width * channels).enumerate() {
            for (column, pixel) in line.chunks_exact_mut(channels).enumerate() {
                let (left, right, u) = x.neighbours(column, row);
                let (above, below, v) = y.neighbours(column, row);
                let (above, below) = (above * stride, below * stride);
                let mut value = image[above + left];
                if !whole {
                    let top = between(value, image[above + right], u);
                    let bottom = between(image[below + left], image[below + right], u);
                    value = between(top, bottom, v);
                }
                let channels = pixel[4 * group..].iter_mut();
                channels.zip(value).for_each(|(to, value)| *to = value);
            }
        }
    }
}

/// `a` at 0 and `b` at 1.
fn between(a: [f32; 4], b: [f32; 4], at: f32) -> [f32; 4] {
    std::array::from_fn(|k| a[k] + at * (b[k] - a[k]))
}
