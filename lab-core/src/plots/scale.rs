//! From values to places along an axis, and the round numbers that are written there.

use std::ops::Range;

use super::theme::TICK;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

/// Values beyond this cannot be told from infinite ones in a picture, and their differences must stay finite.
const LARGEST: f64 = 1e100;

/// What is wanted of an axis.
#[derive(Clone, Debug, Default)]
pub(crate) struct Axis {
    pub(crate) label: String,
    pub(crate) log: bool,
    /// Only whole numbers are written.
    pub(crate) whole: bool,
    /// Ends that do not depend on the values.
    pub(crate) from: Option<f64>,
    pub(crate) to: Option<f64>,
    /// Names at 0, 1, 2, … instead of numbers.
    pub(crate) names: Vec<String>,
}

impl Axis {
    /// An axis with a label that names the quantity and its unit.
    pub(crate) fn new(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            ..Self::default()
        }
    }

    /// With fixed ends.
    pub(crate) fn range(self, from: f64, to: f64) -> Self {
        Self {
            from: Some(from),
            to: Some(to),
            ..self
        }
    }

    /// Whether the value has a place on this axis; others are gaps.
    pub(crate) fn shows(&self, value: f64) -> bool {
        value.abs() <= LARGEST && (!self.log || value >= 1.0 / LARGEST)
    }

    /// The scale for these values, with as many numbers as fit side by side into `width` CSS pixels, but not more than 8.
    pub(crate) fn along(&self, values: &[f64], width: f64, margin: f64) -> Scale {
        let scale = |count: u8| self.scale(values.iter().copied(), f64::from(count), margin);
        let fits = |scale: &Scale| {
            scale
                .labels
                .iter()
                .map(|label| TICK.width(label) + 16.0)
                .sum::<f64>()
                <= width
        };
        (3..8)
            .rev()
            .map(scale)
            .find(fits)
            .unwrap_or_else(|| scale(2))
    }

    /// The scale for these values, with about `count` numbers; `margin` is the share of the range left free at its ends.
    pub(crate) fn scale(
        &self,
        values: impl Iterator<Item = f64>,
        count: f64,
        margin: f64,
    ) -> Scale {
        let inner = |value: f64| if self.log { value.log10() } else { value };
        let within = |value: f64| {
            value
                .max(self.from.unwrap_or(f64::MIN))
                .min(self.to.unwrap_or(f64::MAX))
        };
        let values = values
            .filter(|value| self.shows(*value))
            .map(|value| inner(within(value)));
        let (mut low, mut high) = values.fold((f64::MAX, f64::MIN), |(low, high), v| {
            (low.min(v), high.max(v))
        });
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        let gap = match high - low {
            gap if gap > 1e-9 * low.abs().max(high.abs()) => margin * gap,
            _ if self.log => 0.5,
            _ => (0.1 * low.abs()).max(if self.whole { 1.0 } else { 0.1 }),
        };
        // Quantities that are never negative do not get an axis that is.
        low = if low >= 0.0 && !self.log {
            (low - gap).max(0.0)
        } else {
            low - gap
        };
        high += gap;
        low = self.from.map_or(low, inner);
        high = self
            .to
            .map_or(high, inner)
            .max(low + 1e-12 * low.abs().max(1e-300));
        let (ticks, labels) = if !self.names.is_empty() {
            (
                (0..self.names.len()).map(|i| i as f64).collect(),
                self.names.clone(),
            )
        } else if self.log {
            powers(low, high, count)
        } else {
            steps(low, high, count, self.whole)
        };
        Scale {
            low,
            high,
            log: self.log,
            ticks,
            labels,
        }
    }
}

/// A range of values (of their logarithms), and the numbers written along it.
#[derive(Clone)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    log: bool,
    ticks: Vec<f64>,
    pub(crate) labels: Vec<String>,
}

impl Scale {
    /// The numbers along the axis, each with its text.
    pub(crate) fn ticks(&self) -> impl Iterator<Item = (f64, &str)> {
        self.ticks
            .iter()
            .copied()
            .zip(self.labels.iter().map(String::as_str))
    }

