//! Curves that move while a training runs, in a notebook.

use super::{Lab, check_run_name, live_log};
use crate::prelude::*;
use crate::show::{View, escape};

/// Loss and accuracy of a training that a later cell starts, drawn anew while it runs.
///
/// The output of the cell holds a script that asks JupyterLab's server for `outputs/live/NAME.csv`, which
/// [`LogTo::log_to`](super::LogTo::log_to) writes. Where no such server answers (exported pages, other editors)
/// it shows the finished picture if the run exists by then, and otherwise says where the numbers are.
pub struct LiveCurves;

impl LiveCurves {
    /// Shows the curves of the run of this name, which a later cell is going to make.
    ///
    /// ```no_run
    /// use lab_notebook::prelude::*;
    /// LiveCurves::show("final")?;
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Lab::open`], and where no run can have the name.
    pub fn show(name: &str) -> Result<()> {
        let lab = Lab::open()?;
        let view = draw(&lab, name)?;
        live_log::announce(&lab.live_file(name))?;
        view.display();
        Ok(())
    }

    /// The output of a cell that showed live curves, with the finished picture of its run in the place of what was there
    /// before it was trained; nothing where `html` is no such output or the run is missing.
    pub fn finished(html: &str, lab: &Lab) -> Option<String> {
        let (_, rest) = html.split_once("<div class=\"lab-live\" data-live=\"")?;
        let picture = picture(lab, rest.split_once('"')?.0)?.to_html();
        let (begin, end) = (html.find("<div class=\"lab-live\"")?, html.rfind(SCRIPT)?);
        let begin = begin + html[begin..].find('>')? + 1;
        let (before, after) = (html.get(..begin)?, html.get(end..)?);
        Some(format!("{before}{picture}{after}"))
    }
}

/// Where the picture ends and the script begins.
const SCRIPT: &str = "</div>\n<script>";

/// What is shown of a run before it is trained.
fn draw(lab: &Lab, name: &str) -> Result<View> {
    check_run_name(name)?;
    let here = format!("The curves of {name} move here in JupyterLab during training");
    let text = format!("{here}; in other editors the training cell prints them.");
    let waiting = || format!("<p>{}</p>", escape(&text));
    let picture = picture(lab, name).map_or_else(waiting, |figure| figure.to_html());
    let (live, root) = (lab.live_folder(), lab.folder());
    let folder = live.strip_prefix(root).unwrap_or(&live).to_string_lossy();
    let folder = escape(&folder.replace('\\', "/"));
    let data = format!("data-live=\"{}\" data-folder=\"{folder}\"", escape(name));
    let script = include_str!("live.js");
    let html = format!("<div class=\"lab-live\" {data}>{picture}{SCRIPT}{script}</script>");
    Ok(View::new(html, text))
}

/// The curves of a run that has ended, as they are drawn where nothing moves.
fn picture(lab: &Lab, name: &str) -> Option<Figure> {
    let run = lab.saved(name).ok()?;
    figures::training_curves(name, &run.history).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{LogTo, Scale};
    use lab_core::model::{Activation, Sequential};
    use lab_core::training::{Adam, Loss, Trainer};

    #[test]
    fn without_a_finished_run_the_output_says_where_to_look_and_names_the_file_to_follow() {
        let folder = tempfile::tempdir().unwrap();
        let lab = Lab::at(folder.path(), Scale::Sample);
        let View { html, text } = draw(&lab, "first").unwrap();
        assert!(
            html.contains("data-live=\"first\" data-folder=\"outputs/sample/live\""),
            "{html}"
        );
        assert!(!html.contains("<img") && text.contains("first"));
        assert!(!html.contains("http"), "nothing is asked of another host");
    }

    #[test]
    fn a_finished_run_takes_the_place_of_what_was_there_before_and_the_script_stays() {
        let folder = tempfile::tempdir().unwrap();
        let lab = Lab::at(folder.path(), Scale::Sample);
        let before = draw(&lab, "run").unwrap().html;
        assert_eq!(
            LiveCurves::finished(&before, &lab),
            None,
            "there is no run yet"
        );
        let data = lab_core::data::Cifar10::sample().train.take(100);
        let mut model = Sequential::new([32, 32, 3])
            .flatten()
            .dense(10, Activation::Softmax)
            .build(lab_core::Seed(0))
            .unwrap();
        let trainer = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3)).epochs(2);
        trainer
            .log_to(lab.run("run").quietly())
            .unwrap()
            .fit(&mut model, &data, &data)
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
            draw(&lab, "run").unwrap().html,
            after,
            "as where it is shown again"
        );
        assert_eq!(LiveCurves::finished("<b>another output</b>", &lab), None);
    }

    #[test]
    fn names_that_are_no_runs_are_refused() {
        let lab = Lab::at(".", Scale::Sample);
        for name in ["", "../../etc", "a\"b", "a,b"] {
            assert!(draw(&lab, name).is_err(), "{name}");
        }
    }
}
