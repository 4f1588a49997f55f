//! An inspection as text, table and picture, and what stands out in it.

use std::fmt;

use super::inspection::{Inspection, LayerInspection};
use crate::error::Result;
use crate::model::Activation;
use crate::plots::figure::{Figure, Key};
use crate::plots::laboratory::{html_table, plain};
use crate::plots::notebook::show;
use crate::plots::panel::{Layer, Panel, draw_panels};
use crate::plots::scale::{Axis, short};
use crate::plots::theme::{SERIES, Stroke};

/// What the change of a step over the weights should be about (Karpathy, notes to CS231n, 2015), and how far from it is
/// far: Adam's first step alone is some 40 times as large in the lab's network.
const USUAL: f64 = 1e-3;
const TOO_LARGE: f64 = 0.1;
const TOO_SMALL: f64 = 1e-6;

const READING: &str = "Gradients are norms. Update / weight of about 0.001 is usual (CS231n); the first step of Adam or \
                       RMSprop, from rest, is larger.";

const HEADER: [&str; 7] = [
    "layer",
    "mean",
    "deviation",
    "dead or saturated",
    "kernel gradient",
    "bias gradient",
    "update / weight",
];

/// Three digits of a number.
fn brief(value: f64) -> String {
    short(format!("{value:.2e}").parse().unwrap_or(value))
}

/// `83 %`, and `0.4 %` where that would be 0.
fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    let round = if percent < 1.0 {
        format!("{percent:.0e}")
    } else {
        format!("{percent:.0}")
    };
    format!("{} %", short(round.parse().unwrap_or(percent)))
}

impl LayerInspection {
    /// `12 % of units dead`, `3 % near −1`, or nothing where neither applies.
    pub(super) fn state(&self) -> String {
        let near = match self.activation {
            Some(Activation::Tanh) => "near ±1",
            Some(Activation::Sigmoid) => "near 0 or 1",
            Some(Activation::Elu) => "near −1",
            _ => "above 0.99",
        };
        match (self.dead, self.saturated) {
            (Some(share), _) => format!("{} of units dead", percent(share)),
            (_, Some(share)) => format!("{} {near}", percent(share)),
            _ => String::new(),
        }
    }

    fn title(&self) -> String {
        let activation = self
            .activation
            .map_or(String::new(), |activation| format!(", {activation}"));
        format!("{} ({}{activation})", self.name, self.kind)
    }

    fn cells(&self) -> [String; 7] {
        let optional = |value: Option<f64>| value.map_or_else(String::new, brief);
        let [mean, deviation] = [self.mean, self.deviation].map(brief);
        let [kernel, bias, update] =
            [self.kernel_gradient, self.bias_gradient, self.update].map(optional);
        [
            self.title(),
            mean,
            deviation,
            self.state(),
            kernel,
            bias,
            update,
        ]
    }

    fn in_words(&self) -> String {
        let named = HEADER
            .iter()
            .zip(self.cells())
            .skip(1)
            .filter(|(_, cell)| !cell.is_empty());
        let named: Vec<String> = named
            .map(|(heading, cell)| format!("{heading} {cell}"))
            .collect();
        format!("{}: {}", self.title(), named.join(", "))
    }

    fn remarks(&self, images: usize, largest: f64) -> Vec<String> {
        let name = &self.name;
        if !(self.mean.is_finite() && self.deviation.is_finite()) {
            return vec![format!(
                "{name}: its activations are not finite numbers: the training has diverged"
            )];
        }
        let mut remarks = Vec::new();
        if let Some(share) = self.dead.filter(|share| *share >= 0.2) {
            remarks.push(format!(
                "{name}: {} of its units are dead for these {images} images",
                percent(share)
            ));
        }
        if let Some(share) = self.saturated.filter(|share| *share >= 0.5) {
            remarks.push(match self.activation {
                Some(Activation::Softmax) => {
                    format!("{name}: sure of {} of the images", percent(share))
                }
                _ => format!(
                    "{name}: saturated, {}: little of the gradient comes through",
                    self.state()
                ),
            });
        }
        match self.kernel_gradient {
            Some(0.0) => remarks.push(format!(
                "{name}: no gradient comes to it: it learns nothing from this batch"
            )),
            Some(norm) if norm < 1e-3 * largest => {
                remarks.push(format!(
                    "{name}: its gradient is {} of the largest: it vanishes",
                    brief(norm / largest)
                ));
            }
            _ => {}
        }
        let wrong = match self.update {
            Some(ratio) if ratio > TOO_LARGE => Some((ratio, "large")),
            Some(ratio) if ratio < TOO_SMALL && self.kernel_gradient != Some(0.0) => {
                Some((ratio, "small"))
            }
            _ => None,
        };
        remarks.extend(wrong.map(|(ratio, too)| {
            format!(
                "{name}: a step changes {} of the weights: the learning rate is too {too}",
                brief(ratio)
            )
        }));
        remarks
    }
}

impl Inspection {
    /// What stands out, a sentence each: dead and saturated layers, gradients that vanish, steps that are too large.
    pub fn remarks(&self) -> Vec<String> {
        let largest = self
            .layers
            .iter()
            .filter_map(|layer| layer.kernel_gradient)
            .fold(0.0, f64::max);
        let each = self
            .layers
            .iter()
            .flat_map(|layer| layer.remarks(self.images, largest));
        let mut remarks: Vec<String> = each.collect();
        if remarks.is_empty() {
            remarks.push("Nothing stands out: no layer is dead or saturated, and all of them get a gradient.".into());
        }
        remarks
    }

