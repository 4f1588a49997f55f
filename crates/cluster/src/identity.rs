//! What all ranks of a training, and a checkpoint of it, must have in common.

use lab_core::compute::{Instructions, Threads};
use lab_core::data::Dataset;
use lab_core::model::Sequential;
use lab_core::training::TrainingConfig;
use lab_core::{LabError, Result};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::communicator::Communicator;
use crate::tree::sum;

/// Everything that the bits of a training depend on, as texts.
pub(crate) type Identity = [String; 5];

/// What each text is.
const NAMES: [&str; 5] = [
    "program or processor",
    "data set",
    "network",
    "set of initial weights",
    "set of options",
];

/// The identity of a training that has not begun. The number of epochs counts only where the schedule depends on it.
pub(crate) fn identity(model: &Sequential, data: &Dataset, config: &TrainingConfig) -> Identity {
    let mut options = config.clone();
    if !options.schedule.depends_on_epochs() {
        options.epochs = 0;
    }
    let (version, instructions) = (env!("CARGO_PKG_VERSION"), Instructions::detect());
    let fused = instructions.has_fused_multiply_add();
    [
        format!("{version}, fused multiply-add: {fused}"),
        of_data(data),
        json(model.architecture()),
        sha256(model),
        json(&options),
    ]
}

/// Compares a text of every rank, each of which finds the same difference; `name` says what the text is.
pub(crate) fn check_ranks(ranks: &impl Communicator, name: &str, text: &[u8]) -> Result<()> {
    // The bytes of the digests travel as floats, to which the other ranks add zeros.
    let digest = Sha256::digest(text);
    let mut table = vec![0.0; ranks.size() * digest.len()];
    let own = table.chunks_mut(digest.len()).nth(ranks.rank());
    let pairs = own.into_iter().flatten().zip(digest);
    pairs.for_each(|(to, byte)| *to = byte.into());
    sum(ranks, &mut table, &Threads::one())?;
    let mut rows = table.chunks(table.len() / ranks.size());
    let first = rows.next();
    let Some(other) = rows.position(|row| Some(row) != first) else {
        return Ok(());
    };
    let (place, found) = (format!("rank {}", other + 1), format!("a different {name}"));
    let remedy = "start all ranks with the same program and options, and give them the same files";
    Err(LabError::value(place, found, "that of rank 0", remedy))
}

/// Compares all texts of every rank.
pub(crate) fn check_all_ranks(ranks: &impl Communicator, texts: &Identity) -> Result<()> {
    let mut all = NAMES.iter().zip(texts);
    all.try_for_each(|(name, text)| check_ranks(ranks, name, text.as_bytes()))
}

/// Compares the identity in a checkpoint with that of the training which resumes.
pub(crate) fn check_saved(saved: &Identity, now: &Identity) -> Result<()> {
    let mut all = NAMES.iter().zip(saved.iter().zip(now));
    let Some((name, (saved, now))) = all.find(|(_, (saved, now))| saved != now) else {
        return Ok(());
    };
    let remedy = "give the same data and options as before, or begin without resuming";
    let place = format!("checkpoint: {name}");
    Err(LabError::value(place, saved, now, remedy))
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// A digest in hexadecimal.
pub(crate) fn hex(hash: Sha256) -> String {
    let bytes = hash.finalize();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The SHA-256 of all images, labels and the normalization, in order.
fn of_data(data: &Dataset) -> String {
    let mut hash = Sha256::new();
    for image in (0..data.len()).filter_map(|index| data.image(index)) {
        hash.update(image.as_slice().unwrap_or_default());
    }
    hash.update(data.labels());
    hash.update(json(data.normalization()));
    hex(hash)
}

/// The SHA-256 of all weights of a network, in the order of its layers.
pub fn sha256(model: &Sequential) -> String {
    let mut hash = Sha256::new();
    let arrays = model.weight_names().flat_map(|name| model.weight(name));
    for weight in arrays.flat_map(|array| array.to_owned()) {
        hash.update(weight.to_le_bytes());
    }
    hex(hash)
}
