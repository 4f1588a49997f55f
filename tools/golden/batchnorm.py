"""Batch normalization in both modes: makes batchnorm.json."""
import blackboard
import jax
import keras
import numpy as np
from common import agree, formula, write

N, FEATURES = 12, 5
x = formula((N, FEATURES), 0, 4.0) * np.array([1.0, 0.125, 8.0, 1.0, 1.0]) + np.array([0.0, 3.0, -2.0, 0.5, 0.0])
x[:, 4] = 1.5  # a feature that never varies: only epsilon stands under the root
gamma, beta = formula((FEATURES,), 1, 1.0, 1.0), formula((FEATURES,), 2, 1.0)
mean, variance = formula((FEATURES,), 3, 2.0), formula((FEATURES,), 4, 1.0, 1.0)
upstream = formula((N, FEATURES), 5, 2.0)

layer = keras.layers.BatchNormalization()
layer.build((None, FEATURES))
MOMENTUM, EPSILON = layer.momentum, layer.epsilon
assert (MOMENTUM, EPSILON) == (0.99, 1e-3)


def mode(training):
    def call(x, gamma, beta):
        output, moved = layer.stateless_call([gamma, beta], [mean, variance], x, training=training)
        return output, moved

    output, pull, moved = jax.vjp(call, x, gamma, beta, has_aux=True)
    found = dict(zip(["output", "gradient_x", "gradient_gamma", "gradient_beta"], [output, *pull(upstream)]))
    used = (x.mean(axis=0), x.var(axis=0)) if training else (mean, variance)
    ours = blackboard.batch_norm(x, gamma, beta, *used, EPSILON, upstream, training)
    for (key, keras_says), expected in zip(found.items(), ours):
        agree(expected, keras_says, f"batch normalization, training {training}: {key}")
    if training:
        found |= {"moving_mean": moved[0], "moving_variance": moved[1]}
        agree(MOMENTUM * mean + (1 - MOMENTUM) * x.mean(axis=0), moved[0], "moving mean")
        agree(MOMENTUM * variance + (1 - MOMENTUM) * x.var(axis=0), moved[1], "moving variance")
    return {key: np.asarray(value) for key, value in found.items()}


write("batchnorm", {
    "momentum": MOMENTUM, "epsilon": EPSILON, "x": x, "gamma": gamma, "beta": beta, "moving_mean": mean,
    "moving_variance": variance, "upstream": upstream, "training": mode(True), "inference": mode(False),
})
