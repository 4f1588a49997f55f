//! `cargo lab notebook`.

use std::process::Command;

use lab_notebook::lab::{Lab, Scale};

use crate::setup;
use crate::{Outcome, error};

/// Open the notebooks in JupyterLab, in your browser.
///
/// Does first what is missing of `cargo lab setup`; where the data set cannot be had, the notebooks work on the built-in
/// sample. JupyterLab listens on this computer only, behind a token that is new each time; the Rust kernel is chosen. Ctrl-C
/// stops it and its kernels. Your own Jupyter's settings are neither read nor changed.
#[derive(clap::Args)]
#[command(after_help = include_str!("notebook.txt"))]
pub struct NotebookArgs {
    /// Print the address only
    #[arg(long)]
    no_browser: bool,
    /// The port to listen on, or the next one that is free
    #[arg(long, value_name = "N", default_value_t = 8888, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
}

/// Runs JupyterLab until it is stopped.
///
/// # Errors
/// Where set-up fails or JupyterLab does not start.
pub fn run(arguments: &NotebookArgs) -> Outcome {
    // On the built-in sample (LAB_SCALE=sample) nothing reads the data set.
    let environment = setup::ensure(Lab::open()?.scale() == Scale::Full)?;
    let mut jupyter = Command::new(&environment.python);
    jupyter
        .arg("-I")
        .arg(environment.root.join("crates/cli/python/notebook.py"))
        .arg(&environment.root)
        .arg(arguments.port.to_string())
        .arg(["browser", "no-browser"][usize::from(arguments.no_browser)])
        .current_dir(&environment.root);
    if let Some(error) = &environment.without_data {
        let variable = Scale::VARIABLE;
        eprintln!(
            "warning: {error}\n\nThe notebooks work on the 1,500 images that are built in ({variable}=sample).\n"
        );
        jupyter.env(variable, "sample");
    }
    let remedy =
        "`cargo lab clean --keep-data`, then `cargo lab setup`, makes the environment anew";
    become_it(&mut jupyter)
        .map_err(|cause| error(format!("JupyterLab cannot be started: {cause}"), remedy))
}

/// JupyterLab takes our place, so that Ctrl-C and the exit status are its own.
#[cfg(unix)]
fn become_it(command: &mut Command) -> std::io::Result<()> {
    use std::os::unix::process::CommandExt;
    Err(command.exec())
}

#[cfg(not(unix))]
fn become_it(command: &mut Command) -> std::io::Result<()> {
    command.status().map(drop)
}
