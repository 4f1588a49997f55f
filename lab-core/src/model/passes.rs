//! The forward and the backward pass through all layers.

use super::*;

/// What the passes keep from batch to batch, so that a step allocates nothing. A clone of a network begins with none.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    pub(super) caches: Vec<Cache>,
    pub(super) backward: Backward,
    /// For each parameter the gradient of the loss; empty for those that are not trained.
    pub(crate) gradients: Vec<Vec<f32>>,
    /// The last layer that was not skipped.
    last: Option<usize>,
    /// The batch and the mode of the last [`Sequential::forward`].
    pub(crate) by_hand: Option<(Vec<f32>, Mode)>,
    threads: Option<Threads>,
}

impl Clone for Workspace {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// The results of a forward pass, one row for each example.
#[derive(Clone, Copy)]
pub(crate) struct Outputs<'a> {
    pub(crate) outputs: &'a [f32],
    /// The pre-activations of the last layer; empty where it does not keep them.
    pub(crate) logits: &'a [f32],
    /// Floats in a row.
    pub(crate) units: usize,
}

impl<'a> Outputs<'a> {
    pub(crate) fn new(outputs: &'a [f32], logits: &'a [f32], units: usize) -> Self {
        Self {
            outputs,
            logits,
            units,
        }
    }
}

impl Workspace {
    /// The results of the last pass on `input` by a network of so many units, and space for their gradient.
    pub(crate) fn results<'t>(
        &'t mut self,
        input: &'t [f32],
        units: usize,
    ) -> (Outputs<'t>, &'t mut [f32]) {
        let last = self.last.map(|last| &self.caches[last]);
        let outputs = last.map_or(input, |last| &last.output);
        let logits = last.map_or(&[][..], |last| &last.kept);
        let gradient = &mut self.backward.gradient;
        gradient.resize(outputs.len(), 0.0);
        (Outputs::new(outputs, logits, units), gradient)
    }

    /// The threads that calls by hand share, started by the first.
    pub(crate) fn threads(&mut self, count: Option<usize>) -> Result<Threads> {
        match &self.threads {
            Some(threads) if count.is_none_or(|count| count == threads.count()) => {
                Ok(threads.clone())
            }
            _ => Ok(self.threads.insert(Threads::new(count)?).clone()),
        }
    }
}

impl Sequential {
    /// The forward pass; the results are in the workspace.
    pub(crate) fn run_forward(&self, pass: Pass<'_>, workspace: &mut Workspace) {
        let caches = &mut workspace.caches;
        caches.resize_with(self.specs.len(), Cache::default);
        let mut source = None;
        for (number, (layer, spec)) in self.layers().enumerate() {
            let (before, own) = caches.split_at_mut(number);
            own[0].source = source;
            if layer.is_identity(pass.mode) {
                continue;
            }
            let output = |of: Option<usize>| of.map_or(pass.input, |of| &before[of].output);
            let input = output(source);
            let pass = Pass { input, ..pass };
            let parameters = &self.parameters[spec.parameters.clone()];
            layer.forward(Context { spec, pass }, parameters, &mut own[0]);
            if let Some(skip) = layer.skip() {
                let skipped = output(before[number - skip].source);
                pass.threads
                    .pieces(skipped, &mut own[0].output, compute::add);
            }
            source = Some(number);
        }
        workspace.last = source;
    }

    /// The backward pass after [`Sequential::run_forward`] with the same `pass`, from the gradient of the results in
    /// the workspace, with respect to the logits or the outputs, to the first layer that is trained, or to the input. It
    /// updates each array as soon as its gradient is known, or keeps all gradients in the workspace.
    pub(crate) fn run_backward(
        &mut self,
        pass: Pass<'_>,
        from_logits: bool,
        workspace: &mut Workspace,
        updates: Option<Updates<'_>>,
    ) {
        let first_trained = self.parameters.iter().position(|it| it.trainable);
        let first_trained = first_trained.unwrap_or(usize::MAX);
        let kept = &mut workspace.gradients;
        kept.resize_with(self.parameters.len(), Vec::new);
        let mut gradients = match updates {
            None => Gradients::Kept(&self.parameters, kept),
            Some(updates) => Gradients::Applied(&mut self.parameters, updates),
        };
        let (caches, backward) = (&mut workspace.caches, &mut workspace.backward);
        backward.at_logits = from_logits;
        caches.iter_mut().for_each(|cache| cache.past.clear());
        let layers = self.architecture.layers.iter().zip(&self.specs).enumerate();
        for (number, (layer, spec)) in layers.rev() {
            let layer = layer.as_layer();
            let (before, own) = caches.split_at_mut(number);
            if let Some(skip) = layer.skip() {
                let past = &mut before[number - skip].past;
                past.resize(backward.gradient.len(), 0.0);
                pass.threads.pieces(&backward.gradient, past, compute::add);
            }
            if !layer.is_identity(pass.mode) {
                let input = own[0].source.map_or(pass.input, |of| &before[of].output);
                let pass = Pass { input, ..pass };
                let to_input = backward.to_network_input || spec.parameters.start > first_trained;
                backward.to_input = to_input;
                let parameters = gradients.of(spec.parameters.clone());
                layer.backward(Context { spec, pass }, &mut own[0], backward, parameters);
                backward.at_logits = false;
                if !to_input {
                    break;
                }
            }
            let past = &own[0].past;
            if !past.is_empty() {
                pass.threads
                    .pieces(past, &mut backward.gradient, compute::add);
            }
        }
    }

    /// Updates every trained array by its gradient.
    pub(crate) fn update(&mut self, gradients: &[Vec<f32>], updates: Updates, threads: &Threads) {
        let mut applied = Gradients::Applied(&mut self.parameters, updates);
        let trained = gradients.iter().enumerate();
        let trained = trained.filter(|(_, gradient)| !gradient.is_empty());
        trained.for_each(|(number, gradient)| applied.take(number, gradient, threads));
    }

    /// Updates the running statistics after a forward pass of training.
    pub(crate) fn update_running_stats(&mut self, workspace: &Workspace) {
        let layers = self.architecture.layers.iter().zip(&self.specs);
        for ((layer, spec), cache) in layers.zip(&workspace.caches) {
            let own = &mut self.parameters[spec.parameters.clone()];
            layer.as_layer().update_running_stats(own, cache);
        }
    }
}
