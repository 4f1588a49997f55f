//! `cargo lab sweep`: many trainings, killed and continued, on the built-in sample.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

const GRID: &str = r#"
[train]
data = "sample"
epochs = 2
schedule = "constant"
[vary]
layers = ["8:relu", "16:relu,8:elu"]
learning_rate = [0.01, 0.001]
no-early-stopping = [true, false]
"#;

const DRAWN: &str = r#"
trials = 6
seed = 3
[train]
data = "sample"
layers = "8:relu"
[vary]
learning-rate = { from = 1e-4, to = 1e-1, log = true }
batch-size = { from = 16, to = 64 }
"#;

/// A sweep whose trials take some tenths of a second each.
const SLOW: &str = r#"
[train]
data = "sample"
layers = "32:elu"
epochs = 12
no-early-stopping = true
dropout = 0.2
[vary]
seed = [0, 1, 2, 3, 4, 5]
"#;

struct Sweep(TempDir);

impl Sweep {
    fn new(text: &str) -> Self {
        let home = TempDir::new().unwrap();
        fs::write(home.path().join("it's a sweep.toml"), text).unwrap();
        Self(home)
    }

    fn out(&self) -> std::path::PathBuf {
        self.0.path().join("out")
    }

    fn command(&self, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
        command
            .arg("sweep")
            .arg("it's a sweep.toml")
            .args(["--out", "out"])
            .args(more);
        command.current_dir(self.0.path()).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, more: &[&str]) -> (bool, String) {
        let Output {
            status,
            stdout,
            stderr,
        } = self.command(more).output().unwrap();
        let text = [stdout, stderr].map(|text| String::from_utf8(text).unwrap());
        (status.success(), text.concat())
    }

    fn succeeds(&self, more: &[&str]) -> String {
        let (success, text) = self.run(more);
        assert!(success, "{text}");
        text
    }

    fn fails(&self, more: &[&str], words: &[&str]) {
        let (success, text) = self.run(more);
        assert!(!success, "{text}");
        for word in words {
            assert!(text.contains(word), "no `{word}` in: {text}");
        }
    }

