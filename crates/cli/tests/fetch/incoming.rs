//! The door: what comes in, what does not, and what is left behind.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lab_cli::fetch::sources::receive_archive;
use lab_cli::fetch::staging::Staging;
use lab_cli::fetch::{Owner, PATIENCE, Source, fetch};
use lab_cli::terminal::Screen;
use lab_core::data::cifar10::FOLDER;
use tar::EntryType;
use tempfile::TempDir;

use super::small_set::*;

#[test]
fn a_good_archive_comes_in_and_is_not_needed_a_second_time() {
    let (home, set) = (TempDir::new().unwrap(), small_set());
    assert!(matches!(
        bring_archive(&home, &set, &set.archive(|_| {})),
        Ok(Some(Source::Path(_)))
    ));
    assert!(set.is_in(&target(&home)));
    assert_eq!(names_in_data(&home), [FOLDER]);
    // As after a kill between the renaming and the end.
    fs::create_dir(home.path().join("data/.cifar-10-fetch.abc")).unwrap();
    let nowhere = [Source::Path("/nowhere".into())];
    assert!(matches!(bring(&home, &set, &nowhere), Ok(None)));
    assert_eq!(names_in_data(&home), [FOLDER]);
}

#[test]
fn a_good_folder_comes_in_with_or_without_the_folder_of_the_archive() {
    let set = small_set();
    for inner in ["", FOLDER] {
        let home = TempDir::new().unwrap();
        let source = home.path().join("usb");
        set.write_to(&source.join(inner));
        bring(&home, &set, &[Source::Path(source)]).unwrap();
        assert!(set.is_in(&target(&home)));
    }
}

#[cfg(unix)]
#[test]
fn the_folder_that_comes_in_is_open_to_other_users() {
    use std::os::unix::fs::PermissionsExt;
    let (home, set) = (TempDir::new().unwrap(), small_set());
    let plain = home.path().join("plain");
    fs::create_dir(&plain).unwrap();
    bring_archive(&home, &set, &set.archive(|_| {})).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&target(&home)), mode(&plain));
}

#[test]
fn what_is_wrong_in_place_is_replaced_and_other_files_stay() {
    let (home, set) = (TempDir::new().unwrap(), small_set());
    fs::create_dir_all(target(&home)).unwrap();
    fs::write(target(&home).join("data_batch_1.bin"), "old").unwrap();
    fs::write(target(&home).join("notes.txt"), "mine").unwrap();
    bring_archive(&home, &set, &set.archive(|_| {})).unwrap();
    assert!(set.is_in(&target(&home)));
    assert_eq!(fs::read(target(&home).join("notes.txt")).unwrap(), b"mine");
}

#[test]
fn in_a_folder_of_the_users_what_is_wrong_is_named_and_nothing_is_replaced() {
    let set = small_set();
    let batch = &set.files[2];
    let mut wrong = batch.clone();
    wrong[100] ^= 4;
    let cases = [
        (
            batch[..6000].to_vec(),
            "found 6000 bytes, it is cut off, expected 6146 bytes",
        ),
        (
            [batch.as_slice(), b"x"].concat(),
            "it is too long, expected 6146 bytes",
        ),
        (wrong, "found SHA-256 "),
        (
            b"\n<!DOCTYPE HTML><p>Log in".to_vec(),
            "found a web page of 25 bytes",
        ),
        (Vec::new(), "found an empty file"),
    ];
    for (content, text) in cases {
        let home = TempDir::new().unwrap();
        let archive = home.path().join("cifar-10-binary.tar.gz");
        fs::write(&archive, set.archive(|_| {})).unwrap();
        set.write_to(&target(&home));
        fs::write(target(&home).join("data_batch_3.bin"), &content).unwrap();
        fs::remove_file(target(&home).join("test_batch.bin")).unwrap();
        let fetched = || {
            let ways = [Source::Path(archive.clone())];
            fetch(
                &target(&home),
                &set.table,
                &ways,
                Owner::User,
                PATIENCE,
                &Screen::silent(),
            )
        };
        let error = fetched().unwrap_err().to_string();
        assert!(
            error.contains("data_batch_3.bin: found ") && error.contains(text),
            "{error}"
        );
        assert!(
            error.contains("nothing in this folder was changed"),
            "{error}"
        );
        assert_eq!(
            fs::read(target(&home).join("data_batch_3.bin")).unwrap(),
            content
        );
        assert_eq!(
            fs::read_dir(home.path().join("data")).unwrap().count(),
            1,
            "not even a lock"
        );
        // What is only missing may come in, and touches nothing else.
        fs::write(target(&home).join("data_batch_3.bin"), batch).unwrap();
        let modified = || {
            fs::metadata(target(&home).join("data_batch_1.bin"))
                .unwrap()
                .modified()
                .unwrap()
        };
        let before = modified();
        fetched().unwrap();
        assert!(set.is_in(&target(&home)));
        assert_eq!(modified(), before);
    }
}

