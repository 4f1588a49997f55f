//! Rescaling: all numbers times a constant.

use super::*;

/// y = scale · x. Before the last layer of a network, a scale below 1 keeps its first outputs and its steps small.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rescaling {
    /// The factor.
    pub scale: f32,
}

impl Layer for Rescaling {
    fn kind(&self) -> (&'static str, &'static str) {
        ("Rescaling", "rescaling")
    }

    fn forward(&self, context: Context<'_>, _: &[Parameter], cache: &mut Cache) {
        context.pass.input.clone_into(&mut cache.output);
        cache.output.iter_mut().for_each(|x| *x *= self.scale);
    }

    fn backward(&self, _: Context<'_>, _: &mut Cache, back: &mut Backward, _: Gradients<'_>) {
        back.gradient.iter_mut().for_each(|g| *g *= self.scale);
    }
}