    /// The lines of the journal after its head.
    fn entries(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.out().join("journal.jsonl")).unwrap_or_default();
        let whole = text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .skip(1);
        whole
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Waits until so many trials are done.
    fn wait_for(&self, count: usize, child: &mut Child) {
        let begun = Instant::now();
        while self.entries().len() < count && child.try_wait().unwrap().is_none() {
            assert!(
                begun.elapsed() < Duration::from_secs(120),
                "nothing gets done"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The options and the weights of each trial, after a look that none is there twice and that all runs are whole.
    fn results(&self) -> BTreeSet<(String, String)> {
        let entries = self.entries();
        let of = |entry: &Value, key: &str| entry[key].to_string();
        let results: BTreeSet<_> = entries
            .iter()
            .map(|it| (of(it, "options"), of(it, "weights_sha256")))
            .collect();
        let options: BTreeSet<_> = results.iter().map(|it| &it.0).collect();
        assert_eq!(options.len(), entries.len(), "a trial is there twice");
        for entry in &entries {
            let run = self
                .out()
                .join("runs")
                .join(entry["name"].as_str().unwrap());
            for file in [
                "config.toml",
                "history.csv",
                "metrics.json",
                "model.safetensors",
            ] {
                assert!(run.join(file).is_file(), "{} has no {file}", run.display());
            }
        }
        let runs = fs::read_dir(self.out().join("runs")).unwrap();
        let shown = |name: &std::ffi::OsString| !name.as_encoded_bytes().starts_with(b".");
        let runs = runs.map(|it| it.unwrap().file_name()).filter(shown).count();
        assert_eq!(runs, entries.len(), "a run without a line");
        results
    }
}

fn kill(child: &mut Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
    child.wait().unwrap();
}

/// The process of a trial that is at work, where the system lists processes in /proc.
fn process_of_a_trial(out: &Path) -> Option<Pid> {
    let is_trial = |arguments: &[u8]| {
        let words: Vec<_> = arguments.split(|byte| *byte == 0).collect();
        let out = words
            .windows(2)
            .any(|it| it[0] == b"--out" && Path::new(&*String::from_utf8_lossy(it[1])) == out);
        out && words.contains(&&b"--trial"[..])
    };
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let numbers = processes.filter_map(|it| it.file_name().to_str()?.parse::<i32>().ok());
    let mut trials = numbers
        .filter(|it| fs::read(format!("/proc/{it}/cmdline")).is_ok_and(|text| is_trial(&text)));
    trials.next().and_then(Pid::from_raw)
}

#[test]
fn a_grid_has_every_combination_and_gives_the_weights_of_train() {
    let sweep = Sweep::new(GRID);
    let listed = sweep.succeeds(&["--dry-run"]);
    assert!(!sweep.out().exists(), "a dry run leaves something");
    let commands: Vec<_> = listed
        .lines()
        .map(|line| line.split_once("cargo lab train ").unwrap().1)
        .collect();
    assert_eq!(
        (
            commands.len(),
            commands.iter().collect::<BTreeSet<_>>().len()
        ),
        (8, 8),
        "{listed}"
    );
    let said = sweep.succeeds(&[]);
    assert!(
        said.contains("best: trial ") && said.contains("sweep.html"),
        "{said}"
    );
    assert_eq!(sweep.results().len(), 8);
    for entry in sweep.entries() {
        let command = commands[entry["trial"].as_u64().unwrap() as usize - 1];
        let mut train = Command::new(env!("CARGO_BIN_EXE_lab"));
        train
            .arg("train")
            .args(command.split(' '))
            .args(["--out", "alone"]);
        assert!(
            train
                .current_dir(sweep.0.path())
                .output()
                .unwrap()
                .status
                .success()
        );
        let run = sweep
            .out()
            .join("runs")
            .join(entry["name"].as_str().unwrap());
        let model = |run: &Path| fs::read(run.join("model.safetensors")).unwrap();
        assert!(
            model(&run) == model(&sweep.0.path().join("alone")),
            "{command}"
        );
    }
    let csv = fs::read_to_string(sweep.out().join("sweep.csv")).unwrap();
    assert!(
        csv.starts_with("trial,layers,learning-rate,no-early-stopping,val_loss"),
        "{csv}"
    );
    assert_eq!(csv.lines().count(), 9);
    // The rows are sorted by the validation loss, and the first is the best.
    let losses: Vec<f64> = sweep
        .entries()
        .iter()
        .map(|it| it["metrics"]["val_loss"].as_f64().unwrap())
        .collect();
    let best = losses.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(
        csv.lines().nth(1).unwrap().contains(&best.to_string()),
        "{csv}"
    );
    // Done is done: nothing is trained again.
    let before = fs::read(sweep.out().join("journal.jsonl")).unwrap();
    sweep.succeeds(&[]);
    assert!(fs::read(sweep.out().join("journal.jsonl")).unwrap() == before);
}

#[test]
fn draws_depend_on_the_seed_alone_and_more_of_them_begin_with_the_same() {
    let listed = |text: &str| Sweep::new(text).succeeds(&["--dry-run"]);
    let drawn = listed(DRAWN);
    assert_eq!(drawn, listed(DRAWN));
    assert_ne!(drawn, listed(&DRAWN.replace("seed = 3", "seed = 4")));
    assert!(listed(&DRAWN.replace("trials = 6", "trials = 60")).starts_with(&drawn));
    assert_eq!(drawn.lines().collect::<BTreeSet<_>>().len(), 6);
    let option = |line: &str, name: &str| -> f64 {
        let value = line.split(name).nth(1).unwrap().split(' ').next().unwrap();
        value.parse().unwrap()
    };
    let many = listed(&DRAWN.replace("trials = 6", "trials = 400"));
    let rates: Vec<f64> = many
        .lines()
        .map(|line| option(line, "--learning-rate="))
        .collect();
    assert!(rates.iter().all(|rate| (1e-4..=1e-1).contains(rate)));
    // Half of a logarithmic range lies below the geometric mean of its ends.
    let below = rates
        .iter()
        .filter(|rate| **rate < 1e-2_f64.powf(1.25))
        .count();
    assert!((150..250).contains(&below), "{below} of 400");
    assert!(
        many.lines()
            .all(|line| (16.0..=64.0).contains(&option(line, "--batch-size=")))
    );
    // A space with fewer values than wanted is drawn until it is empty, and no further.
    let few = DRAWN.replace("{ from = 1e-4, to = 1e-1, log = true }", "[0.1, 0.1, 0.2]");
    assert_eq!(
        listed(&few.replace("{ from = 16, to = 64 }", "[8, 16]"))
            .lines()
            .count(),
        4
    );
}

#[test]
fn a_sweep_that_is_killed_goes_on_and_ends_with_the_same_results() {
    let whole = Sweep::new(SLOW);
    whole.succeeds(&["--workers", "2"]);
    let expected = whole.results();
    assert_eq!(expected.len(), 6);

    let sweep = Sweep::new(SLOW);
    let mut kills = 0;
    for done in [0, 1, 3] {
        let mut child = sweep.command(&["--workers", "2"]).spawn().unwrap();
        sweep.wait_for(done, &mut child);
        // Its trials stay at work for a while, and the next process meets them.
        kill(&mut child, Signal::KILL);
        kills += 1;
        // A power cut in the middle of a line.
        let journal = sweep.out().join("journal.jsonl");
        let torn = fs::read_to_string(&journal).unwrap_or_default() + "{\"trial\":7,\"na";
        if torn.contains('\n') {
            fs::write(&journal, torn).unwrap();
        }
    }
    // The same of a trial, which is started again, and Ctrl-C.
    let mut child = sweep.command(&["--workers", "1"]).spawn().unwrap();
    let out = sweep.out().canonicalize().unwrap();
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() && begun.elapsed() < Duration::from_secs(60) {
        if let Some(trial) = process_of_a_trial(&out) {
            _ = kill_process(trial, Signal::KILL);
            kills += 1;
            break;
        }
    }
    // Ctrl-C once it is at work again.
    sweep.wait_for(sweep.entries().len() + 1, &mut child);
    _ = kill_process(Pid::from_child(&child), Signal::INT);
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let remedy = "go on with the same command";
    assert!(output.status.success() || text.contains(remedy), "{text}");
    sweep.succeeds(&["--workers", "2"]);
    assert!(sweep.results() == expected, "after {kills} kills");
    println!(
        "counted: {kills} kills -9 of a sweep and its trials, {} results compared",
        expected.len()
    );
}

#[test]
fn a_trial_that_is_run_by_hand_is_entered_and_not_trained_again() {
    let sweep = Sweep::new(DRAWN);
    sweep.succeeds(&["--trial", "2"]);
    sweep.succeeds(&["--trial", "2"]);
    assert!(sweep.entries().is_empty());
    sweep.fails(
        &["--trial", "7"],
        &["--trial: found 7, expected 1 to 6", "--dry-run"],
    );
    let run = fs::read_dir(sweep.out().join("runs")).unwrap().flatten();
    let run = run
        .map(|it| it.path())
        .find(|it| it.join("metrics.json").is_file())
        .unwrap();
    let written = || {
        fs::metadata(run.join("metrics.json"))
            .unwrap()
            .modified()
            .unwrap()
    };
    let before = written();
    sweep.succeeds(&["--first", "3"]);
    assert_eq!((sweep.results().len(), written()), (3, before));
    let said = sweep.succeeds(&["--simulate", "2"]);
    assert!(said.starts_with("all 6 trials on 2 workers: "), "{said}");
}

#[test]
fn halving_lets_the_best_third_go_on_for_three_times_as_long() {
    let text = GRID
        .replace("epochs = 2\n", "")
        .replace("[train]", "halving = [1, 3]\n[train]");
    let sweep = Sweep::new(&text);
    sweep.succeeds(&[]);
    assert_eq!(sweep.results().len(), 8 + 2);
    let entries = sweep.entries();
    let loss = |it: &&Value| it["metrics"]["val_loss"].as_f64().unwrap();
    let mut first: Vec<_> = entries.iter().filter(|it| it["round"] == 0).collect();
    first.sort_by(|a, b| loss(a).total_cmp(&loss(b)));
    let number = |it: &Value| it["trial"].as_u64().unwrap();
    let best: BTreeSet<_> = first[..2].iter().map(|it| number(it)).collect();
    let last: Vec<_> = entries.iter().filter(|it| it["round"] == 1).collect();
    assert_eq!(best, last.iter().map(|it| number(it)).collect());
    assert!(last.iter().all(|it| it["options"]["epochs"] == "3"));
}

#[test]
fn what_is_wrong_is_named_before_anything_is_trained() {
    let with = |from: &str, to: &str| {
        assert!(GRID.contains(from));
        Sweep::new(&GRID.replace(from, to))
    };
    for (from, to, words) in [
        (
            "learning_rate",
            "learning-rat",
            [
                "unknown option of a trial `learning-rat`",
                "did you mean `learning-rate`",
            ],
        ),
        (
            "epochs = 2",
            "out = \"x\"",
            ["unknown option of a trial `out`", "use one of: data"],
        ),
        (
            "[0.01, 0.001]",
            "[0.01, -1]",
            ["trial 3 is refused: --data=sample", "learning rate"],
        ),
        (
            "\"8:relu\"",
            "\"8:rleu\"",
            ["is refused", "did you mean `relu`"],
        ),
        (
            "epochs = 2",
            "epochs = \"two\"",
            ["trial 1 is refused", "invalid digit"],
        ),
        (
            "[0.01, 0.001]",
            "0.01",
            ["`learning_rate` in [vary]: found 0.01", "[train]"],
        ),
        (
            "[0.01, 0.001]",
            "{ from = 0.1, to = 0.2 }",
            ["expected a list, or a range", "steps = 5"],
        ),
        (
            "[0.01, 0.001]",
            "{ from = 0.0, to = 0.2, log = true, steps = 3 }",
            ["from = 0.0", "a list, or a range"],
        ),
        (
            "[train]",
            "objectiv = 1\n[train]",
            ["unknown field `objectiv`", "docs/sweeps.md"],
        ),
        (
            "[train]",
            "objective = \"val_los\"\n[train]",
            ["unknown objective `val_los`", "did you mean `val_loss`"],
        ),
        (
            "[train]",
            "halving = [3, 1]\n[train]",
            ["epochs do not rise", "docs/sweeps.md"],
        ),
        (
            "[train]",
            "halving = [1, 3]\n[train]",
            ["a sweep.toml", "`epochs` twice"],
        ),
    ] {
        let sweep = with(from, to);
        sweep.fails(&[], &words);
        assert!(!sweep.out().exists(), "{to}");
    }
    let data = with("\"sample\"", "\"no/such/folder\"");
    data.fails(&[], &["no/such/folder", "what to do"]);
    // A worker of a cluster without the data set says so in the trial's line, and the sweep repeats it.
    data.fails(&["--trial", "1"], &["no/such/folder"]);
}

#[test]
fn a_folder_holds_one_sweep_of_one_file_at_a_time() {
    let sweep = Sweep::new(SLOW);
    let mut child = sweep.command(&["--workers", "1"]).spawn().unwrap();
    sweep.wait_for(1, &mut child);
    sweep.fails(&[], &["a sweep at work", "--out DIR"]);
    kill(&mut child, Signal::TERM);
    fs::write(sweep.0.path().join("other.toml"), DRAWN).unwrap();
    let mut other = Command::new(env!("CARGO_BIN_EXE_lab"));
    other
        .args(["sweep", "other.toml", "--out", "out"])
        .current_dir(sweep.0.path());
    let text = String::from_utf8(other.output().unwrap().stderr).unwrap();
    assert!(
        text.contains("it's a sweep.toml") && text.contains("--out DIR"),
        "{text}"
    );
    let journal = sweep.out().join("journal.jsonl");
    let text = fs::read_to_string(&journal).unwrap();
    fs::write(&journal, text.replacen("\"trial\"", "\"trail\"", 1)).unwrap();
    sweep.fails(
        &[],
        &["journal.jsonl", "missing field `trial`", "remove that line"],
    );
}

#[test]
fn a_training_that_diverges_is_a_result_and_others_failing_are_tried_again() {
    let text = GRID
        .replace("[0.01, 0.001]", "[0.01, 1e30]")
        .replace("no-early-stopping = [true, false]", "");
    let sweep = Sweep::new(&text.replace("epochs = 2", "epochs = 2\noptimizer = \"sgd\""));
    sweep.succeeds(&[]);
    let entries = sweep.entries();
    let diverged = entries.iter().filter(|it| {
        it["error"]
            .as_str()
            .is_some_and(|text| text.contains("diverged"))
    });
    assert_eq!((entries.len(), diverged.count()), (4, 2), "{entries:?}");
    let csv = fs::read_to_string(sweep.out().join("sweep.csv")).unwrap();
    assert!(
        csv.lines().last().unwrap().contains("1e30")
            || csv.lines().last().unwrap().contains("1000000"),
        "{csv}"
    );
}
