//! Moving the pixels of an image: flips, rotations and shifts as one affine map, sampled once.
//!
//! A map goes backwards, from a pixel of the result to the place in the source that it shows. A place between pixels
//! takes the bilinear mean of its four neighbours; what lies outside of the image is the [`Fill`]'s.

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

/// One movement of an image by a known amount.
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

/// The place `(x, y)` in the source of each pixel of the result: `x = x₀·column + x₁·row + x₂`, and `y` alike.
#[derive(Clone, Copy)]
pub(super) struct Map {
    x: [f64; 3],
    y: [f64; 3],
}

impl Map {
    pub(super) const IDENTITY: Self = Self {
        x: [1.0, 0.0, 0.0],
        y: [0.0, 1.0, 0.0],
    };

    /// This map followed by a movement of its result: the movement is undone first, then this map looked up.
    pub(super) fn then(self, movement: Move, [height, width, _]: [usize; 3]) -> Self {
        let undo = match movement {
            Move::HorizontalFlip => Self {
                x: [-1.0, 0.0, width as f64 - 1.0],
                ..Self::IDENTITY
            },
            Move::Shift { dx, dy } => Self {
                x: [1.0, 0.0, -dx],
                y: [0.0, 1.0, -dy],
            },
            Move::Rotate { degrees } => {
                let (sin, cos) = libm::sincos(degrees.to_radians());
                let (cx, cy) = ((width as f64 - 1.0) / 2.0, (height as f64 - 1.0) / 2.0);
                Self {
                    x: [cos, -sin, cx - cos * cx + sin * cy],
                    y: [sin, cos, cy - sin * cx - cos * cy],
                }
            }
        };
        let row = |a: [f64; 3]| {
            let term = |k: usize| a[0] * undo.x[k] + a[1] * undo.y[k];
            [term(0), term(1), term(2) + a[2]]
        };
        Self {
            x: row(self.x),
            y: row(self.y),
        }
    }
}

/// Room for the work on one image, kept from one to the next.
#[derive(Default)]
pub(super) struct Scratch {
    columns: Vec<[u32; 2]>,
    rows: Vec<[u32; 2]>,
    stage: Vec<[f32; 4]>,
}

/// Places are counted in 2⁻³² pixels, so that adding a step is exact and the whole pixel is a shift away.
const ONE: i64 = 1 << 32;

/// One coordinate of the source: its value at the first pixel, and its steps per column and per row of the result.
struct Axis {
    start: i64,
    step: i64,
    line: i64,
}

impl Axis {
    /// The axis, and for each whole pixel that it reaches the pixels of the image that stand there and one further.
    fn new(
        a: [f64; 3],
        size: usize,
        [height, width, _]: [usize; 3],
        fill: Fill,
        pixels: &mut Vec<[u32; 2]>,
    ) -> Self {
        // Far away every fill repeats or is constant: the centre can be brought near, so that the list stays short.
        let centre = a[0] * (width as f64 - 1.0) / 2.0 + a[1] * (height as f64 - 1.0) / 2.0 + a[2];
        let far = 2.0 * (height + width) as f64;
        let near = match fill {
            Fill::Reflect => centre.rem_euclid(2.0 * size as f64),
            Fill::Wrap => centre.rem_euclid(size as f64),
            Fill::Nearest | Fill::Constant(_) => centre.clamp(-far, far),
        };
        let fixed = |value: f64| (value * ONE as f64).round() as i64;
        let (start, step, line) = (fixed(a[2] + (near - centre)), fixed(a[0]), fixed(a[1]));
        let (across, down) = (step * (width as i64 - 1), line * (height as i64 - 1));
        let lowest = (start + across.min(0) + down.min(0)) >> 32;
        let highest = (start + across.max(0) + down.max(0)) >> 32;
        pixels.clear();
        pixels.extend((lowest..=highest).map(|i| [fill.pixel(i, size), fill.pixel(i + 1, size)]));
        Self {
            start: start - lowest * ONE,
            step,
            line,
        }
    }

