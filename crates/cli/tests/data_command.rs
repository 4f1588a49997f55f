//! `cargo lab data` and `cargo lab doctor` as one meets them in a terminal, without a network and without the data set.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use flate2::{Compression, write::GzEncoder};
use tempfile::TempDir;

const FOLDER: &str = "cifar-10-batches-bin";

fn lab(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    command
        .args(arguments)
        .current_dir(home)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for proxy in [
        "http_proxy",
        "HTTP_PROXY",
        "all_proxy",
        "ALL_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
    ] {
        command.env_remove(proxy);
    }
    command
}

fn run(home: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    read(lab(home, arguments).output().unwrap())
}

fn read(output: Output) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = output;
    (
        status.code(),
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    )
}

/// The beginning of an archive of the right form: the first batch file is announced, `bytes` zeros of it come.
fn beginning_of_an_archive(bytes: usize) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header
        .set_path(format!("{FOLDER}/data_batch_1.bin"))
        .unwrap();
    header.set_size(30_730_000);
    header.set_mode(0o644);
    header.set_cksum();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(header.as_bytes()).unwrap();
    encoder.write_all(&vec![0; bytes]).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn help_has_examples() {
    let home = TempDir::new().unwrap();
    for command in ["data", "doctor"] {
        let (status, text, _) = run(home.path(), &[command, "--help"]);
        assert_eq!(status, Some(0));
        assert!(text.contains("Examples:\n  cargo lab "), "{text}");
    }
}

#[test]
fn what_cannot_be_had_is_told_on_standard_error_with_status_1() {
    let home = TempDir::new().unwrap();
    let arguments = ["data", "--url", "http://127.0.0.1:9/x"];
    // A path without npm.
    let output = lab(home.path(), &arguments)
        .env("PATH", home.path())
        .output();
    let (status, stdout, stderr) = read(output.unwrap());
    assert_eq!((status, stdout.as_str()), (Some(1), ""));
    let error = stderr.split("error: ").nth(1).unwrap();
    for part in [
        "1. what is there",
        "2. the address of --url",
        "3. the npm package",
        "kriz/cifar.html",
        "--from PATH",
    ] {
        assert!(error.contains(part), "{part} in {error}");
    }
    assert!(!home.path().join("data").join(FOLDER).exists());
}

#[test]
fn a_path_that_fails_is_an_error_and_nothing_else_is_tried() {
    let home = TempDir::new().unwrap();
    let target = home.path().join("data").join(FOLDER);
    fs::create_dir_all(&target).unwrap();
    fs::write(target.join("test_batch.bin"), "what was there before").unwrap();
    fs::write(
        home.path().join("bad.tar.gz"),
        beginning_of_an_archive(30_730_000),
    )
    .unwrap();
    let (status, _, stderr) = run(home.path(), &["data", "--from", "bad.tar.gz"]);
    assert_eq!(status, Some(1));
    assert!(
        stderr.contains("data_batch_1.bin in bad.tar.gz: found SHA-256 "),
        "{stderr}"
    );
    assert!(
        stderr.contains("cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"),
        "{stderr}"
    );
    assert!(!stderr.contains("download"), "{stderr}");
    assert_eq!(
        fs::read(target.join("test_batch.bin")).unwrap(),
        b"what was there before"
    );
    assert_eq!(fs::read_dir(&target).unwrap().count(), 1);
}

