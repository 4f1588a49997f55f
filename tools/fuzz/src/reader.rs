//! Gives bytes of any kind to the reader that `LAB_READER` names.
#![no_main]

// What only the test of the corpus uses stands there too.
#[allow(dead_code)]
mod readers;

use std::path::PathBuf;
use std::sync::LazyLock;

static READER: LazyLock<String> =
    LazyLock::new(|| std::env::var("LAB_READER").expect("LAB_READER names a reader"));
/// A folder in memory, where there is one: each input becomes a file.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() {
        memory
    } else {
        std::env::temp_dir()
    };
    let folder = folder.join(format!("lab-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the inputs");
    folder
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| readers::read(&READER, &FOLDER, bytes));