    /// Whether whole pixels fall on whole pixels.
    fn is_whole(&self) -> bool {
        [self.start, self.step, self.line]
            .iter()
            .all(|place| place % ONE == 0)
    }
}

impl Fill {
    /// The pixel of the image that stands at `i`; `size` stands for the constant.
    fn pixel(self, i: i64, size: usize) -> u32 {
        let size = size as i64;
        let inside = match self {
            _ if (0..size).contains(&i) => i,
            Self::Reflect => i
                .rem_euclid(2 * size)
                .min(2 * size - 1 - i.rem_euclid(2 * size)),
            Self::Nearest => i.clamp(0, size - 1),
            Self::Wrap => i.rem_euclid(size),
            Self::Constant(_) => size,
        };
        inside as u32
    }
}

/// Writes what `map` shows of the image `bytes` to `out`, each byte as its channel's table has it.
///
/// Pixels that are moved by whole pixels keep their values to the last bit.
pub(super) fn resample(
    bytes: &[u8],
    shape: [usize; 3],
    tables: &[Table],
    fill: Fill,
    map: &Map,
    scratch: &mut Scratch,
    out: &mut [f32],
) {
    let [height, width, channels] = shape;
    let Scratch {
        columns,
        rows,
        stage,
    } = scratch;
    let x = Axis::new(map.x, width, shape, fill, columns);
    let y = Axis::new(map.y, height, shape, fill, rows);
    let whole = x.is_whole() && y.is_whole();

    // Four channels at a time, side by side, with one more row and column for the constant. The last four come first:
    // where they are fewer, what is written beyond a pixel is overwritten by what belongs there.
    let stride = width + 1;
    stage.resize(stride * (height + 1), [0.0; 4]);
    rows.iter_mut()
        .flatten()
        .for_each(|row| *row *= stride as u32);
    for (group, tables) in tables.chunks(4).enumerate().rev() {
        if let Fill::Constant(byte) = fill {
            stage.fill(look_up(tables, &[byte; 4]));
        }
        for (staged, line) in stage
            .chunks_exact_mut(stride)
            .zip(bytes.chunks_exact(width * channels))
        {
            for (staged, pixel) in staged.iter_mut().zip(line.chunks_exact(channels)) {
                *staged = look_up(tables, &pixel[4 * group..]);
            }
        }
        for j in 0..height {
            let (mut px, mut py) = (x.start + x.line * j as i64, y.start + y.line * j as i64);
            for i in 0..width {
                let ([left, right], [above, below]) =
                    (columns[(px >> 32) as usize], rows[(py >> 32) as usize]);
                let at = |row: u32, column: u32| stage[(row + column) as usize];
                let mut value = at(above, left);
                if !whole {
                    let (u, v) = (px as u32 as f32 / ONE as f32, py as u32 as f32 / ONE as f32);
                    let top = between(value, at(above, right), u);
                    let bottom = between(at(below, left), at(below, right), u);
                    value = between(top, bottom, v);
                }
                let first = (j * width + i) * channels + 4 * group;
                match out.get_mut(first..first + 4) {
                    Some(four) => four.copy_from_slice(&value),
                    None => out[first..]
                        .iter_mut()
                        .zip(value)
                        .for_each(|(to, value)| *to = value),
                }
                px += x.step;
                py += y.step;
            }
        }
    }
}

/// The values of up to four channels of a pixel.
fn look_up(tables: &[Table], pixel: &[u8]) -> [f32; 4] {
    if let ([red, green, blue], &[r, g, b, ..]) = (tables, pixel) {
        return [
            red[usize::from(r)],
            green[usize::from(g)],
            blue[usize::from(b)],
            0.0,
        ];
    }
    let value = |k: usize| Some(tables.get(k)?[usize::from(*pixel.get(k)?)]);
    std::array::from_fn(|k| value(k).unwrap_or(0.0))
}

/// `a` at 0 and `b` at 1.
fn between(a: [f32; 4], b: [f32; 4], at: f32) -> [f32; 4] {
    std::array::from_fn(|k| a[k] + at * (b[k] - a[k]))
}
