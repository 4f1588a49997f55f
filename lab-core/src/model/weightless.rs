//! Layers without weights that only reshape, multiply or add: flatten, rescaling, residual addition.

use super::*;

/// Makes one row of an example's elements, `(32, 32, 3)` → `(3072)`; in memory they already are one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flatten {}

impl Layer for Flatten {
    fn kind(&self) -> (&'static str, &'static str) {
        ("Flatten", "flatten")
    }

    fn output_shape(&self, _: &str, input: &[usize]) -> Result<Vec<usize>> {
        Ok(vec![input.iter().product()])
    }

    fn is_identity(&self, _: Mode) -> bool {
        true
    }
}

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

/// y = x + s, where x is the output of a block of layers and s the block's input (He et al., 2016).
///
/// [`Architecture::residual`] adds it after the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Add {
    /// The number of layers in the block.
    pub skip: usize,
}

impl Layer for Add {
    fn kind(&self) -> (&'static str, &'static str) {
        ("Add", "add")
    }

    fn skip(&self) -> Option<usize> {
        Some(self.skip)
    }

    /// y = x; the network adds s.
    fn forward(&self, context: Context<'_>, _: &[Parameter], cache: &mut Cache) {
        context.pass.input.clone_into(&mut cache.output);
    }
}
