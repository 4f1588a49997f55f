//! Every reader of what others may have written reads its good files, and survives what fuzzing has found worth keeping.

#[path = "../../../tools/fuzz/src/readers.rs"]
mod readers;
#[path = "fetch/small_set.rs"]
#[allow(dead_code)]
mod small_set;

use std::fs;
use std::io::Read;
use std::path::PathBuf;

use lab_cli::config::Config;
use lab_core::Seed;
use lab_core::data::{Cifar10, binary};
use lab_notebook::lab::{DataRecord, Machine, Record, TestRecord};
use tempfile::TempDir;

use readers::*;
use small_set::{png_of, sheet, small_set, tar_of};

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
    let (config, machine) = (trainer.config().clone(), Machine::this(None));
    let mut record = Record::new(data, &model, config, &history, machine);
    record.test = Some(TestRecord::new(&model.evaluate(&train).unwrap()));
    record.write(home.path()).unwrap();
    binary::write_batch(path("batch"), &test.take(2)).unwrap();
    let jpeg = path("picture.jpg");
    image::RgbImage::from_fn(9, 5, |x, y| image::Rgb([20 * x as u8, 40 * y as u8, 9]))
        .save(&jpeg)
        .unwrap();
    let of = |path: PathBuf| std::fs::read(path).unwrap();
    let config = include_str!("config.toml");
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
    let corpus = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tools/fuzz/corpus"
    ));
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
