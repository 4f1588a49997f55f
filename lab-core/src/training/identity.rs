//! What a training is made of, so that a checkpoint goes on only where it belongs.

use serde::Serialize;
use serde_json::{Value, json};

use super::trainer::Trainer;
use crate::compute::Instructions;
use crate::data::Dataset;
use crate::error::{LabError, Result};
use crate::fingerprint::Fingerprint;
use crate::model::Sequential;

impl Trainer {
    /// Everything that the bits of a training depend on, but for its functions and its number of threads.
    ///
    /// The epochs count only where the schedule depends on them, so that elsewhere there may be more of them.
    pub(super) fn identity(
        &self,
        model: &Sequential,
        train: &Dataset,
        validation: Option<&Dataset>,
    ) -> Value {
        let mut start = Fingerprint::new();
        model
            .parameters
            .iter()
            .for_each(|parameter| start.floats(&parameter.value));
        let mut weights = Fingerprint::new();
        for given in [&self.class_weights, &self.sample_weights] {
            weights.floats(given.as_deref().unwrap_or_default());
        }
        let images = |data: &Dataset| json!({ "count": data.len(), "content": data.fingerprint() });
        let settings = self.settings();
        let schedule = match self.schedule.depends_on_epochs() {
            true => format!("{} over {} epochs", settings.schedule, self.epochs),
            false => settings.schedule,
        };
        json!({
            "version of the laboratory": env!("CARGO_PKG_VERSION"),
            "machine": format!("{:?} on {}", Instructions::detect(), std::env::consts::ARCH),
            "network": written(model.architecture()),
            "weights at the start": start.text(),
            "loss": settings.loss,
            "label smoothing": written(&settings.label_smoothing),
            "optimizer": written(&self.recipe.optimizer),
            "schedule": schedule,
            "batch size": settings.batch_size,
            "global clip norm": written(&settings.global_clip_norm),
            "augmentation": settings.augmentation,
            "callbacks": settings.callbacks,
            "seed": settings.seed,
            "weights of classes and examples": weights.text(),
            "training data": images(train),
            "validation data": validation.map(images),
            "epochs before": self.epochs_before,
        })
    }
}

/// A value with its numbers as they are written: 0.01, which no `f32` is exactly.
fn written(value: &impl Serialize) -> Value {
    serde_json::to_string(value)
        .and_then(|text| serde_json::from_str(&text))
        .unwrap_or_default()
}

/// An error that names the first difference between what a checkpoint is of and what is to be trained now.
pub(super) fn check_same(path: &std::path::Path, saved: &Value, now: &Value) -> Result<()> {
    let Some((name, saved, now)) = difference("", saved, now) else {
        return Ok(());
    };
    let remedy = "give the same options as before, or train from the beginning, without resuming";
    let found = format!("a checkpoint of another training, whose {name} is {saved}");
    Err(LabError::format(
        path,
        found,
        format!("{name} {now}"),
        remedy,
    ))
}

/// The name of the first entry that differs, and both values.
fn difference(name: &str, saved: &Value, now: &Value) -> Option<(String, Value, Value)> {
    if let (Value::Object(saved), Value::Object(now)) = (saved, now)
        && saved.keys().eq(now.keys())
    {
        let inner = |key: &String| {
            if name.is_empty() {
                key.clone()
            } else {
                format!("{name}: {key}")
            }
        };
        return now
            .iter()
            .find_map(|(key, now)| difference(&inner(key), &saved[key], now));
    }
    (saved != now).then(|| (name.to_owned(), saved.clone(), now.clone()))
}
