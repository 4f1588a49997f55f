//! Why a data set could not be fetched: the place, what was found there, what was expected, and what to do.

use std::fmt;
use std::path::Path;

/// Where the data set lives, for those who fetch it by hand.
pub const HOME_PAGE: &str = "https://www.cs.toronto.edu/~kriz/cifar.html";

/// Why the data set, or a part of it, could not be fetched.
#[derive(thiserror::Error)]
pub enum FetchError {
    /// A file or folder of ours that cannot be read or written.
    #[error("{place}: cannot {action}: {source}\n  what to do: {remedy}")]
    Io {
        place: String,
        action: &'static str,
        source: std::io::Error,
        remedy: &'static str,
    },
    /// Bytes that are not those of the data set.
    #[error("{place}: found {found}, expected {expected}\n  what to do: {remedy}")]
    Content {
        place: String,
        found: String,
        expected: String,
        remedy: &'static str,
    },
    /// A source that does not answer, or a program that is missing or fails.
    #[error("{place}: {reason}\n  what to do: {remedy}")]
    Source {
        place: String,
        reason: String,
        remedy: &'static str,
    },
    /// Files in a folder that belongs to the user, in which nothing is replaced.
    #[error("{}\n  what to do: {remedy}", reasons(faults))]
    Faulty {
        faults: Vec<FetchError>,
        remedy: &'static str,
    },
    /// None of the ways worked.
    #[error(
        "{target}: the CIFAR-10 data set could not be fetched. Tried, one after the other:\n{}  what to do: download \
         `CIFAR-10 binary version` (cifar-10-binary.tar.gz, 162 MB) from {HOME_PAGE} in a browser, then run\n    \
         cargo lab data --from PATH/cifar-10-binary.tar.gz",
        list(tried)
    )]
    NoWay {
        target: String,
        tried: Vec<(String, FetchError)>,
    },
}

impl FetchError {
    /// A file or folder of ours that cannot be read or written; `action` is a verb with its object.
    pub fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        let remedy = match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                "free 0.5 GB on this disk, or choose another folder with --data DIR"
            }
            std::io::ErrorKind::NotFound => "check the path",
            _ => "check the path and its permissions, or choose another folder with --data DIR",
        };
        Self::Io {
            place: path.display().to_string(),
            action,
            source,
            remedy,
        }
    }

    /// Bytes that are not those of the data set.
    pub fn content(
        place: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        let remedy =
            "fetch this source again, or use another one (`cargo lab data --help` lists them)";
        Self::Content {
            place: place.into(),
            found: found.into(),
            expected: expected.into(),
            remedy,
        }
    }

    /// A source that does not answer, or a program that is missing or fails.
    pub fn source(
        place: impl Into<String>,
        reason: impl Into<String>,
        remedy: &'static str,
    ) -> Self {
        Self::Source {
            place: place.into(),
            reason: reason.into(),
            remedy,
        }
    }

    /// The text without the remedy, on one line: of several files the first, of several ways those that were tried.
    pub fn reason(&self) -> String {
        match self {
            Self::Faulty { faults, .. } if faults.len() > 1 => {
                return format!(
                    "{} (and {} files more)",
                    faults[0].reason(),
                    faults.len() - 1
                );
            }
            Self::NoWay { tried, .. } => {
                // The first is what is there already, under a path that is nobody else's business.
                let ways = tried
                    .iter()
                    .skip(1)
                    .map(|(way, error)| format!("{way}: {}", error.reason()));
                return format!(
                    "the CIFAR-10 data set could not be fetched: {}",
                    ways.collect::<Vec<_>>().join("; ")
                );
            }
            _ => {}
        }
        let text = self.to_string();
        text.split("\n  what to do:")
            .next()
            .unwrap_or_default()
            .replace('\n', " ")
    }
}

fn reasons(faults: &[FetchError]) -> String {
    faults
        .iter()
        .map(FetchError::reason)
        .collect::<Vec<_>>()
        .join("\n")
}

fn list(tried: &[(String, FetchError)]) -> String {
    let line = |(i, (way, error)): (usize, &(String, FetchError))| {
        format!("    {}. {way}: {}\n", i + 1, error.reason())
    };
    tried.iter().enumerate().map(line).collect()
}

/// As `Display`, because that is what `main` prints when it returns an error.
impl fmt::Debug for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