#[test]
fn every_bad_archive_has_its_error_and_changes_nothing() {
    let set = small_set();
    let good = set.archive(|_| {});
    let unwanted = |name: &str, kind| {
        let entry = Entry {
            kind,
            ..Entry::file(name, b"")
        };
        set.archive(|entries| entries.insert(3, entry))
    };
    let zeros = Entry {
        size: 1 << 40,
        ..Entry::file("zeros", &vec![0; 40 << 20])
    };
    let resized = |size: u64| {
        set.archive(|entries| {
            entries[2].content.resize(size as usize, 7);
            entries[2].size = size;
        })
    };
    let cases = [
        (
            "an empty file",
            vec![],
            "found nothing, expected an archive compressed with gzip",
        ),
        (
            "a web page",
            b"<!DOCTYPE html><p>No".to_vec(),
            "found what begins with `<!DOCTYPE html><p>No`",
        ),
        (
            "a gzip cut off",
            good[..good.len() / 2].to_vec(),
            "breaks off after",
        ),
        (
            "only a gzip header",
            good[..10].to_vec(),
            "breaks off after 0 bytes",
        ),
        (
            "a tar cut off",
            gzip(&tar_of(&set.entries())[..9000]),
            "bytes, it is cut off",
        ),
        ("not a tar", gzip(&[7; 5000]), "cannot be read after"),
        (
            "only zeros",
            gzip(&[0; 5000]),
            "found no data_batch_1.bin, no data_batch_2.bin",
        ),
        (
            "a file too few",
            set.archive(|entries| drop(entries.remove(6))),
            "found no test_batch.bin, expected",
        ),
        (
            "a file twice",
            set.archive(|entries| entries.push(entries[2].clone())),
            "a second file of this name",
        ),
        ("an empty batch file", resized(0), "data_batch_2.bin in "),
        (
            "an empty batch file",
            resized(0),
            "found an empty file, expected 6146 bytes",
        ),
        (
            "a short batch file",
            resized(6145),
            "found 6145 bytes, it is cut off, expected 6146 bytes",
        ),
        (
            "a long batch file",
            resized(6147),
            "found 6147 bytes or more, it is too long",
        ),
        (
            "a wrong bit",
            set.archive(|entries| entries[4].content[5000] ^= 1),
            "data_batch_4.bin in ",
        ),
        (
            "a wrong bit",
            set.archive(|entries| entries[4].content[5000] ^= 1),
            set.table[3].sha256,
        ),
        (
            "a path upwards",
            unwanted("cifar-10-batches-bin/../../evil", EntryType::Regular),
            "leaves its folder",
        ),
        (
            "a path upwards",
            unwanted("..\\evil", EntryType::Regular),
            "`..\\evil` in ",
        ),
        (
            "a path from the root",
            unwanted("/etc/evil", EntryType::Regular),
            "leaves its folder",
        ),
        (
            "a path on a drive",
            unwanted("C:evil", EntryType::Regular),
            "leaves its folder",
        ),
        (
            "a link",
            unwanted("cifar-10-batches-bin/x", EntryType::Symlink),
            "found a link, expected plain files",
        ),
        (
            "a hard link",
            unwanted("cifar-10-batches-bin/x", EntryType::Link),
            "found a link, expected plain files",
        ),
        (
            "a pipe",
            unwanted("cifar-10-batches-bin/x", EntryType::Fifo),
            "found neither a file nor a folder",
        ),
        (
            "endless zeros",
            set.archive(|entries| entries.insert(0, zeros)),
            "more than 16 MB when decompressed",
        ),
    ];
    for (what, archive, text) in cases {
        let home = TempDir::new().unwrap();
        let error = bring_archive(&home, &set, &archive)
            .err()
            .unwrap_or_else(|| panic!("{what} came in"))
            .to_string();
        assert!(error.contains(text), "{what}: {error}");
        assert!(error.contains("\n  what to do: "), "{what}: {error}");
        assert!(
            names_in_data(&home).is_empty(),
            "{what} left {:?}",
            names_in_data(&home)
        );

        fs::create_dir_all(target(&home)).unwrap();
        fs::write(target(&home).join("data_batch_1.bin"), "old").unwrap();
        bring_archive(&home, &set, &archive).unwrap_err();
        assert_eq!(
            fs::read(target(&home).join("data_batch_1.bin")).unwrap(),
            b"old"
        );
        assert_eq!(fs::read_dir(target(&home)).unwrap().count(), 1, "{what}");
    }
}

