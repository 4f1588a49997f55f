//! `cargo lab train --resume`: a training that is killed or interrupted, as often as one likes, ends as if it had not been.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Some seconds of training that early stopping, dropout and augmentation take part in; on one thread, since the tests
/// run side by side.
const OPTIONS: &str = "--data sample --layers 64:elu,32:tanh --dropout 0.3 --augment flip,shift=0.1 --epochs 60 --patience 20 \
                       --threads 1";

fn command(out: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    command
        .arg("train")
        .args(OPTIONS.split(' '))
        .arg("--out")
        .arg(out)
        .args(more);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn finish(out: &Path, more: &[&str]) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command(out, more).output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

/// The weights, and the history without its seconds.
fn result(out: &Path) -> (Vec<u8>, Vec<String>) {
    let history = fs::read_to_string(out.join("history.csv")).unwrap();
    let rows = history
        .lines()
        .map(|line| line.rsplit_once(',').unwrap().0.to_owned())
        .collect();
    (fs::read(out.join("model.safetensors")).unwrap(), rows)
}

fn checkpoint(out: &Path) -> PathBuf {
    out.with_file_name(format!(
        ".{}.checkpoint",
        out.file_name().unwrap().display()
    ))
    .join("checkpoint.safetensors")
}

/// Moments that look like chance and are the same each time.
fn moments(seed: u64) -> impl FnMut(u64) -> Duration {
    let mut state = seed;
    move |most| {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        Duration::from_micros((state >> 33) % (1000 * most))
    }
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// `LAB_KILLS` of them, and a few where nothing is said.
#[test]
fn a_training_that_is_killed_at_any_moment_and_resumed_ends_with_the_same_bytes() {
    let kills: usize = std::env::var("LAB_KILLS").map_or(4, |count| count.parse().unwrap());
    let home = TempDir::new().unwrap();
    let whole = home.path().join("whole");
    let start = Instant::now();
    finish(&whole, &[]);
    let longest = (start.elapsed().as_millis() as u64).max(200);
    let (mut killed, mut finished, mut round) = (0, 0, 0);
    let mut moment = moments(7);
    // A training of many kills; when one is done, the next begins.
    while killed < kills {
        round += 1;
        let out = home.path().join(format!("killed-{round}"));
        loop {
            let mut child = command(&out, &["--resume"]).spawn().unwrap();
            std::thread::sleep(moment(longest));
            let ended = child.try_wait().unwrap();
            child.kill().unwrap();
            child.wait().unwrap();
            if ended.is_some_and(|status| status.success()) {
                break;
            }
            assert!(ended.is_none(), "it ended by itself with {ended:?}");
            killed += 1;
            if killed >= kills {
                finish(&out, &["--resume"]);
                break;
            }
        }
        finished += 1;
        assert!(
            result(&out) == result(&whole),
            "round {round}, after {killed} kills"
        );
    }
    println!("counted: {killed} kills of a training, {finished} trainings compared byte for byte");
}

#[test]
fn ctrl_c_ends_after_the_batch_with_a_checkpoint_and_the_command_that_goes_on() {
    let home = TempDir::new().unwrap();
    let (whole, out) = (home.path().join("whole"), home.path().join("it's mine"));
    finish(&whole, &[]);
    for (how, words) in [
        (Signal::INT, "interrupted "),
        (Signal::TERM, "interrupted "),
    ] {
        let child = command(&out, &["--resume"]).spawn().unwrap();
        let begun = Instant::now();
        let before = fs::metadata(checkpoint(&out))
            .and_then(|file| file.modified())
            .ok();
        // A new checkpoint says that the training is at work.
        while fs::metadata(checkpoint(&out))
            .and_then(|file| file.modified())
            .ok()
            == before
        {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "the training does not begin"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        signal(&child, how);
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{text}");
        for word in [
            words,
            "what to do: go on after the last checkpoint with cargo lab train --data sample",
            "--resume",
        ] {
            assert!(text.contains(word), "no `{word}` in {text}");
        }
        assert!(
            text.contains(r"it'\''s mine'"),
            "the folder is quoted: {text}"
        );
        assert!(!out.exists(), "what is not finished is no run");
    }
    // Unasked, nothing goes on; but it is said, and the same training comes to the same end.
    let output = command(&out, &[]).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    signal(&output, Signal::KILL);
    let text = String::from_utf8(output.wait_with_output().unwrap().stdout).unwrap();
    assert!(
        text.contains("has left a checkpoint after ")
            && text.contains("the same command with --resume"),
        "{text}"
    );
    let text = finish(&out, &["--resume"]);
    assert!(text.contains("going on from a checkpoint after "), "{text}");
    assert!(result(&out) == result(&whole));
}

#[test]
fn resuming_begins_where_there_is_nothing_and_goes_on_to_more_epochs() {
    let home = TempDir::new().unwrap();
    let small = |out: &str, more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
        command
            .args(["train", "--data", "sample", "--layers", "16:relu", "--out"])
            .arg(home.path().join(out))
            .args(more);
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code(),
            text(output.stdout) + &text(output.stderr),
        )
    };
    let (status, text) = small("run", &["--epochs", "3", "--resume"]);
    assert!(
        status == Some(0) && text.contains("there is no checkpoint, so the training begins"),
        "{text}"
    );
    let (status, text) = small("run", &["--epochs", "5", "--resume"]);
    assert!(
        status == Some(0) && text.contains("going on from a checkpoint after epoch 3 of 3"),
        "{text}"
    );
    assert_eq!(small("whole", &["--epochs", "5"]).0, Some(0));
    assert!(result(&home.path().join("run")) == result(&home.path().join("whole")));

    // Another configuration is refused, and the finished run stays.
    let (status, text) = small("run", &["--epochs", "5", "--seed", "1", "--resume"]);
    assert!(
        status == Some(1)
            && text.contains("checkpoint of another training")
            && text.contains("seed"),
        "{text}"
    );
    let (status, text) = small(
        "run",
        &["--epochs", "9", "--schedule", "cosine", "--resume"],
    );
    assert!(
        status == Some(1) && text.contains("schedule is \"exponential=0.95\""),
        "{text}"
    );
    let (status, text) = small("run", &["--checkpoint-every", "0"]);
    assert!(
        status == Some(1) && text.contains("checkpoint: every: found 0"),
        "{text}"
    );
    assert!(result(&home.path().join("run")) == result(&home.path().join("whole")));
}
