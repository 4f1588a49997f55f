//! `cargo lab …`: the laboratory from a terminal.
//!
//! This library is the program itself, so that its readers of foreign files can be tried from outside; what programs are
//! built on is `lab-core`.

mod bars;
mod clean;
mod data_set;
mod doctor;
mod evaluate;
mod files;
mod interrupt;
mod notebook;
mod report;
pub mod schedule;
mod setup;
mod train;
mod verify;

pub mod config;
pub mod fetch;
pub mod predict;
pub mod terminal;

use std::error::Error;
use std::fmt::Display;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A laboratory course on neural networks: classify CIFAR-10 with a feedforward network.
#[derive(Parser)]
#[command(
    name = "cargo lab",
    bin_name = "cargo lab",
    version,
    after_help = include_str!("lab.txt")
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Report(report::ReportArgs),
    Train(train::TrainArgs),
    Sweep(lab_sweep::SweepArgs),
    Evaluate(evaluate::EvaluateArgs),
    Predict(predict::PredictArgs),
    Data(fetch::command::DataArgs),
    Setup(setup::SetupArgs),
    Notebook(notebook::NotebookArgs),
    Verify(verify::VerifyArgs),
    Clean(clean::CleanArgs),
    /// Say what is installed, what is missing, and how to mend it
    #[command(after_help = doctor::AFTER_HELP)]
    Doctor,
}

/// What a command ends with.
pub type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// An error that says what happened, and what to do.
fn error(what: impl Display, remedy: impl Display) -> Box<dyn Error + Send + Sync> {
    format!("{what}\n  what to do: {remedy}").into()
}

/// The text of an error without what to do, on one line.
fn reason(error: &impl Display) -> String {
    let text = error.to_string();
    let reason = text.split("\n  what to do:").next().unwrap_or_default();
    reason.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Report(arguments) => report::run(&arguments),
        Command::Train(arguments) => train::run(arguments),
        Command::Sweep(arguments) => lab_sweep::run(&arguments, &train::Trainings),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Predict(arguments) => predict::run(&arguments),
        Command::Data(arguments) => fetch::command::run(&arguments),
        Command::Setup(arguments) => setup::run(&arguments),
        Command::Notebook(arguments) => notebook::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Clean(arguments) => clean::run(&arguments),
        Command::Doctor => doctor::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