    /// Where a value lies: 0 at the lower end, 1 at the upper one; what is outside goes to the nearer end.
    pub(crate) fn place(&self, value: f64) -> f64 {
        let inner = if self.log { value.log10() } else { value };
        ((inner - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }
}

impl Ranged for Scale {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        limit.0 + (self.place(*value) * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        if self.log {
            10f64.powf(self.low)..10f64.powf(self.high)
        } else {
            self.low..self.high
        }
    }
}

impl ValueFormatter<f64> for Scale {
    fn format_ext(&self, value: &f64) -> String {
        let at = self.ticks.iter().position(|tick| tick == value);
        at.map_or_else(String::new, |at| self.labels[at].clone())
    }
}

/// One of 1, 2 and 5 times a power of ten: about `wished`, rather more than less.
pub(crate) fn round_step(wished: f64) -> f64 {
    let least = 0.65 * wished;
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|n| n * power)
        .into_iter()
        .find(|step| *step >= least * (1.0 - 1e-9))
        .unwrap_or(least)
}

/// Round numbers at equal distances.
fn steps(low: f64, high: f64, count: f64, whole: bool) -> (Vec<f64>, Vec<String>) {
    let step = round_step((high - low) / count).max(if whole { 1.0 } else { 0.0 });
    let (first, last) = ((low / step - 1e-6).ceil(), (high / step + 1e-6).floor());
    // Past 2⁵³ the numbers of steps would not be exact any more.
    let ticks: Vec<f64> = if first.abs().max(last.abs()) < 9e15 {
        (first as i64..=last as i64)
            .map(|i| i as f64 * step)
            .collect()
    } else {
        vec![]
    };
    let labels = ticks.iter().map(|tick| decimal(*tick, step)).collect();
    (ticks, labels)
}

/// Powers of ten between 10^low and 10^high, or 1, 2 and 5 times them where there are few.
fn powers(low: f64, high: f64, count: f64) -> (Vec<f64>, Vec<String>) {
    let exponents: Vec<i32> = ((low - 1e-9).ceil() as i32..=(high + 1e-9).floor() as i32).collect();
    if exponents.len() >= 3 {
        let plain = exponents[0] >= -4 && exponents[exponents.len() - 1] <= 5;
        let every = (exponents.len() as f64 / count.max(2.0)).ceil();
        let shown = exponents
            .into_iter()
            .filter(|exponent| exponent.rem_euclid(every as i32) == 0);
        let text = |n: i32| {
            if plain {
                decimal(10f64.powi(n), 10f64.powi(n))
            } else {
                format!("10{}", raised(n))
            }
        };
        return shown.map(|n| (10f64.powi(n), text(n))).unzip();
    }
    let parts = |n: i32| [1.0, 2.0, 5.0].map(|part| (part * 10f64.powi(n), 10f64.powi(n)));
    let inside = |value: f64| (low - 1e-9..=high + 1e-9).contains(&value.log10());
    let ticks = (low.floor() as i32..=high.ceil() as i32)
        .flat_map(parts)
        .filter(|(value, _)| inside(*value));
    let (ticks, labels): (Vec<f64>, Vec<String>) = ticks
        .map(|(value, unit)| (value, decimal(value, unit)))
        .unzip();
    // Within one step of 1, 2 and 5 the axis is as good as linear.
    if ticks.len() >= 2 {
        (ticks, labels)
    } else {
        steps(10f64.powf(low), 10f64.powf(high), count, false)
    }
}

/// A number with as many decimals as multiples of `step` need: `−1,250`, `0.002`, `3·10⁻⁷`.
pub(crate) fn decimal(value: f64, step: f64) -> String {
    let power = step.log10() + 1e-9;
    let tiny = step < 0.99e-5 && value.abs() < 1e-3;
    if value == 0.0 && tiny {
        return "0".to_owned();
    }
    if value.abs() >= 1e6 || tiny {
        return scientific(
            value,
            (value.abs().log10() - power.floor()).clamp(0.0, 6.0) as usize,
        );
    }
    let decimals = (-power.floor()).clamp(0.0, 12.0) as usize;
    let text = format!("{:.decimals$}", value.abs());
    let (before, after) = text
        .split_once('.')
        .map_or((text.as_str(), String::new()), |(b, a)| {
            (b, format!(".{a}"))
        });
    let whole = before
        .parse()
        .map_or_else(|_| before.to_owned(), crate::text::thousands);
    let sign = if value < 0.0 && text.contains(|c: char| ('1'..='9').contains(&c)) {
        "−"
    } else {
        ""
    };
    format!("{sign}{whole}{after}")
}

/// `3.2·10⁻⁷`, or `10⁻⁷` alone.
fn scientific(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let power = format!("10{}", raised(exponent.parse().unwrap_or(0)));
    if mantissa == "1" {
        power
    } else {
        format!("{}·{power}", mantissa.replace('-', "−"))
    }
}

/// A number as it is read in a sentence, with four digits at most: `0.4816`, `12.35`, `40,000`, `3.2·10⁻⁷`.
pub(crate) fn short(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if value.is_nan() => "not a number".to_owned(),
        _ if value.is_infinite() => "infinite".to_owned(),
        0.0 => "0".to_owned(),
        _ if !(9.9995e-5..999_999.5).contains(&size) => {
            let digits = (0..3)
                .find(|digits| format!("{value:.digits$e}").parse() == Ok(value as f32))
                .unwrap_or(3);
            scientific(value, digits)
        }
        _ => {
            let text = decimal(
                value,
                10f64.powf((size.log10().floor() - 3.0).clamp(-5.0, 0.0)),
            );
            if text.contains('.') {
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            } else {
                text
            }
        }
    }
}

