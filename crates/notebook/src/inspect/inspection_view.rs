//! An inspection as text, table and picture, and what stands out in it.

use std::fmt;

use super::inspection::{Inspection, LayerInspection};
use crate::draw::*;
use crate::numbers::short;
use crate::prelude::*;
use crate::show::View;
use crate::table::Table;

/// What the change of a step over the weights should be about (Karpathy, notes to CS231n, 2015), and how far from it is
/// far: Adam's first step alone is some 40 times as large in the original lab's network.
const USUAL: f64 = 1e-3;
const TOO_LARGE: f64 = 0.1;
const TOO_SMALL: f64 = 1e-6;

const READING: &str = "Gradients are norms. Update / weight of about 0.001 is usual (CS231n); \
                       the first step of Adam or RMSprop, from rest, is larger.";

const MEASURED: [&str; 6] = [
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
    let digit = 10_f64.powf(percent.log10().floor().min(0.0)).max(1e-9);
    format!("{} %", short((percent / digit).round() * digit))
}

impl LayerInspection {
    /// `12 % of units dead`, `3 % near −1`, or nothing where neither applies.
    fn state(&self) -> String {
        let near = match self.activation {
            Some(Activation::Relu) => "of units dead",
            Some(Activation::Tanh) => "near ±1",
            Some(Activation::Sigmoid) => "near 0 or 1",
            Some(Activation::Elu) => "near −1",
            _ => "above 0.99",
        };
        let share = self.dead.or(self.saturated);
        share.map_or(String::new(), |share| format!("{} {near}", percent(share)))
    }

    fn title(&self) -> String {
        let (name, kind) = (&self.name, self.kind);
        let activation = self.activation.map(|it| format!(", {it}"));
        format!("{name} ({kind}{})", activation.unwrap_or_default())
    }

    fn cells(&self) -> [String; 6] {
        let optional = |value: Option<f64>| value.map_or_else(String::new, brief);
        let [mean, deviation] = [self.mean, self.deviation].map(brief);
        let gradients = [self.kernel_gradient, self.bias_gradient, self.update];
        let [kernel, bias, update] = gradients.map(optional);
        [mean, deviation, self.state(), kernel, bias, update]
    }

    fn in_words(&self) -> String {
        let cells = MEASURED.iter().zip(self.cells());
        let shown = cells.filter(|(_, cell)| !cell.is_empty());
        let words: Vec<_> = shown
            .map(|(heading, cell)| format!("{heading} {cell}"))
            .collect();
        format!("{}: {}", self.title(), words.join(", "))
    }

    /// What stands out in this layer; `largest` is the largest gradient of any layer.
    fn remarks(&self, images: usize, largest: f64) -> Vec<String> {
        let mut remarks = Vec::new();
        let mut remark = |text: String| remarks.push(format!("{}: {text}", self.name));
        if !(self.mean.is_finite() && self.deviation.is_finite()) {
            remark("its activations are not finite numbers: the training has diverged".into());
            return remarks;
        }
        if let Some(share) = self.dead.filter(|share| *share >= 0.2) {
            let of = format!("of its units are dead for these {images} images");
            remark(format!("{} {of}", percent(share)));
        }
        let softmax = self.activation == Some(Activation::Softmax);
        match self.saturated.filter(|share| *share >= 0.5) {
            Some(share) if softmax => remark(format!("sure of {} of the images", percent(share))),
            Some(_) => remark(format!(
                "saturated ({}): little gradient passes",
                self.state()
            )),
            None => {}
        }
        let gradient = self.kernel_gradient.unwrap_or(f64::NAN);
        if gradient == 0.0 {
            remark("no gradient comes to it: it learns nothing from this batch".into());
        } else if gradient < 1e-3 * largest {
            let share = brief(gradient / largest);
            remark(format!("its gradient vanishes: {share} of the largest"));
        }
        let update = self.update.unwrap_or(USUAL);
        if update > TOO_LARGE || update < TOO_SMALL && gradient != 0.0 {
            let too = if update > TOO_LARGE { "large" } else { "small" };
            let change = format!("a step changes {} of the weights", brief(update));
            remark(format!("{change}: the learning rate is too {too}"));
        }
        remarks
    }
}