#[test]
fn every_bad_folder_has_its_error_and_changes_nothing() {
    let set = small_set();
    let mut wrong = set.files[5].clone();
    wrong[100] ^= 4;
    let long = [set.files[5].as_slice(), b"x"].concat();
    let cases = [
        (None, "cannot read"),
        (Some(&[][..]), "found an empty file, expected 6146 bytes"),
        (Some(&wrong[..6000]), "found 6000 bytes, it is cut off"),
        (Some(&long), "too long"),
        (Some(&wrong), "found SHA-256 "),
    ];
    for (content, text) in cases {
        let home = TempDir::new().unwrap();
        let source = home.path().join("usb");
        set.write_to(&source);
        match content {
            None => fs::remove_file(source.join("test_batch.bin")).unwrap(),
            Some(content) => fs::write(source.join("test_batch.bin"), content).unwrap(),
        }
        let error = bring(&home, &set, &[Source::Path(source)])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("test_batch.bin") && error.contains(text),
            "{error}"
        );
        assert!(names_in_data(&home).is_empty());
    }
}

#[test]
fn two_at_once_wait_for_each_other() {
    let (home, set) = (TempDir::new().unwrap(), small_set());
    fs::write(home.path().join("a.tar.gz"), set.archive(|_| {})).unwrap();
    let ways = [Source::Path(home.path().join("a.tar.gz"))];
    std::thread::scope(|scope| {
        let both = [(); 8].map(|()| scope.spawn(|| bring(&home, &set, &ways).unwrap()));
        let fetched = both
            .map(|one| one.join().unwrap())
            .iter()
            .filter(|way| way.is_some())
            .count();
        assert_eq!(fetched, 1);
    });
    assert!(set.is_in(&target(&home)));
    assert_eq!(names_in_data(&home), [FOLDER]);
}

/// Started by the next test in a process of its own: takes an archive from standard input.
#[test]
#[ignore = "a part of the test after it"]
fn a_process_that_takes_an_archive_from_standard_input() {
    let Some(folder) = std::env::var_os("LAB_TEST_TARGET").map(PathBuf::from) else {
        return;
    };
    let set = small_set();
    fs::create_dir_all(folder.parent().unwrap()).unwrap();
    let staging = Staging::begin(&folder, &set.table).unwrap();
    receive_archive(std::io::stdin().lock(), "standard input", &staging).unwrap();
    staging.commit("standard input", &[]).unwrap();
}

#[test]
fn a_killed_process_leaves_nothing_that_looks_good_and_the_next_one_succeeds() {
    let (home, set) = (TempDir::new().unwrap(), small_set());
    let archive = set.archive(|_| {});
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "incoming::a_process_that_takes_an_archive_from_standard_input",
        ])
        .env("LAB_TEST_TARGET", target(&home))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(&archive[..archive.len() / 2]).unwrap();
    let begun = || {
        let files = names_in_data(&home)
            .first()
            .map(|name| home.path().join("data").join(name).join("files"));
        files.is_some_and(|files| files.join("data_batch_1.bin").exists())
    };
    let started = std::time::Instant::now();
    while !begun() && started.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(begun(), "the process had begun to write");
    assert!(!target(&home).exists());
    bring_archive(&home, &set, &archive).unwrap();
    assert!(set.is_in(&target(&home)));
    assert_eq!(names_in_data(&home), [FOLDER]);
}
