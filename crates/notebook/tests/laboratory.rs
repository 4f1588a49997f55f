//! The laboratory's folder: what an experiment leaves behind, and what is refused when it is read back.

use std::fs;

use lab_notebook::lab::{Lab, Run, Scale, same_laboratory};
use lab_notebook::prelude::*;

/// A small experiment on the sample, at a learning rate.
fn experiment(lab: &Lab, name: &str, rate: f32) -> (Run, Sequential) {
    let cifar = lab.cifar10().unwrap();
    let (train, validation) = cifar.train.split(0.8, Seed(42)).unwrap();
    let mut model = Sequential::new([32, 32, 3])
        .flatten()
        .dense(10, Activation::Softmax)
        .build(Seed(5))
        .unwrap();
    let trainer = Trainer::new(Loss::CategoricalCrossentropy, Sgd::new(rate))
        .epochs(lab.epochs(10))
        .batch_size(64)
        .seed(Seed(7))
        .callback(
            EarlyStopping::on_val_loss()
                .patience(3)
                .restore_best_weights(),
        );
    trainer
        .log_to(lab.run(name).quietly())
        .unwrap()
        .fit(&mut model, &train, &validation)
        .unwrap();
    (lab.saved(name).unwrap(), model)
}

fn laboratory() -> (tempfile::TempDir, Lab) {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::at(folder.path(), Scale::Sample);
    (folder, lab)
}

#[test]
fn what_an_experiment_leaves_behind_reads_back_equal() {
    let (folder, lab) = laboratory();
    let (run, model) = experiment(&lab, "03-softmax-0", 0.01);
    let run = run
        .test(&model, &lab.cifar10().unwrap().test)
        .unwrap()
        .keep(&model)
        .unwrap();
    let back = lab.saved("03-softmax-0").unwrap();
    assert_eq!(
        (&back.history, &back.record, &back.name),
        (&run.history, &run.record, &run.name)
    );
    assert!(
        folder
            .path()
            .join("outputs/sample/runs/03-softmax-0/history.csv")
            .is_file()
    );

    let record = &back.record;
    assert_eq!(
        (record.lab.as_str(), record.data.set.as_str()),
        (env!("CARGO_PKG_VERSION"), "sample")
    );
    assert_eq!((record.data.train, record.data.validation), (800, 200));
    assert_eq!(
        (record.weights_seed, record.training.seed),
        (Some(5), Seed(7))
    );
    assert_eq!(
        (record.epochs, record.training.epochs, record.parameters),
        (2, 2, 30_730)
    );
    assert_eq!(
        record.training.early_stopping.unwrap(),
        EarlyStopping::on_val_loss()
            .patience(3)
            .restore_best_weights()
    );

    let evaluation = model.evaluate(&lab.cifar10().unwrap().test).unwrap();
    assert_eq!(back.test_accuracy(), Some(evaluation.accuracy));
    let test = record.test.as_ref().unwrap();
    assert_eq!(
        &test.confusion_matrix().unwrap(),
        evaluation.confusion_matrix()
    );
    assert_eq!(
        back.model()
            .unwrap()
            .evaluate(&lab.cifar10().unwrap().test)
            .unwrap()
            .loss,
        evaluation.loss
    );
}

#[test]
fn a_training_that_diverges_is_a_run_like_any_other() {
    let (_folder, lab) = laboratory();
    let (run, _) = experiment(&lab, "04-sgd-far_too_fast", 1e38);
    assert!(
        matches!(run.record.stopped, Stopped::Diverged { epoch: 1, .. }),
        "{:?}",
        run.record.stopped
    );
    let back = lab.saved("04-sgd-far_too_fast").unwrap();
    assert_eq!(back.history, run.history);
    assert!(back.history.epochs.is_empty() && back.val_percent().is_nan());
    assert!(back.to_string().contains("diverged in epoch 1"), "{back}");
}

