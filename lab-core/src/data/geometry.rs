//! Moving the pixels of an image: flips, rotations and shifts as one affine map, sampled once.
//!
//! A map goes backwards, from a pixel of the result to the place in the source that it shows. A place between pixels
//! takes the bilinear mean of its four neighbours; a place outside the image takes what the [`Fill`] says.

use super::normalize::Table;

/// The pixels that come in from outside of an image `a b c d`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
    pub(super) fn then(self, movement: Move, (height, width, _): (usize, usize, usize)) -> Self {
        let (right, bottom) = (width as f64 - 1.0, height as f64 - 1.0);
        let (x, y) = match movement {
            Move::HorizontalFlip => ([-1.0, 0.0, right], [0.0, 1.0, 0.0]),
            Move::Shift { dx, dy } => ([1.0, 0.0, -dx], [0.0, 1.0, -dy]),
            Move::Rotate { degrees } => {
                let (sin, cos) = libm::sincos(degrees.to_radians());
                let (cx, cy) = (right / 2.0, bottom / 2.0);
                (
                    [cos, -sin, cx - cos * cx + sin * cy],
                    [sin, cos, cy - sin * cx - cos * cy],
                )
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
const ONE: i64 = 1 << 32;

/// One coordinate of the source: its value at the first pixel, and its steps per column and per row of the result.
struct Axis {
    start: i64,
    column: i64,
    row: i64,
}

impl Axis {
    fn new(a: [f64; 3], size: usize, height: usize, width: usize, fill: Fill) -> Self {
        // Far outside, every fill repeats or is constant, so the centre can be moved to where nothing overflows.
        let centre = a[0] * (width as f64 - 1.0) / 2.0 + a[1] * (height as f64 - 1.0) / 2.0 + a[2];
        let far = 2.0 * (height + width) as f64;
        let near = match fill {
            Fill::Reflect => centre.rem_euclid(2.0 * size as f64),
            Fill::Wrap => centre.rem_euclid(size as f64),
            Fill::Nearest | Fill::Constant(_) => centre.clamp(-far, far),
        };
        let fixed = |value: f64| (value * ONE as f64).round() as i64;
        Self {
            start: fixed(a[2] + (near - centre)),
            column: fixed(a[0]),
            row: fixed(a[1]),
        }
    }

    fn at(&self, column: usize, row: usize) -> i64 {
        self.start + self.column * column as i64 + self.row * row as i64
    }

    /// Whether every pixel of the result shows exactly one pixel.
    fn is_whole(&self) -> bool {
        let mut terms = [self.start, self.column, self.row].into_iter();
        terms.all(|term| term % ONE == 0)
    }
}

impl Fill {
    /// The pixel of the image that stands at `i`; `size` stands for the constant.
    fn index(self, i: i64, size: usize) -> usize {
        let size = size as i64;
        let inside = match self {
            _ if (0..size).contains(&i) => i,
            Self::Reflect => {
                let i = i.rem_euclid(2 * size);
                i.min(2 * size - 1 - i)
            }
            Self::Nearest => i.clamp(0, size - 1),
            Self::Wrap => i.rem_euclid(size),
            Self::Constant(_) => size,
        };
        inside as usize
    }
}

/// Writes what `map` shows of the image `bytes` to `out`, each byte as its channel's table has it.
///
/// Pixels that move by whole pixels keep their values to the last bit.
pub(super) fn resample(
    bytes: &[u8],
    (height, width, channels): (usize, usize, usize),
    tables: &[Table],
    fill: Fill,
    Map([x, y]): &Map,
    out: &mut [f32],
) {
    let x = Axis::new(*x, width, height, width, fill);
    let y = Axis::new(*y, height, height, width, fill);
    let whole = x.is_whole() && y.is_whole();
    // Four channels at a time, with one more row and column for the constant.
    let stride = width + 1;
    let mut image = vec![[0.0; 4]; stride * (height + 1)];
    for (group, tables) in tables.chunks(4).enumerate() {
        let look_up = |pixel: &[u8]| -> [f32; 4] {
            let value = |k: usize| Some(tables.get(k)?[usize::from(*pixel.get(4 * group + k)?)]);
            std::array::from_fn(|k| value(k).unwrap_or(0.0))
        };
        if let Fill::Constant(byte) = fill {
            image.fill(look_up(&vec![byte; channels]));
        }
        let lines = bytes.chunks_exact(width * channels);
        for (values, line) in image.chunks_exact_mut(stride).zip(lines) {
            for (value, pixel) in values.iter_mut().zip(line.chunks_exact(channels)) {
                *value = look_up(pixel);
            }
        }
        for (row, line) in out.chunks_exact_mut(width * channels).enumerate() {
            for (column, pixel) in line.chunks_exact_mut(channels).enumerate() {
                let (px, py) = (x.at(column, row), y.at(column, row));
                let across = |i: i64| fill.index((px >> 32) + i, width);
                let down = |i: i64| fill.index((py >> 32) + i, height) * stride;
                let (left, above) = (across(0), down(0));
                let mut value = image[above + left];
                if !whole {
                    let (right, below) = (across(1), down(1));
                    let (u, v) = (px as u32 as f32 / ONE as f32, py as u32 as f32 / ONE as f32);
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
