//! The official archive, read as it comes in over the network.

use std::io::{self, Read};
use std::time::Duration;

use super::archive::receive_archive;
use super::error::FetchError;
use super::progress::Progress;
use super::staging::Staging;

/// Where the official archive stands.
pub const OFFICIAL: &str = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz";

/// Takes the files of the data set from the archive at `url`; gives up when nothing comes for `patience`.
pub fn receive_url(
    url: &str,
    patience: Duration,
    staging: &mut Staging,
    progress: &Progress,
) -> Result<(), FetchError> {
    let unreachable = |error: ureq::Error| {
        let remedy = "check the network and the proxy (HTTPS_PROXY), or use another source";
        FetchError::source(url, format!("cannot be downloaded: {error}"), remedy)
    };
    progress.stage(&format!("downloading {url}"), None);
    // A server on this machine is not reached through a proxy.
    let proxy = if url.starts_with("http://127.0.0.1") {
        None
    } else {
        ureq::Proxy::try_from_env()
    };
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .https_only(url.starts_with("https:"))
        .proxy(proxy)
        .timeout_resolve(Some(patience))
        .timeout_connect(Some(patience))
        .timeout_recv_response(Some(patience))
        .timeout_per_read(Some(patience))
        .build()
        .into();
    let body = agent.get(url).call().map_err(unreachable)?.into_body();
    progress.quick_stage(&format!("downloading {url}"), body.content_length());
    receive_archive(Connection(progress.count(body.into_reader())), url, staging)
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
