//! `cargo lab …`: the laboratory from a terminal.

fn main() -> std::process::ExitCode {
    lab_cli::main()
}
