//! The answers of this machine, for comparison with those in a page: reads a question and its numbers from each line, and
//! writes the floats of the answer as a line.
//!
//! `echo "valley 3 0.1 25 45 7 7 10" | cargo run --release -p lab-lessons --example answers`

use std::error::Error;
use std::io;

use lab_lessons::Lessons;

fn main() -> Result<(), Box<dyn Error>> {
    let mut lessons = Lessons::default();
    for line in io::stdin().lines() {
        let line = line?;
        let (question, numbers) = line.split_once(' ').ok_or("a question and numbers")?;
        let numbers = numbers.split(' ').map(str::parse);
        let numbers = numbers.collect::<Result<Vec<f32>, _>>()?;
        let answer = lessons.answer(question, &numbers).ok_or("no answer")?;
        let words: Vec<String> = answer.iter().map(f32::to_string).collect();
        println!("{}", words.join(" "));
    }
    Ok(())
}