#[test]
fn a_kill_in_the_middle_leaves_nothing_that_looks_good_and_no_lock() {
    let home = TempDir::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let body = beginning_of_an_archive(20_000_000);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 170000000\r\n\r\n");
        let _ = stream.write_all(&body);
        // Until the other side is gone.
        let _ = stream.read(&mut [0; 1]);
    });
    let mut child = lab(home.path(), &["data", "--url", &url]).spawn().unwrap();
    let data = home.path().join("data");
    let names = || -> Vec<String> {
        let entries = fs::read_dir(&data).into_iter().flatten().flatten();
        entries
            .map(|entry| entry.file_name().into_string().unwrap())
            .filter(|name| name != ".cifar-10-lock")
            .collect()
    };
    let written = || {
        let path = names()
            .first()
            .map(|name| data.join(name).join("files/data_batch_1.bin"));
        path.and_then(|path| fs::metadata(path).ok())
            .map_or(0, |metadata| metadata.len())
    };
    let started = Instant::now();
    while written() < 10_000_000 && started.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    server.join().unwrap();
    assert!(
        written() >= 10_000_000 && !data.join(FOLDER).exists(),
        "{:?}",
        names()
    );
    // The next run is not kept waiting, and sweeps up.
    let (status, _, stderr) = run(home.path(), &["data", "--from", "nowhere"]);
    assert_eq!(status, Some(1));
    assert!(
        stderr.contains("nowhere: cannot read") && !stderr.contains("waiting"),
        "{stderr}"
    );
    assert!(names().is_empty(), "{:?}", names());
}

#[test]
fn data_stands_in_the_nearest_laboratory_upwards() {
    let home = TempDir::new().unwrap();
    let deep = home.path().join("notebooks/more");
    fs::create_dir_all(&deep).unwrap();
    fs::create_dir(home.path().join("lab-core")).unwrap();
    fs::write(home.path().join("Cargo.toml"), "").unwrap();
    run(&deep, &["data", "--from", "nowhere"]);
    assert!(home.path().join("data").is_dir());
    assert!(!deep.join("data").exists());
}

#[test]
fn a_folder_of_the_users_is_neither_created_nor_changed() {
    let home = TempDir::new().unwrap();
    for command in ["data", "train"] {
        let (status, _, stderr) = run(home.path(), &[command, "--data", "./mistyped"]);
        assert_eq!(status, Some(1));
        assert!(
            stderr.contains("./mistyped: found no such folder, expected a folder\n  what to do: "),
            "{stderr}"
        );
        assert!(!home.path().join("mistyped").exists());
        assert_eq!(
            stderr.contains("--data sample"),
            command == "train",
            "{stderr}"
        );
    }
    let mine = home.path().join("mine");
    fs::create_dir(&mine).unwrap();
    for (name, text) in [
        ("data_batch_3.bin", "<html>not found</html>"),
        ("data_batch_5.bin", "short"),
        ("notes.txt", "mine"),
    ] {
        fs::write(mine.join(name), text).unwrap();
    }
    for command in ["data", "train"] {
        let (status, _, stderr) = run(home.path(), &[command, "--data", "mine"]);
        assert_eq!(status, Some(1));
        assert!(
            stderr.contains(
                "data_batch_3.bin: found a web page of 22 bytes, expected 30730000 bytes"
            ),
            "{stderr}"
        );
        assert!(
            stderr.contains("data_batch_5.bin: found 5 bytes, it is cut off"),
            "{stderr}"
        );
        assert_eq!(
            stderr.contains("data_batch_1.bin: found no such file"),
            command == "train",
            "{stderr}"
        );
        assert_eq!(fs::read_dir(&mine).unwrap().count(), 3);
        assert_eq!(fs::read(mine.join("data_batch_5.bin")).unwrap(), b"short");
    }
}

#[test]
fn the_doctor_lists_what_is_there_and_where_the_rest_comes_from() {
    let home = TempDir::new().unwrap();
    let (status, table, stderr) = run(home.path(), &["doctor"]);
    assert_eq!(
        status,
        Some(0),
        "the first training fetches the data set itself: {stderr}"
    );
    for (name, text) in [
        ("Rust ", "ok        rustc 1."),
        ("Processor ", " cores"),
        ("Data set ", "`cargo lab data`"),
    ] {
        let line = table.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(line.contains(text), "{line}");
    }
    assert!(
        table.contains("\nnpm ") && table.contains("\nPython "),
        "{table}"
    );
}
