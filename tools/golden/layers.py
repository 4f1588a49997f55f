"""A dense layer with every activation, and 5 steps of networks with everything else: makes layers.json."""
import blackboard
import jax
import keras
import numpy as np
from common import agree, formula, write
from runs import golden, layers_of, optimizer

ACTIVATIONS = ["linear", "relu", "leaky_relu", "elu", "gelu", "sigmoid", "tanh", "softmax"]
SMALL = [(6, "elu", 2.0**-4), (8, "tanh", 0.5), (10, "softmax", 0.5)]
NORMALIZED = [(6, "elu", 2.0**-4), "bn", (8, "tanh", 0.5), "bn", (10, "softmax", 0.5)]
REGRESSION = [(6, "relu", 2.0**-4), (8, "gelu", 1.0), (10, "linear", 0.5)]

x, kernel, bias, upstream = (formula(shape, p, 4.0) for p, shape in enumerate([(5, 7), (7, 4), (4,), (5, 4)]))


def dense(activation):
    layer = keras.layers.Dense(4, activation)
    layer.build((None, 7))
    output, pull = jax.vjp(lambda w, b, x: layer.stateless_call([w, b], [], x)[0], kernel, bias, x)
    d_kernel, d_bias, d_x = pull(upstream)
    value, d = blackboard.activation(activation, x @ kernel + bias, upstream)
    found = {"output": output, "gradient_kernel": d_kernel, "gradient_bias": d_bias, "gradient_x": d_x}
    for (key, keras_says), ours in zip(found.items(), [value, x.T @ d, d.sum(axis=0), d @ kernel.T]):
        agree(ours, keras_says, f"dense {activation}: {key}")
    return {key: np.asarray(value) for key, value in found.items()}


def run(name, rows=SMALL, loss="categorical_crossentropy", used=optimizer("sgd"), l2=0.0, **options):
    return golden(name, layers_of(*rows, l2=l2), used, loss, steps=5, keep=[5], **options)


write("layers", {
    "dense": {"x": x, "kernel": kernel, "bias": bias, "upstream": upstream,
              "activations": {name: dense(name) for name in ACTIVATIONS}},
    "runs": [
        run("l2", l2=0.001, used=optimizer("sgd", learning_rate=0.1)),
        run("batch_normalization", NORMALIZED),
        run("batch_normalization_momentum", NORMALIZED, used=optimizer("sgd", momentum=0.9)),
        run("label_smoothing", label_smoothing=0.1),
        run("sample_weights", sample_weights=True),
        run("sparse", loss="sparse_categorical_crossentropy", sample_weights=True),
        run("mean_squared_error", loss="mean_squared_error"),
        run("regression", REGRESSION, loss="mean_squared_error", used=optimizer("sgd", momentum=0.9)),
    ],
})