#[test]
fn a_run_that_is_missing_or_damaged_names_the_notebook_that_makes_it() {
    let (folder, lab) = laboratory();
    let missing = lab.saved("05-final").unwrap_err().to_string();
    assert!(
        missing.contains("found nothing")
            && missing.contains("cargo lab report --sample --only 05"),
        "{missing}"
    );

    let missing = lab.runs("05-").unwrap_err().to_string();
    assert!(
        missing.contains("05-*") && missing.contains("--only 05"),
        "{missing}"
    );

    experiment(&lab, "05-final", 0.01);
    let path = folder.path().join("outputs/sample/runs/05-final");
    for (file, content) in [
        ("metrics.json", "{}"),
        ("metrics.json", ""),
        ("history.csv", "epoch,loss\n"),
    ] {
        let whole = fs::read(path.join(file)).unwrap();
        fs::write(path.join(file), content).unwrap();
        let error = lab.saved("05-final").unwrap_err().to_string();
        assert!(error.contains("--only 05"), "{file}: {error}");
        fs::write(path.join(file), whole).unwrap();
    }
    lab.saved("05-final").unwrap();
    experiment(&lab, "05-a", 0.01);
    experiment(&lab, "06-b", 0.01);
    let names: Vec<String> = lab
        .runs("05-")
        .unwrap()
        .into_iter()
        .map(|run| run.name)
        .collect();
    assert_eq!(names, ["05-a", "05-final"]);
}

#[test]
fn collected_runs_read_back_equal_without_their_folders() {
    let (folder, lab) = laboratory();
    let outputs = folder.path().join("outputs/sample");
    let (tested, model) = experiment(&lab, "03-tested", 0.01);
    tested.test(&model, &lab.cifar10().unwrap().test).unwrap();
    for (name, rate) in [
        ("03-a", 0.02),
        ("03-diverged", 1e38),
        ("05-b", 0.01),
        ("own", 0.01),
    ] {
        experiment(&lab, name, rate);
    }
    let all = |prefix: &str| {
        let runs = lab.runs(prefix).unwrap().into_iter();
        runs.map(|run| (run.name, run.record, run.history))
            .collect::<Vec<_>>()
    };
    let (three, five) = (all("03-"), all("05-"));
    assert_eq!((three.len(), five.len()), (3, 1));
    lab.collect("03-").unwrap();
    lab.collect("05-").unwrap();
    let table = fs::read_to_string(outputs.join("history.csv")).unwrap();
    let of_one = fs::read_to_string(outputs.join("runs/03-a/history.csv")).unwrap();
    for line in of_one.lines().skip(1) {
        assert!(table.contains(&format!("\n03-a,{line}\n")), "{table}");
    }
    let header = of_one.lines().next().unwrap();
    assert_eq!(table.lines().next().unwrap(), format!("run,{header}"));
    let json = fs::read_to_string(outputs.join("runs.jsonl")).unwrap();
    assert_eq!(
        json.lines().count(),
        4,
        "a reader's own run is not collected"
    );

    fs::remove_dir_all(outputs.join("runs")).unwrap();
    assert_eq!((all("03-"), all("05-")), (three.clone(), five.clone()));
    assert_eq!(lab.saved("05-b").unwrap().record, five[0].1);
    let error = lab.saved("05-c").unwrap_err().to_string();
    assert!(
        error.contains("found nothing") && error.contains("--only 05"),
        "{error}"
    );

    // A notebook that is run again replaces its runs, and those of the others stay.
    experiment(&lab, "03-new", 0.02);
    lab.collect("03-").unwrap();
    fs::remove_dir_all(outputs.join("runs")).unwrap();
    assert_eq!(all("05-"), five);
    assert_eq!(all("03-")[0].0, "03-new");
    assert_eq!(all("03-").len(), 1);
}

#[test]
fn a_table_that_is_damaged_says_how_to_get_it_back() {
    let (folder, lab) = laboratory();
    experiment(&lab, "03-a", 0.01);
    lab.collect("03-").unwrap();
    let outputs = folder.path().join("outputs/sample");
    fs::remove_dir_all(outputs.join("runs")).unwrap();
    let rows = fs::read_to_string(outputs.join("history.csv")).unwrap();
    for (name, text, found) in [
        ("runs.jsonl", "{}\n", "missing field"),
        ("runs.jsonl", "", "epochs of 03-a"),
        ("history.csv", "", "another header"),
        ("history.csv", "run,epoch\n03-a,1\n", "another header"),
        (
            "history.csv",
            &rows.replace("03-a,2", "03-a,two"),
            "field 1: invalid",
        ),
        (
            "history.csv",
            rows.split_inclusive('\n')
                .take(2)
                .collect::<String>()
                .as_str(),
            "1 epochs of 2",
        ),
    ] {
        let whole = fs::read(outputs.join(name)).unwrap();
        fs::write(outputs.join(name), text).unwrap();
        let error = lab.saved("03-a").unwrap_err().to_string();
        assert!(
            error.contains(found) && error.contains("cargo lab report"),
            "{error}"
        );
        fs::write(outputs.join(name), whole).unwrap();
    }
    fs::remove_file(outputs.join("history.csv")).unwrap();
    let error = lab.saved("03-a").unwrap_err().to_string();
    assert!(error.contains("history.csv: cannot read"), "{error}");
}

