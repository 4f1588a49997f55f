//! An inspection as text, table and picture, and what stands out in it.

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

const HEADER: &str =
    "layer,mean,deviation,dead or saturated,kernel gradient,bias gradient,update / weight";

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

    /// What stands out in this layer; `largest` is the largest gradient of any layer.
    fn remarks(&self, images: usize, largest: f64) -> Vec<String> {
        // What does not apply is NaN, of which no comparison holds.
        let measured = [self.dead, self.saturated, self.kernel_gradient, self.update];
        let [dead, saturated, gradient, update] = measured.map(|it| it.unwrap_or(f64::NAN));
        let mut remarks = Vec::new();
        let mut remark = |text: &str| remarks.push(format!("{}: {text}", self.name));
        if !(self.mean.is_finite() && self.deviation.is_finite()) {
            remark("its activations are not finite numbers: the training has diverged");
        }
        if dead >= 0.2 {
            let of = format!("of its units are dead for these {images} images");
            remark(&format!("{} {of}", percent(dead)));
        }
        if saturated >= 0.5 && self.activation == Some(Activation::Softmax) {
            remark(&format!("sure of {} of the images", percent(saturated)));
        } else if saturated >= 0.5 {
            let state = self.state();
            remark(&format!("saturated ({state}): little gradient passes"));
        }
        if gradient == 0.0 {
            remark("no gradient comes to it: it learns nothing from this batch");
        } else if gradient < 1e-3 * largest {
            let share = brief(gradient / largest);
            remark(&format!("its gradient vanishes: {share} of the largest"));
        }
        if update > TOO_LARGE || update < TOO_SMALL && gradient != 0.0 {
            let too = if update > TOO_LARGE { "large" } else { "small" };
            let change = format!("a step changes {} of the weights", brief(update));
            remark(&format!("{change}: the learning rate is too {too}"));
        }
        remarks
    }
}

impl Inspection {
    /// What stands out, a sentence each: dead and saturated layers, gradients that vanish, steps that are too large.
    pub fn remarks(&self) -> Vec<String> {
        let gradients = self.layers.iter().filter_map(|layer| layer.kernel_gradient);
        let largest = gradients.fold(0.0, f64::max);
        let of = |layer: &LayerInspection| layer.remarks(self.images, largest);
        let mut remarks: Vec<String> = self.layers.iter().flat_map(of).collect();
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
    /// assert!(model.inspect(&batch)?.figure()?.alt.contains("dense (Dense, softmax)"));
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Value`] for more layers than there is room for.
    pub fn figure(&self) -> Result<Figure> {
        let learning = self.layers.iter().filter(|it| it.kernel_gradient.is_some());
        let layers: Vec<&LayerInspection> = learning.collect();
        let name = |layer: &&LayerInspection| layer.name.replace("batch_normalization", "norm");
        let names: Vec<String> = layers.iter().map(name).collect();
        let percent = Axis::new("dead units, saturated activations in %").range(0.0, 100.0);
        let mut panels = [
            Axis::new("activations: the middle 50 % and 90 %"),
            percent,
            Axis::new("norm of the gradient").log(),
            Axis::new("update over weight (dashed: the usual 0.001)").log(),
        ]
        .map(|y| Panel::new(Axis::named(names.clone()), y));
        let [activations, shares, gradients, updates] = &mut panels;
        for (at, layer) in (0..).map(f64::from).zip(&layers) {
            let (left, right, [low, lower, _, upper, high]) = (at - 0.3, at + 0.3, layer.quantiles);
            activations.bar((left, low), (right, high), SERIES[0].mix(0.25));
            activations.bar((left, lower), (right, upper), SERIES[0]);
            let quantiles = layer.quantiles.map(brief).join(", ");
            activations.tell(format!("{}: {quantiles}", layer.name));
            for (share, colour) in [(layer.dead, SERIES[6]), (layer.saturated, SERIES[4])] {
                shares.bar((left, 0.0), (right, 100.0 * share.unwrap_or(0.0)), colour);
            }
            shares.tell(format!("{}: {}", layer.title(), layer.state()));
        }
        shares.key("dead", Swatch::Block(SERIES[6]));
        shares.key("saturated", Swatch::Block(SERIES[4]));
        for (panel, y) in [(activations, 0.0), (&mut *updates, USUAL)] {
            panel.path(vec![(-0.5, y), (names.len() as f64 - 0.5, y)], GUIDE);
        }
        let points = |of: fn(&LayerInspection) -> Option<f64>| -> Vec<Point> {
            let values = layers.iter().map(|layer| of(layer).unwrap_or(f64::NAN));
            (0..).map(f64::from).zip(values).collect()
        };
        gradients.line("bias", points(|layer| layer.bias_gradient), Stroke::of(2));
        gradients.line("kernel", points(|it| it.kernel_gradient), Stroke::of(0));
        updates.line("kernel", points(|layer| layer.update), Stroke::of(0));
        let title = format!("Inside the network: {}", self.caption());
        let mut page = Page::new(&title, 190.0);
        page.columns = Some(if names.len() > 5 { 1 } else { 2 });
        page.words = self.remarks();
        draw_panels(page, &panels)
    }
}

/// The layers, what stands out, and how to read the last columns.
impl Show for Inspection {
    fn view(&self) -> View {
        let mut table = Table::new(&self.caption(), HEADER.split(','));
        let optional = |value: Option<f64>| value.map_or_else(String::new, brief);
        for layer in &self.layers {
            let mut row = vec![layer.title(), brief(layer.mean), brief(layer.deviation)];
            row.push(layer.state());
            let gradients = [layer.kernel_gradient, layer.bias_gradient, layer.update];
            row.extend(gradients.map(optional));
            table.row(row);
        }
        table.notes.extend(self.remarks());
        table.notes.push(READING.to_owned());
        table.view()
    }
}
