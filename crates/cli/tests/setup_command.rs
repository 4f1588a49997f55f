//! `cargo lab setup`, `notebook` and `clean` with programs that only pretend: no network, no Python, no kernel.
#![cfg(unix)]

mod place;

use std::fs;
use std::path::Path;

use place::{INSTALL, PYTHON, Place, read, wait_for};

const KERNEL: &str = "evcxr_jupyter-0.22.0";

#[test]
fn set_up_makes_every_piece_from_any_folder_and_the_second_time_nothing() {
    let place = Place::new();
    let (status, stdout, stderr) = read(
        place
            .lab("lab/lab-core/src", &["setup", "--sample"])
            .output()
            .unwrap(),
    );
    assert_eq!(status, Some(0), "{stderr}");
    assert!(
        stdout.contains("cargo lab notebook") && stderr.contains("Rust kernel: building"),
        "{stdout}{stderr}"
    );
    let work = place.work();
    assert_eq!(work.len(), 4, "{work:?}");
    assert_eq!(
        work[0],
        format!(
            "cargo fetch --locked --manifest-path {}/Cargo.toml",
            place.path("lab").display()
        ),
        "for every platform: a kernel asks about all of them"
    );
    assert!(
        work[1].starts_with("cargo install evcxr_jupyter --locked --version 0.22.0 --root "),
        "{work:?}"
    );
    assert!(
        work[2].contains("-m pip install") && work[2].contains("--require-hashes"),
        "{work:?}"
    );
    assert!(work[3].starts_with("python3 -m venv "), "{work:?}");
    let spec: serde_json::Value = serde_json::from_slice(
        &fs::read(place.path("lab/.lab/venv/share/jupyter/kernels/rust/kernel.json")).unwrap(),
    )
    .unwrap();
    let argv: Vec<_> = spec["argv"]
        .as_array()
        .unwrap()
        .iter()
        .map(|word| word.as_str().unwrap())
        .collect();
    assert_eq!(
        (
            spec["display_name"].as_str(),
            spec["interrupt_mode"].as_str()
        ),
        (Some("Rust"), Some("message"))
    );
    assert_eq!(Path::new(argv[0]), place.path("lab/.lab/venv/bin/python"));
    assert_eq!(
        Path::new(argv[2]),
        place.path("lab/crates/cli/python/launcher.py")
    );
    assert_eq!(
        Path::new(argv[3]),
        place.path(&format!("cache/cifar10-lab/{KERNEL}/bin/evcxr_jupyter"))
    );
    assert_eq!(
        place.cached(),
        [KERNEL.to_owned(), format!("{KERNEL}.lock")],
        "nothing of the building stays"
    );

    let (status, _, stderr) = place.run(&["setup", "--sample"]);
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    assert_eq!(place.work(), [""; 0]);
}

#[test]
fn other_requirements_or_another_folder_make_the_environment_anew_and_keep_the_kernel() {
    let place = Place::new();
    place.set_up();
    place.work();
    fs::write(
        place.path("lab/crates/cli/python/requirements.txt"),
        "jupyterlab==5\n",
    )
    .unwrap();
    place.set_up();
    assert!(
        matches!(&place.work()[..], [pip, venv] if venv.contains("-m venv") && pip.contains("-m pip"))
    );
    fs::rename(place.path("lab"), place.path("moved")).unwrap();
    let (status, _, stderr) = read(place.lab("moved", &["setup", "--sample"]).output().unwrap());
    assert_eq!(status, Some(0), "{stderr}");
    assert!(
        matches!(&place.work()[..], [pip, venv] if venv.contains("-m venv") && pip.contains("-m pip"))
    );
}

#[test]
fn packages_that_are_gone_from_cargos_registry_are_fetched_again() {
    let place = Place::new();
    place.set_up();
    let (_, table, _) = place.run(&["doctor"]);
    assert!(
        table.contains("Packages    ok        all that cells are compiled from"),
        "{table}"
    );
    place.work();
    fs::remove_file(place.path("fetched")).unwrap();
    fs::write(place.path("lab/.lab/cargo/kept"), "").unwrap();
    let (_, table, _) = place.run(&["doctor"]);
    assert!(
        table.contains("Packages    optional  not there; `cargo lab setup` makes it"),
        "{table}"
    );
    place.set_up();
    assert!(matches!(&place.work()[..], [fetch] if fetch.starts_with("cargo fetch --locked ")));
    assert!(place.path("lab/.lab/cargo/kept").exists());

    // Offline, cargo takes the newest version that it has: those of another Cargo.lock must not stay.
    fs::write(place.path("lab/Cargo.lock"), "version = 4\n# another\n").unwrap();
    place.set_up();
    assert!(matches!(&place.work()[..], [fetch] if fetch.starts_with("cargo fetch --locked ")));
    assert!(!place.path("lab/.lab/cargo/kept").exists());
}

