//! The text form of schedules: `--schedule warmup=2,cosine`.

use lab_core::training::Schedule;
use lab_core::{LabError, Result};

/// `constant`, `step=10:0.5`, `exponential=0.95`, `cosine`, `cosine=0.01`, `one-cycle`, `warmup=2,cosine`.
///
/// # Errors
/// Names what was found and how to write it.
pub fn parse(text: &str) -> Result<Schedule> {
    const FORMS: [(&str, &str); 6] = [
        ("constant", "constant"),
        ("step", "step=EPOCHS:FACTOR"),
        ("exponential", "exponential or exponential=FACTOR"),
        ("cosine", "cosine or cosine=LOWEST"),
        ("one-cycle", "one-cycle"),
        ("warmup", "warmup=EPOCHS or warmup=EPOCHS,SCHEDULE"),
    ];
    let mut parts = text.splitn(2, ',');
    let (first, then) = (parts.next().unwrap_or_default(), parts.next());
    let (name, numbers) = first.split_once('=').unwrap_or((first, ""));
    let name = name.trim().to_lowercase();
    let Some((_, form)) = FORMS.iter().find(|(known, _)| *known == name) else {
        let known = FORMS.map(|(known, _)| known);
        return Err(LabError::name("schedule", &name, &known));
    };
    let wrong = || {
        let usual = "exponential=0.95 is the original lab's schedule";
        LabError::value("schedule", format!("`{text}`"), *form, usual)
    };
    let parts = numbers.split(':').filter(|_| first.contains('='));
    let numbers: Result<Vec<f64>, _> = parts.map(|part| part.trim().parse()).collect();
    let numbers = numbers.map_err(|_| wrong())?;
    Ok(match (name.as_str(), &numbers[..], then) {
        ("constant", [], None) => Schedule::Constant,
        ("step", &[every, factor], None) if every >= 1.0 && every.fract() == 0.0 => {
            let every = every as usize;
            Schedule::Step { every, factor }
        }
        ("exponential", [], None) => Schedule::Exponential { factor: 0.95 },
        ("exponential", &[factor], None) => Schedule::Exponential { factor },
        ("cosine", [], None) => Schedule::Cosine { lowest: 0.0 },
        ("cosine", &[lowest], None) => Schedule::Cosine { lowest },
        ("one-cycle", [], None) => Schedule::OneCycle,
        ("warmup", &[epochs], then) => parse(then.unwrap_or("constant"))?.after_warmup(epochs),
        _ => return Err(wrong()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_written_back() {
        for text in [
            "constant",
            "step=10:0.5",
            "exponential=0.9",
            "cosine=0.1",
            "one-cycle",
            "warmup=4,cosine=0",
        ] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
        for (text, whole) in [
            ("exponential", "exponential=0.95"),
            ("cosine", "cosine=0"),
            ("warmup=2", "warmup=2,constant"),
            (" Cosine ", "cosine=0"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), whole);
        }
    }

    #[test]
    fn texts_that_are_no_schedule_are_named_with_the_form_that_is() {
        for (text, words) in [
            ("exponential=x", ["`exponential=x`", "exponential=FACTOR"]),
            ("step=5", ["`step=5`", "step=EPOCHS:FACTOR"]),
            ("cosine,step=1:2", ["`cosine,step=1:2`", "cosine=LOWEST"]),
            ("warmup", ["`warmup`", "warmup=EPOCHS"]),
            ("step=2.7:0.5", ["`step=2.7:0.5`", "step=EPOCHS:FACTOR"]),
            ("step=-3:0.5", ["`step=-3:0.5`", "step=EPOCHS:FACTOR"]),
            ("constant=5", ["`constant=5`", "constant"]),
            ("one-cycle=3", ["`one-cycle=3`", "one-cycle"]),
            ("expnential", ["`expnential`", "did you mean `exponential`"]),
            ("one_cycle", ["`one_cycle`", "did you mean `one-cycle`"]),
            ("polynomial", ["`polynomial`", "use one of: constant, step"]),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
        }
    }
}
