//! A laboratory to set up with programs that only pretend.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A laboratory, a cache and a path whose programs write down how they are called.
pub struct Place {
    folder: TempDir,
}

pub const PYTHON: &str = r#"
case "$*" in
  --version) echo "Python 3.12.1" ;;
  *ensurepip*) ;;
  *"-m venv"*) for folder; do :; done; mkdir -p "$folder/bin"; cp "$0" "$folder/bin/python" ;;
  *"-m pip"*) ;;
  *) echo "python $*" ;;
esac"#;
pub const RUSTC: &str = r#"echo "$HERE/sysroot""#;
/// `cargo fetch`: the packages are there once they have been fetched.
const FETCH: &str = r#"
if [ "$1" = fetch ]; then
  case "$*" in *--offline*) [ -e "$HERE/fetched" ] ;; *) : > "$HERE/fetched" ;; esac
  exit
fi
"#;
/// `cargo install` as it should be.
pub const INSTALL: &str = r#"
echo "   Compiling one v1.0.0" >&2
while [ $# -gt 0 ]; do [ "$1" = --root ] && root=$2; shift; done
mkdir -p "$root/bin"; printf '#!/bin/sh\n' > "$root/bin/evcxr_jupyter"; chmod +x "$root/bin/evcxr_jupyter""#;

impl Place {
    pub fn new() -> Self {
        let place = Self {
            folder: TempDir::new().unwrap(),
        };
        for folder in [
            "lab/lab-core/src",
            "lab/crates/cli/python",
            "bin",
            "sysroot/lib/rustlib/src/rust/library",
        ] {
            fs::create_dir_all(place.path(folder)).unwrap();
        }
        fs::write(place.path("lab/Cargo.toml"), "").unwrap();
        fs::write(place.path("lab/Cargo.lock"), "version = 4\n").unwrap();
        fs::write(
            place.path("lab/crates/cli/python/requirements.txt"),
            "jupyterlab==4\n",
        )
        .unwrap();
        for (name, text) in [("python3", PYTHON), ("rustc", RUSTC)] {
            place.program(name, text);
        }
        place.cargo(INSTALL);
        place
    }

    pub fn path(&self, below: &str) -> PathBuf {
        // As the program sees it, which asks the system for its folder.
        self.folder.path().canonicalize().unwrap().join(below)
    }

    /// Puts a program on the path, in place of another of this name.
    pub fn program(&self, name: &str, text: &str) {
        let path = self.path(&format!("bin/{name}"));
        let (here, log) = (self.path(""), self.path("calls"));
        let head = format!(
            "#!/bin/sh\nPATH=/usr/bin:/bin\nHERE={}\necho \"{name} $*\" >> {}\n",
            here.display(),
            log.display()
        );
        fs::write(&path, head + text + "\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Puts a cargo on the path that fetches packages; `install` is how it installs programs.
    pub fn cargo(&self, install: &str) {
        self.program("cargo", &format!("{FETCH}{install}"));
    }

    pub fn without(&self, name: &str) {
        fs::remove_file(self.path(&format!("bin/{name}"))).unwrap();
    }

    pub fn lab(&self, below: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
        command
            .args(arguments)
            .current_dir(self.path(below))
            .stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
            .env("PATH", self.path("bin"))
            .env("LAB_CACHE", self.path("cache"));
        command
    }

    /// Exit status, standard output and standard error.
    pub fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        read(self.lab("lab", arguments).output().unwrap())
    }

    pub fn set_up(&self) {
        let (status, _, stderr) = self.run(&["setup", "--sample"]);
        assert_eq!(status, Some(0), "{stderr}");
    }

    /// The error of a set-up that must fail.
    pub fn refused(&self) -> String {
        let (status, _, stderr) = self.run(&["setup", "--sample"]);
        assert_eq!(status, Some(1), "{stderr}");
        assert!(
            stderr.contains("error: ") && stderr.contains("what to do: "),
            "{stderr}"
        );
        stderr
    }

    /// How the programs were called since the last time that somebody asked, but for questions; in the order of the
    /// alphabet, because some run side by side.
    pub fn work(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("calls")).unwrap_or_default();
        _ = fs::remove_file(self.path("calls"));
        let question = |line: &&str| {
            line.contains("--version") && !line.contains("install") || line.contains("ensurepip")
        };
        let question =
            |line: &&str| question(line) || line.starts_with("rustc") || line.contains("--offline");
        let mut work: Vec<_> = text
            .lines()
            .filter(|line| !question(line))
            .map(str::to_owned)
            .collect();
        work.sort();
        work
    }

    pub fn cached(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.path("cache/cifar10-lab"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().display().to_string())
            .collect();
        names.sort();
        names
    }
}

pub fn read(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

pub fn wait_for(what: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !what() {
        assert!(Instant::now() < until, "it does not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}
