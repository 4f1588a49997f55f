//! What data, networks, augmentations and evaluations look like at the end of a cell, and in a terminal.

use std::fmt;

use super::figure::Figure;
use super::figures;
use super::html::{Cell, Table, escape};
use super::laboratory::plain;
use super::notebook::show;
use crate::data::{Augmentation, Cifar10, Dataset};
use crate::error::Result;
use crate::model::{Architecture, Sequential};
use crate::random::Seed;
use crate::text::thousands;
use crate::training::Evaluation;

/// Classes that are listed, and shown with an image, at most.
const CLASSES: usize = 10;

/// A picture below a text, where it can be drawn; the text alone says enough where it cannot.
fn with_picture(html: String, figure: Result<Figure>) -> String {
    figure.map_or(html.clone(), |figure| html + &figure.to_html())
}

/// A text as it is in HTML, its lines and columns kept.
pub(super) fn preformatted(text: &str) -> String {
    format!(
        "<pre style=\"color:inherit;background:none;margin:8px 0\">{}</pre>\n",
        escape(text)
    )
}

impl Dataset {
    /// The number of images of each class; of more than ten classes the first ten.
    fn class_table(&self) -> (String, Vec<Vec<String>>) {
        let more = self.class_count().saturating_sub(CLASSES);
        let more = if more > 0 {
            format!(", the first {CLASSES} classes")
        } else {
            String::new()
        };
        let counts = self
            .class_names()
            .iter()
            .zip(self.class_counts())
            .take(CLASSES);
        (
            format!("{self:?}{more}"),
            counts
                .map(|(name, count)| vec![name.clone(), thousands(count)])
                .collect(),
        )
    }

    /// The first image of each class side by side; of more than ten classes the first ten.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// assert!(Cifar10::sample().train.thumbnails()?.alt().contains("airplane, automobile"));
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Value`](crate::LabError::Value) for no images, or images too large to stand side by side.
    pub fn thumbnails(&self) -> Result<Figure> {
        let labels = self.labels();
        let first = |class: usize| labels.iter().position(|label| usize::from(*label) == class);
        let first: Vec<usize> = (0..self.class_count())
            .filter_map(first)
            .take(CLASSES)
            .collect();
        figures::samples("The first image of each class", self, &first, CLASSES)
    }

    /// Size, shape and images of each class as an HTML table, and an image of each; it needs no style sheet.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// assert!(Cifar10::sample().train.to_html().contains("1,000 images of 32 x 32 x 3"));
    /// ```
    pub fn to_html(&self) -> String {
        let (caption, rows) = self.class_table();
        let mut header = vec![Cell::text("class")];
        header.extend(rows.iter().map(|row| Cell::number(&row[0])));
        let mut cells = vec![Cell::text("images")];
        cells.extend(rows.iter().map(|row| Cell::number(&row[1])));
        with_picture(
            Table::new(&caption, &header).row(&cells).finish(&[]),
            self.thumbnails(),
        )
    }

    /// Shows the table and the images in a notebook; evcxr calls this for the last expression of a cell.
    pub fn evcxr_display(&self) {
        show(&self.to_html(), &self.to_string());
    }
}

impl fmt::Display for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (caption, rows) = self.class_table();
        f.write_str(plain(&caption, &["class", "images"], &rows).trim_end())
    }
}

impl Sequential {
    fn origin(&self) -> String {
        self.seed().map_or_else(
            || "weights from a file".to_owned(),
            |seed| format!("weights drawn with seed {}", seed.0),
        )
    }

    /// Shows the summary in a notebook; evcxr calls this for the last expression of a cell.
    pub fn evcxr_display(&self) {
        show(
            &self
                .summary()
                .table(&format!("Sequential, {}", self.origin())),
            &self.to_string(),
        );
    }
}

impl fmt::Display for Sequential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n {}", self.summary(), self.origin())
    }
}

impl Architecture {
    /// Shows the summary of the network to be built in a notebook, or why it cannot be; evcxr calls this for the last
    /// expression of a cell.
    pub fn evcxr_display(&self) {
        let html = match self.summary() {
            Ok(summary) => summary.table("Architecture, without weights before .build(seed)"),
            Err(error) => preformatted(&error.to_string()),
        };
        show(&html, &self.to_string());
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.summary() {
            Ok(summary) => write!(f, "{summary}\n no weights before .build(seed)"),
            Err(error) => write!(f, "{error}"),
        }
    }
}

impl Augmentation {
    /// An image of the built-in sample before, and five times after, as the seed 0 draws them.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let figure = Augmentation::new().horizontal_flip(0.5).rotation(15.0).before_and_after()?;
    /// assert!(figure.alt().starts_with("flip,rotate=15,fill=reflect: 6 images: before, after"));
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// What [`Augmentation::validate`] finds.
    pub fn before_and_after(&self) -> Result<Figure> {
        let sample = Cifar10::sample().train;
        let Some(image) = sample.image(SAMPLE) else {
            return figures::images(&self.to_string(), &[], 1);
        };
        let after = self
            .draw(image, Seed(0), 5)?
            .into_iter()
            .map(|image| (image, "after".to_owned()));
        let all: Vec<_> = std::iter::once((image.to_owned(), "before".to_owned()))
            .chain(after)
            .collect();
        figures::images(&self.to_string(), &all, all.len())
    }

    /// Shows an image before and after in a notebook; evcxr calls this for the last expression of a cell.
    pub fn evcxr_display(&self) {
        match self.before_and_after() {
            Ok(figure) => show(&figure.to_html(), &self.to_string()),
            Err(error) => show(&preformatted(&error.to_string()), &error.to_string()),
        }
    }
}

/// An image of the sample in which left and right, above and below are easily told.
const SAMPLE: usize = 4;

impl Evaluation {
    fn headline(&self) -> String {
        format!(
            "{} images: accuracy {:.4}, loss {:.4}",
            thousands(self.truth.len()),
            self.accuracy,
            self.loss
        )
    }

    /// Accuracy, loss and the report as an HTML table; it needs no style sheet.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
    /// assert!(model.evaluate(&Cifar10::sample().test)?.to_html().contains("500 images: accuracy 0."));
    /// # Ok::<(), LabError>(())
    /// ```
    pub fn to_html(&self) -> String {
        self.report().table(&self.headline())
    }

    /// Shows the table in a notebook; evcxr calls this for the last expression of a cell.
    pub fn evcxr_display(&self) {
        show(&self.to_html(), &self.to_string());
    }
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n\n{}", self.headline(), self.report())
    }
}
