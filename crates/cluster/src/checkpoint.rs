//! The checkpoint of a training, which does not depend on the number of ranks: a line of JSON, then the weights and the
//! optimizer's arrays, in the order of the layers, as `f32` with the lowest byte first.

use std::fs;
use std::path::Path;

use lab_core::files::write_whole;
use lab_core::training::History;
use lab_core::{LabError, Result};
use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::communicator::Communicator;
use crate::identity::{Identity, check_ranks, check_saved, hex};
use crate::shards::Learner;

/// The first line of the file.
#[derive(Serialize, Deserialize)]
struct Header {
    identity: Identity,
    history: History,
    /// Steps of the optimizer.
    steps: u64,
    /// How many numbers the optimizer has for each of the network's arrays.
    slots: Vec<[usize; 2]>,
    /// The SHA-256 of what follows.
    sha256: String,
}

/// Writes the network and the optimizer's state, whole or not at all.
pub(crate) fn write<C>(
    path: &Path,
    learner: &Learner<'_, C>,
    identity: &Identity,
    history: &History,
) -> Result<()> {
    let (model, optimizer) = (&learner.model, &learner.optimizer);
    let weights = model.weight_names().flat_map(|name| model.weight(name));
    let mut floats: Vec<f32> = weights.flat_map(|array| array.to_owned()).collect();
    floats.extend(optimizer.slots.iter().flatten().flatten());
    let bytes: Vec<u8> = floats.iter().flat_map(|it| it.to_le_bytes()).collect();
    let length = |slots: &[Vec<f32>; 2]| slots.each_ref().map(Vec::len);
    let header = Header {
        identity: identity.clone(),
        history: history.clone(),
        steps: optimizer.steps,
        slots: optimizer.slots.iter().map(length).collect(),
        sha256: hex(Sha256::new_with_prefix(&bytes)),
    };
    write_whole(path, |file| {
        serde_json::to_writer(&mut *file, &header)?;
        file.write_all(b"\n")?;
        file.write_all(&bytes)
    })
}

/// Goes on from the checkpoint, or begins where there is none; every rank must find the same file.
pub(crate) fn resume<C: Communicator>(
    path: &Path,
    learner: &mut Learner<'_, C>,
    identity: &Identity,
) -> Result<History> {
    let remedy = "check its permissions";
    let failed = |error| LabError::io("read", path, error, remedy);
    let exists = path.exists();
    let file = exists.then(|| fs::read(path).map_err(failed));
    let file = file.transpose()?.unwrap_or_default();
    check_ranks(learner.ranks, "checkpoint", &file)?;
    if !exists {
        return Ok(History::default());
    }
    let damaged = |found: &str| {
        let remedy = "remove the file, or begin without resuming";
        LabError::format(path, found, "a whole checkpoint of a training", remedy)
    };
    let mut parts = file.splitn(2, |&byte| byte == b'\n');
    let header = serde_json::from_slice(parts.next().unwrap_or_default());
    let header: Header = header.map_err(|error| damaged(&error.to_string()))?;
    check_saved(&header.identity, identity)?;
    let done = header.history.epochs.len();
    if done > learner.config.epochs {
        let (found, remedy) = (
            format!("{done} epochs that are done"),
            "ask for more epochs",
        );
        let expected = format!("at most {}", learner.config.epochs);
        return Err(LabError::format(path, found, expected, remedy));
    }
    let bytes = parts.next().unwrap_or_default();
    if hex(Sha256::new_with_prefix(bytes)) != header.sha256 {
        return Err(damaged("other numbers than were written"));
    }
    let floats = bytes.as_chunks().0.iter();
    let mut floats = floats.map(|&bytes| f32::from_le_bytes(bytes));
    let names: Vec<String> = learner.model.weight_names().map(str::to_owned).collect();
    for name in names {
        let shape = learner.model.weight(&name)?.raw_dim();
        let values = ArrayD::from_shape_simple_fn(shape, || floats.next().unwrap_or_default());
        learner.model.set_weight(&name, values)?;
    }
    let mut slot = |length| floats.by_ref().take(length).collect();
    let slots = header.slots.iter();
    learner.optimizer.slots = slots.map(|lengths| lengths.map(&mut slot)).collect();
    learner.optimizer.steps = header.steps;
    Ok(header.history)
}
