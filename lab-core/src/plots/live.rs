//! Curves that move while a training runs, in a notebook.

use super::figure::Figure;
use super::figures;
use super::html::escape;
use super::notebook::show;
use crate::error::{LabError, Result};
use crate::lab::{Lab, Run};
use crate::training::History;

/// Loss and accuracy of trainings that a later cell starts, drawn anew while they run.
///
/// The output of the cell holds a script that asks JupyterLab's server for `outputs/live/NAME.csv`, which
/// [`Experiment::fit`](crate::lab::Experiment::fit) writes. Where no such server answers (exported pages, other editors)
/// it shows the finished picture if the run exists by then, and otherwise says where the numbers are.
pub struct LiveCurves;

/// The most runs in one picture: more lines cannot be told apart.
const MOST: usize = 8;

impl LiveCurves {
    /// Shows the curves of the run that `lab.run(NAME)` is going to make, or of several: `LiveCurves::show(["a", "b"])`.
    ///
    /// ```no_run
    /// use lab_core::prelude::*;
    /// LiveCurves::show("final")?;
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Lab::open`]; where there is no name, more than eight, or one that is no run's.
    pub fn show(runs: impl Into<RunNames>) -> Result<()> {
        let (lab, names) = (Lab::open()?, runs.into().0);
        let (html, text) = draw(&lab, &names)?;
        names.iter().try_for_each(|name| lab.await_run(name))?;
        show(&html, &text);
        Ok(())
    }

    /// The output of a cell that showed live curves, with the finished picture of its runs in the place of what was there
    /// before they were trained; nothing where `html` is no such output or the runs are missing.
    pub fn finished(html: &str, lab: &Lab) -> Option<String> {
        let (_, rest) = html.split_once("<div class=\"lab-live\" data-live=\"")?;
        let names = rest.split_once('"')?.0;
        let runs: Vec<Run> = names
            .split(',')
            .map(|name| lab.saved(name))
            .collect::<Result<_>>()
            .ok()?;
        let (begin, end) = (html.find("<div class=\"lab-live\"")?, html.rfind(SCRIPT)?);
        let begin = begin + html[begin..].find('>')? + 1;
        Some(format!(
            "{}{}{}",
            html.get(..begin)?,
            picture(&runs)?.to_html(),
            html.get(end..)?
        ))
    }
}

/// Where the picture ends and the script begins.
const SCRIPT: &str = "</div>\n<script>";

/// The names of one run or several.
pub struct RunNames(Vec<String>);

impl From<&str> for RunNames {
    fn from(name: &str) -> Self {
        Self(vec![name.to_owned()])
    }
}

impl<const N: usize> From<[&str; N]> for RunNames {
    fn from(names: [&str; N]) -> Self {
        Self(names.map(str::to_owned).to_vec())
    }
}

impl From<Vec<String>> for RunNames {
    fn from(names: Vec<String>) -> Self {
        Self(names)
    }
}

fn draw(lab: &Lab, names: &[String]) -> Result<(String, String)> {
    if names.is_empty() || names.len() > MOST {
        let found = format!("{} names", names.len());
        return Err(LabError::value(
            "live curves",
            found,
            format!("1 to {MOST}"),
            "name the runs to watch",
        ));
    }
    names
        .iter()
        .try_for_each(|name| Lab::check_run_name(name))?;
    let list = names.join(",");
    let text = format!(
        "The curves of {} move here in JupyterLab while they are trained; in other editors the training cell prints them.",
        names.join(", ")
    );
    let finished: Vec<Run> = names
        .iter()
        .filter_map(|name| lab.saved(name).ok())
        .collect();
    let picture =
        picture(&finished).map_or_else(|| format!("<p>{}</p>", escape(&text)), |f| f.to_html());
    let folder = lab.live_folder();
    let folder = folder
        .strip_prefix(lab.folder())
        .unwrap_or(&folder)
        .to_string_lossy()
        .replace('\\', "/");
    let html = format!(
        "<div class=\"lab-live\" data-live=\"{}\" data-folder=\"{}\">{picture}{SCRIPT}{}</script>",
        escape(&list),
        escape(&folder),
        include_str!("live.js")
    );
    Ok((html, text))
}

/// The curves of runs that have ended, as they are drawn where nothing moves.
fn picture(runs: &[Run]) -> Option<Figure> {
    match runs {
        [] => None,
        [run] => figures::training_curves(&run.name, &run.history).ok(),
        several => {
            let curves: Vec<(&str, &History)> = several
                .iter()
                .map(|run| (run.name.as_str(), &run.history))
                .collect();
            figures::compare("Validation", &curves).ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::Scale;
    use crate::model::{Activation, Sequential};
    use crate::training::{Adam, Loss, Trainer};

    #[test]
    fn without_a_finished_run_the_output_says_where_to_look_and_names_the_file_to_follow() {
        let folder = tempfile::tempdir().unwrap();
        let lab = Lab::at(folder.path(), Scale::Sample);
        let (html, text) = draw(&lab, &["first".to_owned(), "second".to_owned()]).unwrap();
        assert!(
            html.contains("data-live=\"first,second\" data-folder=\"outputs/sample/live\""),
            "{html}"
        );
        assert!(!html.contains("<img") && text.contains("first, second"));
        assert!(!html.contains("http"), "nothing is asked of another host");
    }

    #[test]
    fn a_finished_run_takes_the_place_of_what_was_there_before_and_the_script_stays() {
        let folder = tempfile::tempdir().unwrap();
        let lab = Lab::at(folder.path(), Scale::Sample);
        let (before, _) = draw(&lab, &["run".to_owned()]).unwrap();
        assert_eq!(
            LiveCurves::finished(&before, &lab),
            None,
            "there is no run yet"
        );
        let data = crate::data::Cifar10::sample().train.take(100);
        let mut model = Sequential::new([32, 32, 3])
            .flatten()
            .dense(10, Activation::Softmax)
            .build(crate::Seed(0))
            .unwrap();
        let trainer = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3)).epochs(2);
        lab.run("run")
            .quietly()
            .fit(trainer, &mut model, &data, &data)
            .unwrap();

        let after = LiveCurves::finished(&before, &lab).unwrap();
        assert!(
            after.contains("<img alt=\"run: loss and accuracy over 2 epochs")
                && !after.contains("<p>"),
            "{after}"
        );
        assert_eq!(
            after.split_once("<script>").unwrap().1,
            before.split_once("<script>").unwrap().1
        );
        assert_eq!(
            draw(&lab, &["run".to_owned()]).unwrap().0,
            after,
            "as where it is shown again"
        );
        assert_eq!(LiveCurves::finished("<b>another output</b>", &lab), None);
    }

    #[test]
    fn names_that_are_no_runs_are_refused() {
        let lab = Lab::at(".", Scale::Sample);
        for names in [
            vec![],
            vec!["a".to_owned(); 9],
            vec!["../../etc".to_owned()],
            vec!["a\"b".to_owned()],
            vec!["a,b".to_owned()],
        ] {
            assert!(draw(&lab, &names).is_err(), "{names:?}");
        }
    }
}
