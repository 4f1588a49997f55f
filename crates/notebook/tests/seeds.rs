//! `LAB_SEED` moves the seeds of notebooks.

use lab_notebook::prelude::*;

/// One test, because the variable is the whole process's.
#[test]
fn the_variable_moves_every_seed_and_must_be_a_whole_number() {
    let with = |value: Option<&str>| {
        let program = std::env::current_exe().unwrap();
        let mut command = std::process::Command::new(program);
        command.args(["--ignored", "--exact", "child", "--nocapture"]);
        match value {
            Some(value) => command.env("LAB_SEED", value),
            None => command.env_remove("LAB_SEED"),
        };
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    for (value, number) in [(None, 7), (Some(""), 7), (Some("0"), 7), (Some("3"), 3007)] {
        let printed = with(value);
        assert!(printed.contains(&format!("seed {number}\n")), "{printed}");
        assert!(printed.contains("opened"), "{printed}");
    }
    let refused = with(Some("one"));
    assert!(
        refused.contains("LAB_SEED: found `one`, expected a whole number"),
        "{refused}"
    );
}

#[test]
#[ignore = "the other test runs it"]
fn child() {
    println!("seed {}", Seed(7).0);
    match Lab::open() {
        Ok(_) => println!("opened"),
        Err(error) => println!("{error}"),
    }
}