#[test]
fn runs_of_two_data_sets_or_versions_do_not_go_into_one_report() {
    let (folder, lab) = laboratory();
    let (first, _) = experiment(&lab, "03-a-0", 0.01);
    let (mut second, _) = experiment(&lab, "03-b-0", 0.01);
    same_laboratory(&[&first, &second]).unwrap();
    second.record.lab = "0.0.1".to_owned();
    let error = same_laboratory(&[&first, &second]).unwrap_err().to_string();
    assert!(
        error.contains("03-b-0 on sample with version 0.0.1") && error.contains("cargo lab report"),
        "{error}"
    );

    // A run on the sample that was carried into the folder of the full ones.
    let full = Lab::at(folder.path(), Scale::Full);
    fs::create_dir_all(folder.path().join("outputs/runs")).unwrap();
    fs::rename(
        folder.path().join("outputs/sample/runs/03-a-0"),
        folder.path().join("outputs/runs/03-a-0"),
    )
    .unwrap();
    let error = full.saved("03-a-0").unwrap_err().to_string();
    assert!(
        error.contains("a run on sample, not on cifar-10"),
        "{error}"
    );
}

#[test]
fn the_name_of_a_run_cannot_lead_out_of_its_folder() {
    let (folder, lab) = laboratory();
    for name in ["", "../03-a", "a/b", ".hidden", ".."] {
        let trainer = Trainer::new(Loss::CategoricalCrossentropy, Sgd::new(0.01));
        let error = trainer.log_to(lab.run(name)).err().unwrap().to_string();
        assert!(error.contains("name of a run"), "{name}: {error}");
    }
    assert!(
        fs::read_dir(folder.path()).unwrap().next().is_none(),
        "nothing was written"
    );
}

/// Interrupts the training after some epochs.
struct After(usize);

impl Callback for After {
    fn on_epoch_end(&mut self, record: &EpochRecord, control: &mut Control<'_>) -> Result<()> {
        if record.epoch == self.0 {
            control.interrupt();
        }
        Ok(())
    }
}

#[test]
fn an_interrupted_experiment_is_no_run_and_goes_on_where_it_is_asked_to() {
    let (folder, lab) = laboratory();
    let cifar = lab.cifar10().unwrap();
    let train = |name: &str, after: usize, resume: bool| {
        let mut model = Sequential::new([32, 32, 3])
            .flatten()
            .dense(10, Activation::Softmax)
            .build(Seed(5))
            .unwrap();
        let trainer = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(0.001))
            .epochs(9)
            .callback(After(after));
        let experiment = if resume {
            lab.run(name).quietly().resume()
        } else {
            lab.run(name).quietly()
        };
        let (train, validation) = (cifar.train.take(200), &cifar.test);
        trainer
            .log_to(experiment)?
            .fit(&mut model, &train, validation)?;
        lab.saved(name)
    };
    let error = train("broken", 3, false).unwrap_err().to_string();
    assert!(
        error.contains("interrupted") && error.contains("lab.run(\"broken\").resume()"),
        "{error}"
    );
    assert!(lab.saved("broken").is_err(), "it is no run");
    let numbers = |run: &Run| {
        run.history
            .epochs
            .iter()
            .map(|epoch| (epoch.epoch, epoch.loss))
            .collect::<Vec<_>>()
    };
    let whole = train("whole", 0, false).unwrap();
    assert_eq!(numbers(&train("broken", 0, true).unwrap()), numbers(&whole));
    assert_eq!(numbers(&lab.saved("broken").unwrap()), numbers(&whole));
    let names = fs::read_dir(folder.path().join("outputs/sample/runs")).unwrap();
    assert!(!names.into_iter().any(|entry| {
        entry
            .unwrap()
            .file_name()
            .to_string_lossy()
            .contains("checkpoint")
    }));
}