#[test]
fn one_step_that_fails_ends_those_beside_it_and_is_the_one_that_is_told() {
    let place = Place::new();
    place.cargo(r#": > "$HERE/begun"; exec sleep 60"#);
    let fail = r#"*"-m pip"*) while [ ! -e "$HERE/begun" ]; do sleep 0.05; done; echo "no route to host" >&2; exit 1 ;;"#;
    place.program("python3", &PYTHON.replace(r#"*"-m pip"*) ;;"#, fail));
    let started = std::time::Instant::now();
    let error = place.refused();
    assert!(
        error.contains("no route to host") && !error.contains("signal"),
        "{error}"
    );
    assert!(
        started.elapsed().as_secs() < 30,
        "the kernel is not built to its end first"
    );
    assert_eq!(place.cached(), [format!("{KERNEL}.lock")]);
}

#[test]
fn what_is_wrong_with_python_is_said_with_the_package_to_install() {
    let place = Place::new();
    place.program(
        "python3",
        r#"case "$*" in --version) echo "Python 3.9.2" ;; esac"#,
    );
    let error = place.refused();
    assert!(
        error.contains("Python 3.9.2 is too old") && error.contains("3.10 or newer"),
        "{error}"
    );

    place.program(
        "python3",
        r#"case "$*" in --version) echo "Python 3.12.1" ;; *) exit 1 ;; esac"#,
    );
    let error = place.refused();
    assert!(
        error.contains("no venv") && error.contains("apt install python3-venv"),
        "{error}"
    );

    place.without("python3");
    let error = place.refused();
    assert!(
        error.contains("python3 is not found") && error.contains("apt install python3"),
        "{error}"
    );
    assert!(!place.path("lab/.lab/venv").exists());
}

#[test]
fn packages_that_cannot_be_had_leave_no_environment_that_looks_finished() {
    let place = Place::new();
    place.program(
        "python3",
        &PYTHON.replace(
            r#"*"-m pip"*) ;;"#,
            r#"*"-m pip"*) echo "no route to host" >&2; exit 1 ;;"#,
        ),
    );
    let error = place.refused();
    assert!(
        error.contains("no route to host") && error.contains("network"),
        "{error}"
    );
    place.program("python3", PYTHON);
    place.set_up();
}

#[test]
fn a_kernel_that_cannot_be_built_leaves_nothing_and_says_the_compilers_words() {
    let place = Place::new();
    place.cargo(r#"echo "error: could not resolve host" >&2; exit 101"#);
    let error = place.refused();
    assert!(
        error.contains("could not resolve host") && error.contains("network"),
        "{error}"
    );
    assert_eq!(place.cached(), [format!("{KERNEL}.lock")]);
    place.without("cargo");
    assert!(place.refused().contains("cannot start cargo"));
}

#[test]
fn rust_src_comes_from_rustup_or_the_message_says_from_where() {
    let place = Place::new();
    fs::remove_dir_all(place.path("sysroot")).unwrap();
    let error = place.refused();
    assert!(
        error.contains("sysroot/lib/rustlib/src/rust/library")
            && error.contains("https://rustup.rs"),
        "{error}"
    );
    place.program(
        "rustup",
        r#"[ "$1" = component ] && mkdir -p "$HERE/sysroot/lib/rustlib/src/rust/library"; :"#,
    );
    place.set_up();
    assert!(
        place
            .work()
            .contains(&"rustup component add rust-src".to_owned())
    );
}

#[test]
fn two_at_once_wait_for_one_another_and_say_for_whom() {
    let place = Place::new();
    place.cargo(&format!(
        ": > \"$HERE/begun\"; while [ ! -e \"$HERE/go\" ]; do sleep 0.05; done\n{INSTALL}"
    ));
    let first = place.lab("lab", &["setup", "--sample"]).spawn().unwrap();
    wait_for(|| place.path("begun").exists());
    let log = place.path("second");
    let stderr = fs::File::create(&log).unwrap();
    let second = place
        .lab("lab", &["setup", "--sample"])
        .stderr(stderr)
        .spawn()
        .unwrap();
    let message = format!(
        "process {} waits for process {}, which sets up this laboratory",
        second.id(),
        first.id()
    );
    wait_for(|| fs::read_to_string(&log).unwrap().contains(&message));
    fs::write(place.path("go"), "").unwrap();
    for child in [first, second] {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    assert_eq!(
        place
            .work()
            .iter()
            .filter(|line| line.starts_with("cargo install"))
            .count(),
        1
    );
}

#[test]
fn a_set_up_that_is_killed_leaves_nothing_that_looks_finished() {
    let place = Place::new();
    let wait = ": > \"$HERE/begun\"; i=0; while [ ! -e \"$HERE/go\" ] && [ $i -lt 400 ]; do sleep 0.05; i=$((i+1)); done; exit 1";
    let kill = || {
        let mut child = place.lab("lab", &["setup", "--sample"]).spawn().unwrap();
        wait_for(|| place.path("begun").exists());
        child.kill().unwrap();
        child.wait().unwrap();
        fs::write(place.path("go"), "").unwrap();
    };
    place.cargo(wait);
    kill();
    assert!(!place.path(&format!("cache/cifar10-lab/{KERNEL}")).exists());
    assert!(
        place
            .cached()
            .iter()
            .any(|name| name.starts_with(".building-")),
        "the kill came too late"
    );
    for mark in ["begun", "go"] {
        fs::remove_file(place.path(mark)).unwrap();
    }

    place.cargo(INSTALL);
    _ = fs::remove_dir_all(place.path("lab/.lab/venv"));
    place.program(
        "python3",
        &PYTHON.replace(r#"*"-m pip"*) ;;"#, &format!(r#"*"-m pip"*) {wait} ;;"#)),
    );
    kill();
    let (_, stdout, _) = place.run(&["doctor"]);
    assert!(
        stdout.contains("JupyterLab  optional  not there"),
        "{stdout}"
    );
    place.program("python3", PYTHON);
    place.set_up();
    assert_eq!(
        place.cached(),
        [KERNEL.to_owned(), format!("{KERNEL}.lock")],
        "what the killed one left is gone"
    );
}

#[test]
fn clean_removes_what_set_up_made_and_nothing_else() {
    let place = Place::new();
    place.set_up();
    let data = place.path("lab/data/cifar-10-batches-bin");
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("test_batch.bin"), "x").unwrap();
    fs::write(data.join("notes.txt"), "mine").unwrap();
    assert_eq!(place.run(&["clean", "--keep-data"]).0, Some(0));
    assert!(!place.path("lab/.lab").exists() && data.join("test_batch.bin").exists());
    let (status, stdout, _) = place.run(&["clean"]);
    assert_eq!(status, Some(0));
    assert!(stdout.contains("test_batch.bin"), "{stdout}");
    assert_eq!(fs::read_to_string(data.join("notes.txt")).unwrap(), "mine");
    assert!(!data.join("test_batch.bin").exists() && place.path("cache/cifar10-lab").exists());
    assert_eq!(place.run(&["clean", "--all"]).0, Some(0));
    assert!(!place.path("cache/cifar10-lab").exists());
    assert!(
        place
            .run(&["clean", "--all"])
            .1
            .contains("nothing to remove")
    );
}

#[test]
fn clean_leaves_a_linked_data_set_and_a_kernel_at_work_alone() {
    let place = Place::new();
    let elsewhere = place.path("elsewhere/cifar-10-batches-bin");
    fs::create_dir_all(&elsewhere).unwrap();
    fs::write(elsewhere.join("test_batch.bin"), "x").unwrap();
    std::os::unix::fs::symlink(place.path("elsewhere"), place.path("lab/data")).unwrap();
    let locks = place.path("lab/.lab/evcxr");
    fs::create_dir_all(&locks).unwrap();
    fs::write(locks.join("3.lock"), "4711\n").unwrap();
    let lock = fs::File::open(locks.join("3.lock")).unwrap();
    lock.lock().unwrap();
    let (status, _, stderr) = place.run(&["clean"]);
    assert_eq!(status, Some(1));
    assert!(
        stderr.contains("a Rust kernel is running (process 4711)"),
        "{stderr}"
    );
    assert!(locks.exists());
    drop(lock);
    assert_eq!(place.run(&["clean"]).0, Some(0));
    assert!(
        !locks.exists()
            && elsewhere.join("test_batch.bin").exists()
            && place.path("lab/data").exists()
    );
}

#[test]
fn outside_of_the_laboratory_they_say_where_to_go() {
    let place = Place::new();
    for command in ["setup", "clean", "notebook"] {
        let (status, _, stderr) = read(place.lab("bin", &[command]).output().unwrap());
        assert_eq!(status, Some(1));
        assert!(
            stderr.contains("no laboratory") && stderr.contains("what to do:"),
            "{stderr}"
        );
    }
}

#[test]
fn help_has_examples() {
    let place = Place::new();
    for command in ["setup", "notebook", "clean"] {
        let (status, text, _) = place.run(&[command, "--help"]);
        assert_eq!(status, Some(0));
        assert!(
            text.contains(&format!("Examples:\n  cargo lab {command}")),
            "{text}"
        );
    }
}
