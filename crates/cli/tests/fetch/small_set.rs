//! For the tests: a data set of two images a file, in all the forms in which it can come.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use tar::{EntryType, Header};
use tempfile::TempDir;

use lab_cli::Outcome;
use lab_cli::fetch::staging::Expected;
use lab_cli::fetch::{Owner, PATIENCE, Source, cifar10, fetch};
use lab_cli::terminal::Screen;
use lab_core::data::cifar10::FOLDER;

const RECORD: usize = 3073;
const IMAGES: usize = 2;

/// A small data set: six files and their table.
pub struct Set {
    pub table: Vec<Expected>,
    pub files: Vec<Vec<u8>>,
}

pub fn small_set() -> Set {
    // Knuth's linear congruential generator: pixels that hardly compress, so half an archive holds half the files.
    let mut state = 1_u64;
    let mut byte = |i: usize| {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        if i.is_multiple_of(RECORD) {
            (state >> 56) as u8 % 10
        } else {
            (state >> 56) as u8
        }
    };
    let mut content = |_| -> Vec<u8> { (0..IMAGES * RECORD).map(&mut byte).collect() };
    let files: Vec<_> = (0..6).map(&mut content).collect();
    let hash = |file: &Vec<u8>| {
        Sha256::digest(file)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect::<String>()
    };
    let expected = |(file, known): (&Vec<u8>, &Expected)| {
        let sha256: &'static str = hash(file).leak();
        Expected {
            name: known.name,
            bytes: file.len() as u64,
            sha256,
        }
    };
    Set {
        table: files.iter().zip(&cifar10()).map(expected).collect(),
        files,
    }
}

impl Set {
    pub fn write_to(&self, folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        for (file, expected) in self.files.iter().zip(&self.table) {
            fs::write(folder.join(expected.name), file).unwrap();
        }
    }

    pub fn is_in(&self, folder: &Path) -> bool {
        self.files
            .iter()
            .zip(&self.table)
            .all(|(file, e)| fs::read(folder.join(e.name)).is_ok_and(|f| f == *file))
    }

    pub fn entries(&self) -> Vec<Entry> {
        let entry =
            |(file, e): (&Vec<u8>, &Expected)| Entry::file(&format!("{FOLDER}/{}", e.name), file);
        let mut entries = vec![Entry {
            kind: EntryType::Directory,
            ..Entry::file(&format!("{FOLDER}/"), b"")
        }];
        entries.extend(self.files.iter().zip(&self.table).map(entry));
        entries.push(Entry::file(&format!("{FOLDER}/readme.html"), b"<html>"));
        entries
    }

    /// The archive, after something has been done to its entries.
    pub fn archive(&self, change: impl FnOnce(&mut Vec<Entry>)) -> Vec<u8> {
        let mut entries = self.entries();
        change(&mut entries);
        gzip(&tar_of(&entries))
    }

    pub fn package(&self, channels: usize, change: impl FnOnce(&mut Vec<Entry>)) -> Vec<u8> {
        let mut entries = vec![Entry::file("package/package.json", b"{}")];
        for (file, expected) in self.files.iter().zip(&self.table) {
            let name = format!("package/{}", expected.name.replace(".bin", ".png"));
            entries.push(Entry::file(&name, &sheet(file, channels)));
        }
        let labels = |files: &[Vec<u8>]| -> Vec<u8> {
            files
                .iter()
                .flat_map(|file| file.iter().step_by(RECORD).copied())
                .collect()
        };
        let json = |labels: Vec<u8>| serde_json::to_vec(&labels).unwrap();
        entries.push(Entry::file(
            "package/test_lables.json",
            &json(labels(&self.files[5..])),
        ));
        entries.push(Entry::file(
            "package/train_lables.json",
            &json(labels(&self.files[..5])),
        ));
        change(&mut entries);
        gzip(&tar_of(&entries))
    }
}

#[derive(Clone)]
pub struct Entry {
    pub name: String,
    pub kind: EntryType,
    pub content: Vec<u8>,
    pub size: u64,
}

impl Entry {
    pub fn file(name: &str, content: &[u8]) -> Self {
        Self {
            name: name.into(),
            kind: EntryType::Regular,
            content: content.to_vec(),
            size: content.len() as u64,
        }
    }
}

pub fn tar_of(entries: &[Entry]) -> Vec<u8> {
    let mut archive = Vec::new();
    for entry in entries {
        let mut header = Header::new_ustar();
        // Written as bytes: the library would not let us write a path such as `../x`.
        header.as_old_mut().name[..entry.name.len()].copy_from_slice(entry.name.as_bytes());
        header.set_entry_type(entry.kind);
        header.set_size(entry.size);
        header.set_mode(0o644);
        header.set_cksum();
        archive.extend_from_slice(header.as_bytes());
        archive.extend_from_slice(&entry.content);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The images of an official file as a sheet.
pub fn sheet(file: &[u8], channels: usize) -> Vec<u8> {
    let mut pixels = Vec::new();
    for record in file.chunks(RECORD) {
        for i in 0..1024 {
            pixels.extend((0..channels).map(|c| {
                if c == 3 {
                    255
                } else {
                    record[1 + c * 1024 + i]
                }
            }));
        }
    }
    png_of(1024, (file.len() / RECORD) as u32, channels, &pixels)
}

pub fn png_of(width: u32, height: u32, channels: usize, pixels: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(
        [
            png::ColorType::Grayscale,
            png::ColorType::Rgb,
            png::ColorType::Rgba,
        ][channels.saturating_sub(2)],
    );
    encoder
        .write_header()
        .unwrap()
        .write_image_data(pixels)
        .unwrap();
    bytes
}

pub fn target(home: &TempDir) -> PathBuf {
    home.path().join("data").join(FOLDER)
}

pub fn bring(home: &TempDir, set: &Set, sources: &[Source]) -> Outcome<Option<Source>> {
    fetch(
        &target(home),
        &set.table,
        sources,
        Owner::Laboratory,
        PATIENCE,
        &Screen::silent(),
    )
}

pub fn bring_archive(home: &TempDir, set: &Set, archive: &[u8]) -> Outcome<Option<Source>> {
    let path = home.path().join("cifar-10-binary.tar.gz");
    fs::write(&path, archive).unwrap();
    bring(home, set, &[Source::Path(path)])
}

/// The names in the data folder, apart from the lock.
pub fn names_in_data(home: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(home.path().join("data")).into_iter().flatten();
    entries
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != ".cifar-10-lock")
        .collect()
}
