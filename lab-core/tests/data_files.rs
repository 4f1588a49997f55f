//! The official binary format and the built-in sample: what is read, and what each bad file says.

use std::fs;
use std::path::Path;

use lab_core::data::cifar10::{CLASS_NAMES, TEST_FILE, TRAIN_FILES};
use lab_core::data::{Cifar10, Dataset, binary};

const RECORD: usize = 3073;

/// A record whose planes are `red`, `red + 1` and `red + 2`, written by hand from the format's description.
fn record(label: u8, red: u8) -> Vec<u8> {
    let planes = (0..3).flat_map(|plane| vec![red + plane; 1024]);
    std::iter::once(label).chain(planes).collect()
}

fn whole_file() -> Vec<u8> {
    record(3, 10).repeat(10_000)
}

/// Six good files, written once sparsely: all zeros is label 0 and black pixels.
fn good_folder(dir: &Path) {
    for name in TRAIN_FILES.iter().chain([&TEST_FILE]) {
        fs::File::create(dir.join(name))
            .unwrap()
            .set_len(10_000 * RECORD as u64)
            .unwrap();
    }
}

fn error_of(dir: &Path) -> String {
    Cifar10::open(dir).unwrap_err().to_string()
}

#[test]
fn the_sample_has_a_hundred_and_fifty_of_each_class_and_all_classes_in_its_last_fifth() {
    let cifar = Cifar10::sample();
    assert_eq!(cifar.train.class_counts(), [100; 10]);
    assert_eq!(cifar.test.class_counts(), [50; 10]);
    assert_eq!(cifar.train.class_names(), CLASS_NAMES);
    for data in [&cifar.train, &cifar.test] {
        let (_, last) = data.hold_out_last(0.2).unwrap();
        assert_eq!(last.len() * 5, data.len());
        assert!(
            last.class_counts().iter().all(|&count| count > 0),
            "{:?}",
            last.class_counts()
        );
    }
}

#[test]
fn the_sample_decodes_to_the_pixels_that_pillow_sees() {
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("golden/augmentation.json")).unwrap();
    let train = Cifar10::sample().train;
    for (index, sum) in golden["checks"].as_object().unwrap() {
        let image = train.image(index.parse().unwrap()).unwrap();
        let found: u64 = image
            .iter()
            .zip(1..)
            .map(|(&byte, weight)| u64::from(byte) * weight)
            .sum();
        assert_eq!(Some(found), sum.as_u64(), "image {index}");
    }
}

#[test]
fn a_batch_file_is_planes_behind_a_label() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("two.bin");
    let mut bytes = [record(3, 10), record(9, 70)].concat();
    bytes[RECORD + 1 + 1024 + 33] = 255; // second image, green, row 1, column 1
    fs::write(&path, &bytes).unwrap();
    let data = binary::read_batch(&path).unwrap();
    let images = data.images();
    assert_eq!(data.labels(), [3, 9]);
    assert_eq!(images.dim(), (2, 32, 32, 3));
    assert_eq!(
        images.slice(ndarray::s![0, 31, 5, ..]).to_vec(),
        [10, 11, 12]
    );
    assert_eq!(
        images.slice(ndarray::s![1, 1, 1, ..]).to_vec(),
        [70, 255, 72]
    );
    assert_eq!(
        images.slice(ndarray::s![1, 1, 2, ..]).to_vec(),
        [70, 71, 72]
    );
}

#[test]
fn writing_and_reading_give_back_every_bit_in_the_order_of_the_view() {
    let dir = tempfile::tempdir().unwrap();
    let (first, again) = (dir.path().join("first.bin"), dir.path().join("again.bin"));
    let data = Cifar10::sample().train.subset(&[5, 0, 999, 400]).unwrap();
    binary::write_batch(&first, &data).unwrap();
    let read = binary::read_batch(&first).unwrap();
    assert_eq!(read.images(), data.images());
    assert_eq!(read.labels(), data.labels());
    assert_eq!(read.class_names(), CLASS_NAMES);
    binary::write_batch(&again, &read).unwrap();
    assert_eq!(fs::read(&first).unwrap(), fs::read(&again).unwrap());
    assert_eq!(fs::read(&first).unwrap().len(), 4 * RECORD);
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        2,
        "no temporary file is left"
    );
}