    /// The remarks, and how to read the last columns.
    fn notes(&self) -> Vec<String> {
        [self.remarks(), vec![READING.to_owned()]].concat()
    }

    fn rows(&self) -> Vec<Vec<String>> {
        self.layers
            .iter()
            .map(|layer| layer.cells().into())
            .collect()
    }

    fn caption(&self) -> String {
        let plural = if self.images == 1 { "" } else { "s" };
        format!(
            "{} image{plural}, loss {}, one step of {}",
            self.images,
            brief(self.loss),
            self.optimizer
        )
    }

    /// The layers as an HTML table with what stands out under it; it needs no style sheet.
    pub fn to_html(&self) -> String {
        html_table(&self.caption(), &HEADER, &self.rows(), &self.notes())
    }

    /// Shows the table in a notebook; evcxr calls this for the last expression of a cell.
    pub fn evcxr_display(&self) {
        show(&self.to_html(), &self.to_string());
    }

    /// The layers that learn, side by side in four panels: activations, dead and saturated shares, norms of the
    /// gradients, update over weight.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let batch = Cifar10::sample().train.take(64);
    /// let model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
    /// assert!(model.inspect(&batch)?.figure()?.alt().contains("dense (Dense, softmax)"));
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Value`](crate::LabError::Value) for more layers than there is room for.
    pub fn figure(&self) -> Result<Figure> {
        let layers: Vec<_> = self
            .layers
            .iter()
            .filter(|layer| layer.kernel_gradient.is_some())
            .collect();
        let names: Vec<String> = layers
            .iter()
            .map(|layer| layer.name.replace("batch_normalization", "norm"))
            .collect();
        let across = || Axis {
            names: names.clone(),
            ..Axis::default().range(-0.5, names.len() as f64 - 0.5)
        };
        let bar = |at: f64, (from, to): (f64, f64), series: usize, opacity: f64| {
            let (colour, text) = (SERIES[series], String::new());
            Layer::Bar {
                from: (at - 0.3, from),
                to: (at + 0.3, to),
                colour,
                opacity,
                text,
            }
        };
        let dots = |series: usize, of: &dyn Fn(&LayerInspection) -> Option<f64>| Layer::Line {
            points: layers
                .iter()
                .enumerate()
                .map(|(i, l)| (i as f64, of(l).unwrap_or(f64::NAN)))
                .collect(),
            stroke: Stroke::of(series),
        };
        let (mut activations, mut shares) = (Vec::new(), Vec::new());
        for (i, layer) in layers.iter().enumerate() {
            let (at, [low, lower, _, upper, high]) = (i as f64, layer.quantiles);
            activations.push(bar(at, (low, high), 0, 0.25));
            activations.push(bar(at, (lower, upper), 0, 1.0));
            shares.push(bar(
                at,
                (0.0, 100.0 * layer.dead.unwrap_or(f64::NAN)),
                6,
                1.0,
            ));
            shares.push(bar(
                at,
                (0.0, 100.0 * layer.saturated.unwrap_or(f64::NAN)),
                4,
                1.0,
            ));
        }
        activations.push(Layer::Guide {
            points: [(-0.5, 0.0), (names.len() as f64 - 0.5, 0.0)],
        });
        let log = |label: &str| Axis {
            log: true,
            ..Axis::new(label)
        };
        let gradients = vec![
            dots(2, &|layer| layer.bias_gradient),
            dots(0, &|layer| layer.kernel_gradient),
        ];
        // The rule of thumb is on the axis, however far the steps are from it.
        let usual = Layer::Guide {
            points: [(-0.5, USUAL), (names.len() as f64 - 0.5, USUAL)],
        };
        let invisible = Layer::Outline {
            points: vec![(0.0, USUAL)],
            stroke: Stroke::of(0),
        };
        let updates = vec![usual, invisible, dots(0, &|layer| layer.update)];
        let panel = |y: Axis, layers: Vec<Layer>| Panel {
            x: across(),
            y,
            layers,
        };
        let panels = [
            panel(
                Axis::new("activations: the middle 50 % and 90 %"),
                activations,
            ),
            panel(
                Axis::new("dead units, saturated activations in %").range(0.0, 100.0),
                shares,
            ),
            panel(log("norm of the gradient"), gradients),
            panel(log("update over weight (dashed: the usual 0.001)"), updates),
        ];
        let named = [
            ("kernel", 0, None),
            ("bias", 2, None),
            ("dead", 6, Some(1.0)),
            ("saturated", 4, Some(1.0)),
        ];
        let legend = named.map(|(name, series, block)| Key {
            name: name.into(),
            stroke: Stroke::of(series),
            block,
        });
        let columns = if names.len() > 5 { 1 } else { 2 };
        let title = format!("Inside the network: {}", self.caption());
        let rows: Vec<String> = layers.iter().map(|layer| layer.in_words()).collect();
        let alt = format!(
            "{title}. {}. {}",
            rows.join("; "),
            self.remarks().join("; ")
        );
        draw_panels(
            &title,
            String::new(),
            legend.into(),
            &panels,
            (columns, 190.0),
            alt,
        )
    }
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}{}",
            plain(&self.caption(), &HEADER, &self.rows()),
            self.notes().join("\n")
        )
    }
}
