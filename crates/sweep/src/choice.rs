//! The values of an option that a sweep varies, from a list or a range.

use std::collections::HashSet;

use lab_core::{LabError, Result};
use serde::Deserialize;
use toml::Value;

/// Numbers between two ends, evenly or by their logarithm.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    from: f64,
    to: f64,
    #[serde(default)]
    log: bool,
    /// How many values, both ends among them.
    steps: Option<usize>,
}

/// How many values of a range there are to be drawn from.
const FINE: usize = 1001;

/// Reads `[32, 64]` or `{ from = 1e-4, to = 0.1, log = true }`; a grid, unlike draws, needs the `steps` of a range.
///
/// # Errors
/// Names the option and how its values are written.
pub fn values(name: &str, value: &Value, drawn: bool) -> Result<Vec<String>> {
    let wrong = |found: &str| {
        let expected = "a list, or a range { from = 1e-4, to = 0.1, log = true }";
        let remedy = "a value that all trials share belongs into [train]; \
                      a range needs `steps = 5`, or `trials = 20` at the head of the file";
        LabError::value(format!("`{name}` in [vary]"), found, expected, remedy)
    };
    if let Value::Array(values) = value {
        let texts: Option<Vec<_>> = values.iter().map(text).collect();
        let mut texts = texts.filter(|texts| !texts.is_empty());
        let mut seen = HashSet::new();
        texts
            .iter_mut()
            .for_each(|it| it.retain(|text| seen.insert(text.clone())));
        return texts.ok_or_else(|| wrong(&value.to_string()));
    }
    let range = value.clone().try_into::<Range>();
    let range = range.map_err(|error| wrong(&format!("{value} ({})", error.to_string().trim())))?;
    let (from, to) = (range.from, range.to);
    let whole = ["from", "to"].iter().all(|end| value[*end].is_integer());
    let steps = range.steps.or(drawn.then_some(FINE)).unwrap_or(0);
    if !(from < to && to.is_finite()) || range.log && from <= 0.0 || steps < 2 {
        return Err(wrong(&value.to_string()));
    }
    let at = |step: usize| {
        let place = step as f64 / (steps - 1) as f64;
        let value = match range.log {
            true => from * (to / from).powf(place),
            false => from + (to - from) * place,
        };
        // What is written is what is trained with, and four digits are enough.
        let rounded = format!("{value:.3e}").parse().unwrap_or(value);
        let value = if whole { value.round() } else { rounded };
        value.to_string()
    };
    let mut values: Vec<_> = (0..steps).map(at).collect();
    values.dedup();
    Ok(values)
}

/// A single value as `train` takes it.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(_) | Value::Boolean(_) => Some(value.to_string()),
        Value::Float(number) => Some(number.to_string()),
        _ => None,
    }
}
