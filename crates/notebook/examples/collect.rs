//! Enters the runs in `outputs/runs` whose names begin with a word into the tables of the report:
//! `cargo run --release --package lab-notebook --example collect -- ladder-`

use lab_notebook::prelude::*;

fn main() -> Result<()> {
    let prefix = std::env::args().nth(1).unwrap_or_default();
    let lab = Lab::open()?;
    lab.collect(&prefix)?;
    for run in lab.runs(&prefix)? {
        println!("{run}");
    }
    Ok(())
}
