"""Every activation and its gradient, next to kinks and far out too: makes activations.json."""
import blackboard
import jax
import keras
import numpy as np
from common import agree, formula, write

ONE_SIDE = [0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.5, 8.0, 10.0, 15.0, 20.0, 30.0]
GRID = np.array([-v for v in reversed(ONE_SIDE)] + ONE_SIDE)
UPSTREAM = formula(GRID.shape, 0, 2.0)
ROWS = np.concatenate([formula((4, 10), 1, 8.0), formula((2, 10), 2, 60.0), np.full((1, 10), 30.0),
                       np.eye(1, 10) * 60 - 30])
ROWS_UPSTREAM = formula(ROWS.shape, 3, 2.0)


def golden(name, x, upstream):
    value, pull = jax.vjp(keras.activations.get(name), x)
    (gradient,) = pull(upstream)
    our_value, our_gradient = blackboard.activation(name, x, upstream)
    agree(our_value, value, f"{name}: value")
    agree(our_gradient, gradient, f"{name}: gradient")
    return {"value": np.asarray(value), "gradient": np.asarray(gradient)}


write("activations", {
    "x": GRID, "upstream": UPSTREAM,
    "activations": {name: golden(name, GRID, UPSTREAM) for name in blackboard.ACTIVATIONS},
    "softmax": {"x": ROWS, "upstream": ROWS_UPSTREAM, **golden("softmax", ROWS, ROWS_UPSTREAM)},
})
