//! What goes wrong around a training: no room, no permission, somebody else at work. Each ends with a message, a status
//! other than 0, and the last good run untouched.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const SMALL: [&str; 7] = [
    "train", "--data", "sample", "--layers", "16:relu", "--epochs", "3",
];

fn lab(arguments: &[&str], out: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    command
        .args(arguments)
        .arg("--out")
        .arg(out)
        .stdin(Stdio::null());
    command
}

fn good_run(out: &Path) -> Vec<(String, Vec<u8>)> {
    assert!(lab(&SMALL, out).output().unwrap().status.success());
    content(out)
}

fn content(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut files: Vec<_> = entries
        .map(|entry| {
            (
                entry.file_name().display().to_string(),
                fs::read(entry.path()).unwrap(),
            )
        })
        .collect();
    files.sort();
    files
}

fn assert_refused(output: &Output, words: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for word in words.iter().chain(&["what to do: "]) {
        assert!(text.contains(word), "no `{word}` in {text}");
    }
}

/// No file may grow beyond so many blocks of 512 bytes, as on a disk that has no more room.
fn with_room_for(blocks: usize, command: &Command) -> Output {
    let mut shell = Command::new("sh");
    shell
        .args([
            "-c",
            &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""),
        ])
        .arg(command.get_program());
    shell
        .args(command.get_args())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn a_full_disk_is_told_whichever_file_it_hits_and_the_run_before_stays() {
    let home = TempDir::new().unwrap();
    let out = home.path().join("run");
    let before = good_run(&out);
    // 0: the history; 1 to 300: the checkpoint (600 kB); without checkpoints: the weights (200 kB).
    for (blocks, more) in [
        (0, "1"),
        (1, "1"),
        (300, "1"),
        (1000, "1"),
        (16, "4"),
        (300, "4"),
    ] {
        let training = lab(
            &[&SMALL[..], &["--seed", "1", "--checkpoint-every", more]].concat(),
            &out,
        );
        let output = with_room_for(blocks, &training);
        assert_refused(&output, &["cannot write", "room"]);
        assert_eq!(content(&out), before, "{blocks} blocks");
    }
    let left: Vec<_> = fs::read_dir(home.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert!(
        !left
            .iter()
            .any(|name| name.to_string_lossy().contains("unfinished")),
        "{left:?}"
    );
    assert!(
        lab(&[&SMALL[..], &["--seed", "1"]].concat(), &out)
            .output()
            .unwrap()
            .status
            .success()
    );
    assert_ne!(content(&out), before, "with room again it is made");
}

#[test]
fn a_folder_that_cannot_be_written_is_told_before_anything_is_trained() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("file");
    fs::write(&file, "").unwrap();
    for out in [file.join("run"), Path::new("/proc/lab/run").to_owned()] {
        let begun = Instant::now();
        let output = lab(&["train", "--data", "sample", "--epochs", "100000"], &out)
            .output()
            .unwrap();
        assert_refused(&output, &["cannot ", "choose another folder"]);
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
    let closed = home.path().join("closed");
    fs::create_dir(&closed).unwrap();
    let mut permissions = fs::metadata(&closed).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&closed, permissions).unwrap();
    // The system's administrator may write everywhere.
    if fs::write(closed.join("probe"), "").is_err() {
        assert_refused(
            &lab(&SMALL, &closed.join("run")).output().unwrap(),
            &["cannot write"],
        );
    }
}

#[test]
fn a_second_training_into_the_same_folder_is_refused_and_the_first_is_not_disturbed() {
    let home = TempDir::new().unwrap();
    let (out, alone) = (home.path().join("run"), home.path().join("alone"));
    let long = [
        "train",
        "--data",
        "sample",
        "--layers",
        "16:relu",
        "--epochs",
        "40",
        "--no-early-stopping",
    ];
    let mut first = lab(&long, &out).stdout(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while !home
        .path()
        .join(".run.checkpoint/checkpoint.safetensors")
        .exists()
    {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "the training does not begin"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    for more in [&[][..], &["--resume"]] {
        let output = lab(&[&long[..], more].concat(), &out).output().unwrap();
        assert_refused(&output, &["another training at work", "--out DIR"]);
    }
    assert!(first.wait().unwrap().success());
    assert!(lab(&long, &alone).output().unwrap().status.success());
    let weights = |out: &Path| fs::read(out.join("model.safetensors")).unwrap();
    assert!(weights(&out) == weights(&alone));
}

#[test]
fn nothing_in_a_run_folder_or_a_data_set_is_executed_or_leads_out_of_it() {
    let home = TempDir::new().unwrap();
    let out = home
        .path()
        .join("$(touch hacked); `touch hacked` ; touch hacked #");
    good_run(&out);
    // A run whose files are links to somewhere else, and a configuration that asks for more than it may.
    let config = fs::read_to_string(out.join("config.toml")).unwrap();
    for (from, to) in [
        ("set = \"sample\"", "set = \"../../etc\""),
        ("epochs = 3", "epochs = 3\nrun = \"touch hacked\""),
    ] {
        assert!(config.contains(from), "{config}");
        fs::write(out.join("config.toml"), config.replace(from, to)).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_lab"))
            .arg("evaluate")
            .arg(&out)
            .current_dir(home.path())
            .output();
        assert_refused(&output.unwrap(), &[]);
    }
    let names: Vec<_> = fs::read_dir(home.path())
        .unwrap()
        .map(|e| e.unwrap().file_name().display().to_string())
        .collect();
    assert!(!names.iter().any(|name| name == "hacked"), "{names:?}");
}