impl Inspection {
    /// What stands out, a sentence each: dead and saturated layers, gradients that vanish, steps that are too large.
    pub fn remarks(&self) -> Vec<String> {
        let gradients = self.layers.iter().filter_map(|layer| layer.kernel_gradient);
        let largest = gradients.fold(0.0, f64::max);
        let remarks = self
            .layers
            .iter()
            .map(|layer| layer.remarks(self.images, largest));
        let mut remarks: Vec<String> = remarks.flatten().collect();
        if remarks.is_empty() {
            let sound = "no layer is dead or saturated, and all of them get a gradient";
            remarks.push(format!("Nothing stands out: {sound}."));
        }
        remarks
    }

    fn caption(&self) -> String {
        let (images, plural) = (self.images, if self.images == 1 { "" } else { "s" });
        let loss = brief(self.loss);
        format!("{images} image{plural}, loss {loss}, one step of Adam (0.001)")
    }

    /// The layers that learn, side by side in four panels: activations, dead and saturated shares, norms of the
    /// gradients, update over weight.
    ///
    /// ```
    /// use lab_notebook::prelude::*;
    /// let batch = Cifar10::sample().train.take(64);
    /// let model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
    /// assert!(model.inspect(&batch)?.figure()?.alt().contains("dense (Dense, softmax)"));
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Value`] for more layers than there is room for.
    pub fn figure(&self) -> Result<Figure> {
        let mut layers: Vec<&LayerInspection> = self.layers.iter().collect();
        layers.retain(|layer| layer.kernel_gradient.is_some());
        let name = |layer: &&LayerInspection| layer.name.replace("batch_normalization", "norm");
        let names: Vec<String> = layers.iter().map(name).collect();
        let across = |y| vec![(-0.5, y), (names.len() as f64 - 0.5, y)];
        let panel = |y: Axis| Panel::new(Axis::named(names.clone()), y);
        let mut activations = panel(Axis::new("activations: the middle 50 % and 90 %"));
        let percent = Axis::new("dead units, saturated activations in %").range(0.0, 100.0);
        let mut shares = panel(percent);
        let mut gradients = panel(Axis::new("norm of the gradient").log());
        let mut updates = panel(Axis::new("update over weight (dashed: the usual 0.001)").log());
        let [mut kernels, mut biases, mut changes] = [(); 3].map(|()| Vec::new());
        let mut rows = Vec::new();
        for (at, layer) in layers.into_iter().enumerate() {
            let at = at as f64;
            let (left, right, [low, lower, _, upper, high]) = (at - 0.3, at + 0.3, layer.quantiles);
            activations.bar((left, low), (right, high), SERIES[0].mix(0.25));
            activations.bar((left, lower), (right, upper), SERIES[0]);
            let point = |value: Option<f64>| (at, value.unwrap_or(f64::NAN));
            let (dead, saturated) = (point(layer.dead).1, point(layer.saturated).1);
            shares.bar((left, 0.0), (right, 100.0 * dead), SERIES[6]);
            shares.bar((left, 0.0), (right, 100.0 * saturated), SERIES[4]);
            kernels.push(point(layer.kernel_gradient));
            biases.push(point(layer.bias_gradient));
            changes.push(point(layer.update));
            rows.push(layer.in_words());
        }
        activations.line(across(0.0), GUIDE);
        gradients.line(biases, Stroke::of(2));
        gradients.line(kernels, Stroke::of(0));
        updates.line(across(USUAL), GUIDE);
        updates.line(changes, Stroke::of(0));
        let title = format!("Inside the network: {}", self.caption());
        let mut page = Page::new(&title, 190.0);
        page.key("kernel", Swatch::Line(Stroke::of(0)));
        page.key("bias", Swatch::Line(Stroke::of(2)));
        page.key("dead", Swatch::Block(SERIES[6]));
        page.key("saturated", Swatch::Block(SERIES[4]));
        page.columns = if names.len() > 5 { 1 } else { 2 };
        let (rows, remarks) = (rows.join("; "), self.remarks().join("; "));
        page.alt = format!("{title}. {rows}. {remarks}");
        draw_panels(page, &[activations, shares, gradients, updates])
    }
}

/// The layers, what stands out, and how to read the last columns.
impl Show for Inspection {
    fn view(&self) -> View {
        let mut table = Table::new(self.caption(), &[&["layer"], &MEASURED[..]].concat());
        for layer in &self.layers {
            table.row([vec![layer.title()], layer.cells().to_vec()].concat());
        }
        table.notes.extend(self.remarks());
        table.notes.push(READING.to_owned());
        table.view()
    }
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}
