//! From values to places along an axis, and the round numbers that are written there.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;

use super::theme::TICK;
use crate::numbers::{decimal, range, scientific, short};

/// Values beyond this cannot be told from infinite ones in a picture, and their differences must stay finite.
const LARGEST: f64 = 1e100;

/// What is wanted of an axis.
#[derive(Clone, Debug, Default)]
pub(crate) struct Axis {
    pub(crate) label: String,
    pub(crate) log: bool,
    /// Ends that do not depend on the values.
    pub(crate) from: Option<f64>,
    pub(crate) to: Option<f64>,
    /// Names at 0, 1, 2, … instead of numbers.
    pub(crate) names: Vec<String>,
}

impl Axis {
    /// An axis with a label that names the quantity and its unit.
    pub(crate) fn new(label: &str) -> Self {
        let mut axis = Self::default();
        axis.label.push_str(label);
        axis
    }

    /// An axis with a name at each whole number.
    pub(crate) fn named(names: Vec<String>) -> Self {
        let mut axis = Self::default().range(-0.5, names.len() as f64 - 0.5);
        axis.names = names;
        axis
    }

    pub(crate) fn range(mut self, from: f64, to: f64) -> Self {
        (self.from, self.to) = (Some(from), Some(to));
        self
    }

    pub(crate) fn log(mut self) -> Self {
        self.log = true;
        self
    }

    /// Whether the value has a place on this axis; others are gaps.
    pub(crate) fn shows(&self, value: f64) -> bool {
        value.abs() <= LARGEST && (!self.log || value >= 1.0 / LARGEST)
    }

    /// A value as text: its name, or a number.
    pub(super) fn text(&self, value: f64) -> String {
        let name = self.names.get(value as usize);
        name.map_or_else(|| short(value), String::clone)
    }

    /// The scale for these values, with as many numbers as fit side by side into `width`, but not more than 8.
    pub(super) fn along(&self, values: &[f64], width: f64) -> Scale {
        let fits = |most: &usize| {
            let labels = self.scale(values, *most, 0.025).labels;
            (TICK.widest(&labels) + 11.0) * labels.len() as f64 <= width
        };
        let most = (3..=8).rev().find(fits).unwrap_or(2);
        self.scale(values, most, 0.025)
    }

    /// The scale for these values, with at most `most` numbers; `margin` is the share of the range left free at its ends.
    pub(super) fn scale(&self, values: &[f64], most: usize, margin: f64) -> Scale {
        let log = self.log;
        let inner = |value: f64| if log { value.log10() } else { value };
        // An end that has no place on the axis is none.
        let [start, end] = [self.from, self.to].map(|end| end.filter(|end| self.shows(*end)));
        let (from, to) = (start.unwrap_or(f64::MIN), end.unwrap_or(f64::MAX));
        let shown = || values.iter().copied().filter(|value| self.shows(*value));
        let within = shown().map(|value| inner(value.max(from).min(to)));
        let (mut low, mut high) = range(within).unwrap_or((0.0, 1.0));
        let whole = !log && shown().all(|value| value.fract() == 0.0);
        let gap = match (high - low, low.abs().max(high.abs())) {
            (length, size) if length > 1e-9 * size => margin * length,
            _ if log => 0.5,
            (_, size) => (0.1 * size).max(0.1),
        };
        // Quantities that are never negative do not get an axis that is.
        let positive = low >= 0.0 && !log;
        low = (low - gap).max(if positive { 0.0 } else { f64::MIN });
        low = start.map_or(low, inner);
        // The ticks of a range that is narrow beside its ends cannot be counted.
        let narrowest = 1e-9 * low.abs().max(1e-280);
        high = end.map_or(high + gap, inner).max(low + narrowest);
        // Within a power of ten the axis is as good as linear.
        let powers = log && high - low > 0.9999;
        let mut ticks = match (log, powers) {
            (_, true) => powers_of_ten(low - 1e-9..high + 1e-9, most),
            (true, false) => round_numbers(10_f64.powf(low)..10_f64.powf(high), most),
            (false, false) => round_numbers(low..high, most),
        };
        ticks.retain(|tick| !whole || tick.fract() == 0.0);
        let mut labels = labels(&ticks, powers);
        if !self.names.is_empty() {
            ticks = (0..self.names.len()).map(|at| at as f64).collect();
            labels.clone_from(&self.names);
        }
        Scale {
            ends: low..high,
            log,
            ticks,
            labels,
        }
    }
}

