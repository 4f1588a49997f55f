"""Every loss, its value for each sample and its gradient with respect to the logits: makes losses.json.

The gradient is JAX's of the Keras loss on logits. Two exceptions: mean squared error goes through Keras's softmax, and
Kullback-Leibler stands here by its formula on log-softmax, because Keras's own clips probabilities at 1e-7; Keras's
value is beside it as `keras_value` and checked to be within 5e-5.
"""
import blackboard
import jax
import keras
import numpy as np
from common import agree, formula, mixed, write

N, K, SMOOTHING = 12, 10, 0.1
LABELS = np.arange(N) * 7 % K
ONE_HOT = np.eye(K)[LABELS]
SHARES = np.floor((mixed(N * K, 7).reshape(N, K) + 0.5) * 13) * (mixed(N * K, 8).reshape(N, K) > -0.2)
SHARES[:, 0] += 128 - SHARES.sum(axis=1)
SOFT = SHARES / 128  # rows sum to exactly 1; some entries are 0
assert (SOFT >= 0).all() and (SOFT.sum(axis=1) == 1).all() and (SOFT == 0).sum() > N
WEIGHTS = np.arange(N) % 5 * 0.5
USUAL = formula((N, K), 9, 8.0)
EXTREME = formula((N, K), 10, 60.0)
EXTREME[0] = 1000 * ONE_HOT[0]  # sure and right
EXTREME[1] = -1000 * ONE_HOT[1]  # sure and wrong
EXTREME[2], EXTREME[3] = 1000.0, -1000.0  # undecided, far from 0
TARGETS = {"one_hot": ONE_HOT, "labels": LABELS, "soft": SOFT}
LOGITS = {"usual": USUAL, "extreme": EXTREME}


def kullback_leibler(y, logits):
    return jax.scipy.special.xlogy(y, y).sum(axis=-1) - (y * jax.nn.log_softmax(logits)).sum(axis=-1)


def keras_loss(loss, output, smoothing):
    """Each sample's loss, and the weighted mean, as functions of the logits."""
    losses = keras.losses
    if loss == "kl_divergence":
        return kullback_leibler, lambda y, z, w: (kullback_leibler(y, z) * (1 if w is None else w)).mean()
    if loss == "mean_squared_error":
        to = keras.ops.softmax if output == "softmax" else lambda z: z
        mean = losses.MeanSquaredError()
        return lambda y, z: losses.mean_squared_error(y, to(z)), lambda y, z, w: mean(y, to(z), w)
    each = {"categorical_crossentropy": losses.CategoricalCrossentropy,
            "sparse_categorical_crossentropy": losses.SparseCategoricalCrossentropy}[loss]
    options = {"from_logits": True, **({"label_smoothing": smoothing} if smoothing else {})}
    return each(reduction=None, **options), each(**options)


def case(loss, targets, logits="usual", output="softmax", smoothing=0.0, weighted=False):
    what = f"{loss}, {targets}, {logits}, {output}, smoothing {smoothing}, weighted {weighted}"
    z, y, w = LOGITS[logits], TARGETS[targets], WEIGHTS if weighted else None
    dense = ONE_HOT if targets == "labels" else y
    # Keras has smoothing for one-hot targets only: the sparse form is compared with that.
    form = "categorical_crossentropy" if smoothing and targets == "labels" else loss
    each, mean = keras_loss(form, output, smoothing)
    y = dense if form != loss else y
    value, gradient = jax.value_and_grad(lambda z: mean(y, z, w))(z)
    per_sample = each(y, z)
    assert value.dtype == gradient.dtype == per_sample.dtype == "float64"
    ours = blackboard.loss(form, output, z, dense * (1 - smoothing) + smoothing / K, w)
    for part, keras_says, board_says in zip(["per sample", "value", "gradient"], [per_sample, value, gradient], ours):
        agree(board_says, keras_says, f"{what}: {part}")
    found = {"loss": loss, "targets": targets, "logits": logits, "output": output, "label_smoothing": smoothing,
             "sample_weights": weighted, "value": float(value), "per_sample": np.asarray(per_sample),
             "gradient": np.asarray(gradient)}
    if loss == "kl_divergence" and logits == "usual":
        keras_value = float(keras.losses.KLDivergence()(y, keras.ops.softmax(z), w))
        assert abs(keras_value - found["value"]) < 5e-5
        found["keras_value"] = keras_value
    return found


cases = []
for weighted in [False, True]:
    for targets in ["one_hot", "soft"]:
        for logits in LOGITS:
            cases += [case(loss, targets, logits, weighted=weighted)
                      for loss in ["categorical_crossentropy", "kl_divergence", "mean_squared_error"]]
        cases.append(case("categorical_crossentropy", targets, smoothing=SMOOTHING, weighted=weighted))
        cases.append(case("mean_squared_error", targets, output="linear", weighted=weighted))
    cases += [case("sparse_categorical_crossentropy", "labels", logits, weighted=weighted) for logits in LOGITS]
    cases.append(case("sparse_categorical_crossentropy", "labels", smoothing=SMOOTHING, weighted=weighted))

write("losses", {"labels": LABELS, "soft_targets": SOFT, "sample_weights": WEIGHTS, "logits": LOGITS, "cases": cases})