/// An exponent: `⁻⁴`.
fn raised(exponent: i32) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let digit = |c: char| c.to_digit(10).map_or('⁻', |digit| DIGITS[digit as usize]);
    exponent.to_string().chars().map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: Axis, values: &[f64]) -> Vec<String> {
        axis.scale(values.iter().copied(), 5.0, 0.0).labels
    }

    #[test]
    fn axes_are_labelled_with_round_numbers() {
        let linear = || Axis::new("");
        assert_eq!(
            labels(linear(), &[1.46, 2.07]),
            ["1.5", "1.6", "1.7", "1.8", "1.9", "2.0"]
        );
        assert_eq!(
            labels(linear(), &[0.0, 40_000.0]),
            ["0", "10,000", "20,000", "30,000", "40,000"]
        );
        assert_eq!(
            labels(linear(), &[-1.0, 1.0]),
            ["−1.0", "−0.5", "0.0", "0.5", "1.0"]
        );
        assert_eq!(
            labels(linear(), &[0.0, 4e-7]),
            ["0", "10⁻⁷", "2·10⁻⁷", "3·10⁻⁷", "4·10⁻⁷"]
        );
        assert_eq!(labels(linear(), &[0.0, 5e6])[1], "10⁶");
        assert_eq!(
            labels(
                Axis {
                    whole: true,
                    ..linear()
                },
                &[1.0, 2.0]
            ),
            ["1", "2"]
        );
    }

    #[test]
    fn logarithmic_axes_are_labelled_with_powers_of_ten_or_steps_between_them() {
        let log = || Axis {
            log: true,
            ..Axis::new("")
        };
        assert_eq!(
            labels(log(), &[1e-4, 0.1]),
            ["0.0001", "0.001", "0.01", "0.1"]
        );
        assert_eq!(
            labels(log(), &[1e-6, 1e-2]),
            ["10⁻⁶", "10⁻⁵", "10⁻⁴", "10⁻³", "10⁻²"]
        );
        assert_eq!(labels(log(), &[1.0, 10.0]), ["1", "2", "5", "10"]);
        assert_eq!(labels(log(), &[2.2, 3.9]), ["2.5", "3.0", "3.5"]);
        assert!(labels(log(), &[1e-90, 1e90]).len() <= 6);
    }

    #[test]
    fn no_values_are_too_strange_for_an_axis() {
        for log in [false, true] {
            for values in [
                &[][..],
                &[f64::NAN],
                &[0.0],
                &[-3.0],
                &[1e300, -1e300],
                &[5.0, 5.0],
                &[1e-300],
                &[1e99, 1e100],
            ] {
                for margin in [0.0, 0.05] {
                    let scale = Axis {
                        log,
                        ..Axis::new("")
                    }
                    .scale(values.iter().copied(), 5.0, margin);
                    assert!(scale.labels.len() < 20, "{values:?}");
                    assert!(values.iter().all(|v| v.is_nan()
                        || (0.0..=1.0).contains(&scale.place(*v))
                        || scale.place(*v).is_nan()));
                }
            }
        }
    }

    #[test]
    fn numbers_in_sentences_have_four_digits_and_no_needless_zeros() {
        let tiny = f64::from(1e-6f32);
        let numbers = [
            0.4816,
            1.4523,
            0.001,
            40_000.0,
            12.345,
            3.2e-7,
            1234.56,
            -0.5,
            f64::NAN,
            tiny,
            2.03e8,
        ];
        let texts = numbers.map(short);
        assert_eq!(
            texts,
            [
                "0.4816",
                "1.452",
                "0.001",
                "40,000",
                "12.35",
                "3.2·10⁻⁷",
                "1,235",
                "−0.5",
                "not a number",
                "10⁻⁶",
                "2.03·10⁸"
            ]
        );
    }
}