/// At most so many multiples of 1, 2 or 5 times a power of ten within a range.
fn round_numbers(ends: Range<f64>, most: usize) -> Vec<f64> {
    RangedCoordf64::from(ends).key_points(most)
}

/// The powers of ten between those of two exponents, with their multiples by 2 and 5 where there are few.
fn powers_of_ten(exponents: Range<f64>, most: usize) -> Vec<f64> {
    let length = exponents.end - exponents.start;
    if length > 3.0 {
        let round = round_numbers(exponents, most).into_iter();
        let whole = round.filter(|exponent| exponent.fract() == 0.0);
        return whole.map(|exponent| 10_f64.powf(exponent)).collect();
    }
    let powers = exponents.start.floor() as i32..=exponents.end as i32;
    let multiples = |power| [1.0, 2.0, 5.0].map(|factor| factor * 10_f64.powi(power));
    let within = |tick: &f64| exponents.contains(&tick.log10());
    powers.flat_map(multiples).filter(within).collect()
}

/// The ticks as texts: with equally many decimals, or, of powers of ten, all as powers or none.
fn labels(ticks: &[f64], powers: bool) -> Vec<String> {
    let step = ticks.get(1).map_or(0.0, |second| second - ticks[0]);
    let decimals = -(step.log10() + 1e-9).floor().min(0.0);
    let (low, high) = range(ticks.iter().copied()).unwrap_or_default();
    let raised = powers && (low < 9e-5 || high > 2e5);
    let equal = !powers && decimals <= 5.0 && low.abs().max(high.abs()) < 1e6;
    let text = |tick: &f64| match *tick {
        tick if raised => scientific(tick),
        tick if equal => decimal(tick, decimals as usize),
        tick => short(tick),
    };
    ticks.iter().map(text).collect()
}

/// A range of values, or of their powers of ten where the axis is logarithmic, and the numbers written along it.
pub(super) struct Scale {
    ends: Range<f64>,
    log: bool,
    ticks: Vec<f64>,
    pub(super) labels: Vec<String>,
}

impl Ranged for Scale {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    /// What is outside goes to the nearer end.
    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let place = if self.log { value.log10() } else { *value };
        let place = place.clamp(self.ends.start, self.ends.end);
        RangedCoordf64::from(self.range()).map(&place, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.ends.clone()
    }
}

impl ValueFormatter<f64> for Scale {
    fn format_ext(&self, value: &f64) -> String {
        let at = self.ticks.iter().position(|tick| tick == value);
        at.map_or(String::new(), |at| self.labels[at].clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: Axis, values: &[f64]) -> Vec<String> {
        axis.scale(values, 6, 0.0).labels
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
        assert_eq!(labels(linear(), &[-1.0, 1.0]), ["−1", "0", "1"]);
        assert_eq!(
            labels(linear(), &[0.0, 4e-7]),
            ["0", "10⁻⁷", "2·10⁻⁷", "3·10⁻⁷", "4·10⁻⁷"]
        );
        assert_eq!(labels(linear(), &[0.0, 5e6])[1], "10⁶");
        assert_eq!(labels(linear(), &[1.0, 2.0]), ["1", "2"]);
    }

    #[test]
    fn logarithmic_axes_are_labelled_with_powers_of_ten_or_steps_between_them() {
        let log = || Axis::new("").log();
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
                    let axis = if log {
                        Axis::new("").log()
                    } else {
                        Axis::new("")
                    };
                    let scale = axis.scale(values, 6, margin);
                    assert!(scale.labels.len() < 20, "{values:?}");
                    let inside = |value: &&f64| axis.shows(**value);
                    for value in values.iter().filter(inside) {
                        assert!((0..=600).contains(&scale.map(value, (0, 600))), "{value}");
                    }
                }
            }
        }
    }
}