#[test]
fn a_batch_that_cannot_be_written_leaves_what_was_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("batch.bin");
    fs::write(&path, b"precious").unwrap();
    let train = Cifar10::sample().train;
    let error = binary::write_batch(&path, &train.take(0))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("images: found 0, expected 1 to 10000"),
        "{error}"
    );
    let many = train.subset(&[0; 10_001]).unwrap();
    assert!(
        binary::write_batch(&path, &many)
            .unwrap_err()
            .to_string()
            .contains("found 10001")
    );
    let names = (0..11).map(|class| class.to_string()).collect();
    let odd = Dataset::new(train.take(1).images(), vec![10], names).unwrap();
    assert!(
        binary::write_batch(&path, &odd)
            .unwrap_err()
            .to_string()
            .contains("label 10")
    );
    assert_eq!(fs::read(&path).unwrap(), b"precious");

    let nowhere = dir.path().join("missing").join("batch.bin");
    let error = binary::write_batch(&nowhere, &train.take(1))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("missing") && error.contains("cannot write"),
        "{error}"
    );
    fs::create_dir(dir.path().join("folder.bin")).unwrap();
    assert!(binary::write_batch(dir.path().join("folder.bin"), &train.take(1)).is_err());
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        2,
        "no temporary file is left"
    );
}

#[test]
fn a_batch_file_of_another_length_is_refused_before_anything_is_allocated() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("batch.bin");
    for (length, words) in [
        (0, "found 0 bytes"),
        (1, "found 1 bytes"),
        (3072, "found 3,072 bytes"),
        (3074, "found 3,074 bytes"),
        (10_001 * 3073, "found 30,733,073 bytes"),
        (1 << 32, "found 4,294,967,296 bytes"),
    ] {
        fs::File::create(&path).unwrap().set_len(length).unwrap();
        let error = binary::read_batch(&path).unwrap_err().to_string();
        assert!(
            error.contains("batch.bin") && error.contains(words),
            "{error}"
        );
        assert!(
            error.contains("expected 1 to 10,000 records of 3,073 bytes each"),
            "{error}"
        );
        assert!(error.contains("cargo lab data"), "{error}");
    }
    let error = binary::read_batch(dir.path()).unwrap_err().to_string();
    assert!(error.contains("something that is not a file"), "{error}");
}

#[test]
fn a_data_set_opens_from_its_folder_and_from_the_folder_above() {
    let dir = tempfile::tempdir().unwrap();
    let inner = dir.path().join("cifar-10-batches-bin");
    fs::create_dir(&inner).unwrap();
    good_folder(&inner);
    fs::write(inner.join(TRAIN_FILES[3]), whole_file()).unwrap();
    for dir in [dir.path(), &inner] {
        let cifar = Cifar10::open(dir).unwrap();
        assert_eq!(
            format!("{cifar:?}")
                .matches("0,000 images of 32 x 32 x 3, 10 classes")
                .count(),
            2
        );
        assert_eq!((cifar.train.len(), cifar.test.len()), (50_000, 10_000));
        let counts = cifar.train.class_counts();
        assert_eq!((counts[0], counts[3]), (40_000, 10_000));
        for (index, label, pixel) in [
            (29_999, 0, [0, 0, 0]),
            (30_000, 3, [10, 11, 12]),
            (39_999, 3, [10, 11, 12]),
        ] {
            assert_eq!(cifar.train.label(index), Some(label));
            let image = cifar.train.image(index).unwrap();
            assert_eq!(image.slice(ndarray::s![31, 31, ..]).to_vec(), pixel);
        }
    }
}

#[test]
fn each_bad_file_of_the_data_set_has_an_error_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let error = error_of(&dir.join("nowhere"));
    assert!(
        error.contains("nowhere") && error.contains("none of the data set's files"),
        "{error}"
    );
    assert!(error_of(dir).contains("none of the data set's files"));
    good_folder(dir);
    Cifar10::open(dir).unwrap();

    let name = "data_batch_4.bin";
    let (path, aside) = (dir.join(name), dir.join("aside"));
    let has = |words: &[&str]| {
        let error = error_of(dir);
        for words in words.iter().chain(&[name, "run `cargo lab data`"]) {
            assert!(error.contains(words), "`{words}` is missing in: {error}");
        }
    };
    fs::rename(&path, &aside).unwrap();
    has(&["cannot read"]);
    fs::write(&path, b"").unwrap();
    has(&[
        "found 0 bytes",
        "expected 30,730,000 bytes (10,000 records of 3,073 bytes)",
    ]);
    for (length, words) in [
        (30_729_999, "found 30,729,999 bytes"),
        (30_726_927, "found 30,726,927 bytes"),
        (30_730_001, "found 30,730,001 bytes"),
    ] {
        fs::File::create(&path).unwrap().set_len(length).unwrap();
        has(&[words, "expected 30,730,000 bytes"]);
    }
    let mut bytes = whole_file();
    bytes[7_654 * RECORD] = 10;
    bytes[9_000 * RECORD] = 200;
    fs::write(&path, &bytes).unwrap();
    has(&[
        "found label 10 in record 7,654 (counted from 0)",
        "expected labels from 0 to 9",
    ]);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    has(&["something that is not a file"]);
}
