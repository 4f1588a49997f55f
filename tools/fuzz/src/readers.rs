//! Every reader of what others may have written, by its name: fuzzing gives them bytes of any kind, and `cargo test`
//! (`crates/cli/tests/corpus.rs`) gives them again what fuzzing has found worth keeping.
//!
//! A reader may say no to anything; what it may not do is panic, hang, or take more memory than the format has use for.

use std::fs;
use std::path::Path;

use lab_core::data::cifar10::FOLDER;
use lab_core::data::{Dataset, binary};
use lab_core::model::{Activation, Architecture, Sequential};
use lab_core::ndarray::Array4;
use lab_core::training::{Adam, EarlyStopping, History, Loss, Silent, Trainer};
use lab_core::{Result, Seed};
use lab_notebook::lab::Record;

use lab_cli::config::Config;
use lab_cli::fetch::staging::{Expected, Staging};
use lab_cli::fetch::{cifar10, npm, sources};
use lab_cli::terminal::Screen;
use lab_cli::{Outcome, predict};

/// Reads the file at a path, and says nothing of what it found.
pub type Reader = fn(&Path);

/// The readers by their names.
pub const READERS: [(&str, Reader); 10] = [
    ("batch", |path| _ = binary::read_batch(path)),
    ("archive", |path| receive(path, sources::receive_file)),
    ("package", |path| receive(path, npm::receive_package)),
    ("sheet", |path| {
        _ = npm::records(fs::read(path).unwrap_or_default(), &[3, 5], "sheet")
    }),
    ("picture", |path| _ = predict::read(path)),
    ("network", network),
    ("checkpoint", checkpoint),
    ("history", |path| _ = History::from_csv(path)),
    ("config", |path| {
        _ = in_folder(path, "config.toml", Config::read)
    }),
    ("record", |path| _ = in_folder(path, "metrics.json", record)),
];

/// Writes the bytes to a file of this process in `folder` and lets the reader of that name read it.
///
/// # Panics
/// Where there is no such reader, the file cannot be written, or the reader panics.
pub fn read(name: &str, folder: &Path, bytes: &[u8]) {
    let reader = READERS
        .iter()
        .find(|(known, _)| *known == name)
        .expect("a reader of that name")
        .1;
    let path = folder.join(format!("{name}-{}", std::process::id()));
    fs::write(&path, bytes).expect("a folder that can be written");
    reader(&path);
}

/// Takes the files of a data set with two images a file, so that small inputs get far; no content has this hash.
fn receive(path: &Path, by: impl FnOnce(&Path, &Staging, &Screen) -> Outcome) {
    let small = |file: Expected| Expected {
        bytes: 2 * 3073,
        sha256: "",
        ..file
    };
    let table: Vec<_> = cifar10().into_iter().map(small).collect();
    let home = path.with_extension("home");
    let made = fs::create_dir_all(&home);
    made.expect("a folder that can be written");
    let staging = Staging::begin(&home.join(FOLDER), &table).expect("a temporary folder");
    _ = by(path, &staging, &Screen::silent());
}

/// A network and its weights, alone and for a network that is there already.
fn network(path: &Path) {
    _ = Sequential::load(path).map(|model| model.summary().to_string());
    _ = small_plan()
        .build(Seed(0))
        .and_then(|mut model| model.load_weights(path));
}

/// The training that [`write_checkpoint`] begins goes on, where the file lets it.
fn checkpoint(path: &Path) {
    _ = in_folder(path, "checkpoint.safetensors", |folder| {
        small_trainer(folder)?.resume().fit(
            &mut small_plan().build(Seed(0))?,
            &few_images()?,
            &few_images()?,
        )
    });
}

/// Trains for an epoch and leaves a checkpoint of it in `folder`.
///
/// # Errors
/// Where it cannot be written.
pub fn write_checkpoint(folder: &Path) -> Result<History> {
    small_trainer(folder)?.epochs(1).fit(
        &mut small_plan().build(Seed(0))?,
        &few_images()?,
        &few_images()?,
    )
}

/// A small network that the readers of weights know.
pub fn small_plan() -> Architecture {
    Sequential::new([1, 2, 3])
        .flatten()
        .dense(2, Activation::Elu)
        .batch_norm()
        .dense(2, Activation::Softmax)
}

/// A trainer of it, with checkpoints in a folder.
pub fn small_trainer(folder: &Path) -> Result<Trainer> {
    let stopping = EarlyStopping::on_val_loss()
        .patience(3)
        .restore_best_weights();
    let trainer = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(0.01))
        .epochs(2)
        .batch_size(2)
        .threads(1);
    Ok(trainer
        .progress(Silent)
        .callback(stopping)
        .checkpoint(folder, 1))
}

/// Images for it.
pub fn few_images() -> Result<Dataset> {
    let images =
        Array4::from_shape_fn((4, 1, 2, 3), |(i, _, x, c)| (60 * i + 20 * x + 5 * c) as u8);
    Dataset::new(
        images,
        vec![0, 1, 0, 1],
        vec!["a".to_owned(), "b".to_owned()],
    )
}

fn record(folder: &Path) -> Result<()> {
    let record = Record::read(folder)?;
    record.test.map_or(Ok(()), |test| {
        test.confusion_matrix().map(|matrix| _ = matrix.to_string())
    })
}

/// Reads a file that must have a name of its own in a folder of its own.
fn in_folder<T>(path: &Path, name: &str, read: impl FnOnce(&Path) -> Result<T>) -> Option<T> {
    let folder = path.with_extension("folder");
    fs::create_dir_all(&folder).ok()?;
    fs::rename(path, folder.join(name)).ok()?;
    read(&folder).ok()
}
