//! Every reader of what others may have written, by its name: fuzzing (`tools/fuzz`) gives them bytes of any kind, and
//! `cargo test` gives them again what fuzzing has found worth keeping.
//!
//! A reader may say no to anything; what it may not do is panic, hang, or take more memory than the format has use for.

use std::fs;
use std::path::Path;

use lab_core::data::{Dataset, binary};
use lab_core::lab::Record;
use lab_core::model::{Activation, Architecture, Sequential};
use lab_core::ndarray::Array4;
use lab_core::training::{Adam, EarlyStopping, History, Loss, Monitor, Silent, Trainer};
use lab_core::{Result, Seed};

use crate::config::Config;
use crate::fetch::readers::{archive, package, sheet};
use crate::predict;

/// Reads the file at a path, and says nothing of what it found.
pub type Reader = fn(&Path);

/// The readers by their names.
pub const READERS: [(&str, Reader); 10] = [
    ("batch", |path| _ = binary::read_batch(path)),
    ("archive", archive),
    ("package", package),
    ("sheet", sheet),
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

fn small_trainer(folder: &Path) -> Result<Trainer> {
    let stopping = EarlyStopping::on(Monitor::ValLoss)
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

fn few_images() -> Result<Dataset> {
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

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::path::PathBuf;

    use lab_core::data::Cifar10;
    use lab_core::lab::{DataRecord, TestRecord};
    use tempfile::TempDir;

    use super::*;
    use crate::fetch::small_set::{png_of, sheet, small_set, tar_of};

    /// A good file for each reader, and some that are nearly good.
    fn seeds() -> Vec<(&'static str, Vec<u8>)> {
        let home = TempDir::new().unwrap();
        let path = |name: &str| home.path().join(name);
        let set = small_set();
        let (train, test) = (few_images().unwrap(), Cifar10::sample().test);
        let mut model = small_plan().build(Seed(0)).unwrap();
        model.save(path("network")).unwrap();
        write_checkpoint(&path("checkpoints")).unwrap();
        let mut trainer = small_trainer(&path("others")).unwrap();
        let history = trainer.fit(&mut model, &train, &train).unwrap();
        history.to_csv(path("history")).unwrap();
        let data = DataRecord {
            set: "sample".into(),
            train: 4,
            validation: 4,
        };
        let mut record = Record::new(data, &model, trainer.settings(), &history);
        record.test = Some(TestRecord::new(&model.evaluate(&train).unwrap()));
        record.write(home.path()).unwrap();
        binary::write_batch(path("batch"), &test.take(2)).unwrap();
        let jpeg = path("picture.jpg");
        image::RgbImage::from_fn(9, 5, |x, y| image::Rgb([20 * x as u8, 40 * y as u8, 9]))
            .save(&jpeg)
            .unwrap();
        let of = |path: PathBuf| std::fs::read(path).unwrap();
        let config = include_str!("../tests/config.toml");
        vec![
            ("batch", of(path("batch"))),
            ("archive", set.archive(|_| {})),
            ("archive", tar_of(&set.entries()[..2])),
            ("package", set.package(3, |_| {})),
            ("sheet", sheet(&set.files[0], 3)),
            ("sheet", sheet(&set.files[0], 4)),
            ("picture", png_of(5, 4, 3, &[90; 60])),
            ("picture", of(jpeg)),
            ("network", of(path("network"))),
            ("checkpoint", of(path("checkpoints/checkpoint.safetensors"))),
            ("history", of(path("history"))),
            ("config", config.as_bytes().to_vec()),
            ("record", of(path("metrics.json"))),
        ]
    }

    /// With `LAB_SEEDS` it leaves the files in that folder, for fuzzing to begin with.
    #[test]
    fn every_reader_has_a_good_file_and_reads_it() {
        let home = TempDir::new().unwrap();
        let kept = std::env::var_os("LAB_SEEDS").map(PathBuf::from);
        let seeds = seeds();
        for (number, (name, bytes)) in seeds.iter().enumerate() {
            read(name, home.path(), bytes);
            if let Some(kept) = &kept {
                fs::create_dir_all(kept.join(name)).unwrap();
                fs::write(kept.join(name).join(format!("seed-{number}")), bytes).unwrap();
            }
        }
        for (name, _) in READERS {
            assert!(seeds.iter().any(|(seed, _)| *seed == name), "{name}");
        }
    }

    #[test]
    fn the_good_checkpoint_and_configuration_are_taken() {
        let home = TempDir::new().unwrap();
        write_checkpoint(home.path()).unwrap();
        let mut trainer = small_trainer(home.path()).unwrap().resume();
        let (mut model, data) = (small_plan().build(Seed(0)).unwrap(), few_images().unwrap());
        assert_eq!(
            trainer.fit(&mut model, &data, &data).unwrap().epochs.len(),
            2
        );
        fs::copy(
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/config.toml"),
            home.path().join("config.toml"),
        )
        .unwrap();
        Config::read(home.path()).unwrap();
    }

    /// What fuzzing has found worth keeping, among it everything that once went wrong.
    #[test]
    fn every_reader_survives_its_corpus() {
        let home = TempDir::new().unwrap();
        let corpus = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tools/fuzz/corpus"));
        for (name, _) in READERS {
            let packed = fs::File::open(corpus.join(format!("{name}.tar.gz"))).unwrap();
            let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(packed));
            let mut count = 0;
            for input in archive.entries().unwrap() {
                let mut bytes = Vec::new();
                input.unwrap().read_to_end(&mut bytes).unwrap();
                read(name, home.path(), &bytes);
                count += 1;
            }
            assert!(count >= 4, "{name}: {count} inputs");
            println!("counted: {count} inputs of the corpus");
        }
    }
}
