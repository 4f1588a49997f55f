"""Trains a network with Keras for some steps, checks it with the blackboard, and describes it for the golden file."""
from math import gcd

import blackboard
import jax
import keras
import numpy as np
from common import agree, distance, formula, sample_images, softmax

IMAGES, LABELS = sample_images()
DEFAULTS = {  # what design.md states; asserted to be Keras's own defaults
    "sgd": {"learning_rate": 0.01, "momentum": 0.0, "nesterov": False},
    "rmsprop": {"learning_rate": 0.001, "rho": 0.9, "momentum": 0.0, "epsilon": 1e-7},
    "adam": {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    "adamw": {"learning_rate": 0.001, "weight_decay": 0.004, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
}
CLASSES = {"sgd": keras.optimizers.SGD, "rmsprop": keras.optimizers.RMSprop, "adam": keras.optimizers.Adam,
           "adamw": keras.optimizers.AdamW}
LOSSES = {"categorical_crossentropy": keras.losses.CategoricalCrossentropy,
          "sparse_categorical_crossentropy": keras.losses.SparseCategoricalCrossentropy,
          "mean_squared_error": keras.losses.MeanSquaredError}


def optimizer(name, global_clipnorm=None, exclude_from_weight_decay=(), **options):
    """The description of an optimizer: Keras's defaults, and what is said otherwise."""
    config = CLASSES[name]().get_config()
    for key, value in DEFAULTS[name].items():
        assert config[key] == value or abs(config[key] - value) < 1e-15, (name, key, config[key])
    found = {"name": name, **DEFAULTS[name], **options, "global_clipnorm": global_clipnorm}
    return {**found, "exclude_from_weight_decay": list(exclude_from_weight_decay)} if name == "adamw" else found


def layers_of(*rows, l2=0.0):
    """Descriptions of dense layers from (units, activation, kernel scale), and of batch normalization from "bn"."""
    layers, dense, bn, p = [], 0, 0, 0
    for row in rows:
        if row == "bn":
            name = "batch_normalization" + (f"_{bn}" if bn else "")
            layers.append({"type": "batch_normalization", "name": name, "momentum": 0.99, "epsilon": 1e-3})
            bn += 1
        else:
            units, activation, scale = row
            layers.append({"type": "dense", "name": "dense" + (f"_{dense}" if dense else ""), "units": units,
                           "activation": activation, "l2": l2, "kernel": {"p": p, "scale": scale},
                           "bias": {"p": p + 1, "scale": 2.0**-6}})
            dense, p = dense + 1, p + 2
    return layers


def initial(layers):
    """Every parameter by the name that the golden files use, before the first step."""
    params, width = {}, IMAGES.shape[1]
    for layer in layers:
        name = layer["name"]
        if layer["type"] == "dense":
            params[f"{name}.kernel"] = formula((width, layer["units"]), **layer["kernel"])
            params[f"{name}.bias"] = formula((layer["units"],), **layer["bias"])
            width = layer["units"]
        else:
            params[f"{name}.gamma"], params[f"{name}.beta"] = np.ones(width), np.zeros(width)
            params[f"{name}.moving_mean"], params[f"{name}.moving_variance"] = np.zeros(width), np.ones(width)
    return params


def batch(run, step):
    """Indices into the sample for step 0, 1, …; the sample begins again when it is used up."""
    return (step * run["batch_size"] + np.arange(run["batch_size"])) % len(IMAGES)


def weights_of(run, chosen):
    return (chosen % 5) * 0.5 if run["sample_weights"] else None


def name_of(variable):
    return ".".join(variable.path.split("/")[-2:])


def by_blackboard(run, steps_to_keep):
    layers, params, state, losses, kept = run["layers"], initial(run["layers"]), {}, [], {}
    smoothing = run["loss"]["label_smoothing"]
    for step in range(run["steps"]):
        chosen = batch(run, step)
        targets = np.eye(10)[LABELS[chosen]] * (1 - smoothing) + smoothing / 10
        logits, memory = blackboard.forward(layers, params, IMAGES[chosen], training=True)
        _, value, gradient = blackboard.loss(run["loss"]["name"], layers[-1]["activation"], logits, targets,
                                             weights_of(run, chosen))
        penalty = sum(layer["l2"] * (params[f"{layer['name']}.kernel"] ** 2).sum()
                      for layer in layers if layer["type"] == "dense")
        losses.append(value + penalty)
        gradients = blackboard.backward(layers, params, memory, gradient)
        blackboard.update(run["optimizer"], step + 1, params, gradients, state)
        if step + 1 in steps_to_keep:
            kept[step + 1] = dict(params)
    return losses, kept, blackboard.forward(layers, params, IMAGES[:4], training=False)[0]


def by_keras(run, steps_to_keep, dtype="float64"):
    model = keras.Sequential([keras.Input((IMAGES.shape[1],), dtype=dtype)])
    for layer in run["layers"]:
        if layer["type"] == "dense":
            activation = "linear" if layer["activation"] == "softmax" else layer["activation"]
            penalty = keras.regularizers.L2(layer["l2"]) if layer["l2"] else None
            model.add(keras.layers.Dense(layer["units"], activation, kernel_regularizer=penalty, name=layer["name"],
                                         dtype=dtype))
        else:
            new = keras.layers.BatchNormalization(name=layer["name"], dtype=dtype)
            assert (new.momentum, new.epsilon) == (layer["momentum"], layer["epsilon"])
            model.add(new)
    start = initial(run["layers"])
    for variable in model.variables:
        variable.assign(start[name_of(variable)])
    assert {name_of(v) for v in model.variables} == set(start)

    settings = {k: v for k, v in run["optimizer"].items() if k not in ("name", "exclude_from_weight_decay")}
    used = CLASSES[run["optimizer"]["name"]](**settings)
    if run["optimizer"].get("exclude_from_weight_decay"):
        used.exclude_from_weight_decay(var_names=run["optimizer"]["exclude_from_weight_decay"])
    used.build(model.trainable_variables)

    name, smoothing = run["loss"]["name"], run["loss"]["label_smoothing"]
    ends_in_softmax = run["layers"][-1]["activation"] == "softmax"
    options = {} if name == "mean_squared_error" else {"from_logits": True}
    options |= {"label_smoothing": smoothing} if smoothing else {}
    measure = LOSSES[name](dtype=dtype, **options)

    def loss_of(trainable, others, x, y, sample_weight):
        logits, others, penalties = model.stateless_call(trainable, others, x, training=True, return_losses=True)
        output = keras.ops.softmax(logits) if ends_in_softmax and name == "mean_squared_error" else logits
        return measure(y, output, sample_weight) + sum(penalties), others

    differentiate = jax.jit(jax.value_and_grad(loss_of, has_aux=True))
    trainable = [v.value for v in model.trainable_variables]
    others = [v.value for v in model.non_trainable_variables]
    state = [v.value for v in used.variables]
    names = [name_of(v) for v in model.trainable_variables + model.non_trainable_variables]
    losses, kept, norms = [], {}, []
    for step in range(run["steps"]):
        chosen = batch(run, step)
        y = LABELS[chosen] if name.startswith("sparse") else np.eye(10)[LABELS[chosen]]
        (value, others), gradients = differentiate(trainable, others, IMAGES[chosen].astype(dtype), y,
                                                   weights_of(run, chosen))
        trainable, state = used.stateless_apply(state, gradients, trainable)
        assert value.dtype == dtype and all(a.dtype == dtype for a in [*trainable, *others, *gradients])
        assert all(a.dtype == dtype for a, v in zip(state, used.variables) if v.path.split("/")[-1] not in
                   ("iteration", "learning_rate")), [(v.path, v.dtype) for v in used.variables]
        losses.append(float(value))
        norms.append(float(np.sqrt(sum((np.asarray(g, np.float64) ** 2).sum() for g in gradients))))
        if step + 1 in steps_to_keep:
            kept[step + 1] = {n: np.asarray(a) for n, a in zip(names, [*trainable, *others])}
    final, _ = model.stateless_call(trainable, others, IMAGES[:4].astype(dtype), training=False)
    return losses, kept, np.asarray(final), norms


def described(values):
    """A parameter in the golden file: whole when small, else about 200 entries from all of its columns, and two sums."""
    stride = max(1, values.size // 200)
    while stride > 1 and gcd(stride, values.shape[-1]) > 1:
        stride += 1
    return {"shape": list(values.shape), "stride": stride, "values": values.ravel()[::stride],
            "sum": float(values.sum()), "sum_of_squares": float((values**2).sum())}


def golden(name, layers, optimizer, loss="categorical_crossentropy", label_smoothing=0.0, sample_weights=False,
           batch_size=16, steps=20, keep=None):
    """One run by Keras, checked; prints how far Keras in float32 is from it, which says what f32 can be asked for."""
    run = {"name": name, "layers": layers, "batch_size": batch_size, "steps": steps,
           "loss": {"name": loss, "label_smoothing": label_smoothing}, "sample_weights": sample_weights,
           "optimizer": optimizer}
    keep = keep or [1, steps]
    losses, kept, logits, norms = by_keras(run, keep)
    clip = optimizer["global_clipnorm"]
    assert clip is None or min(norms) < clip < max(norms), f"{name}: clipping is not tested by norms {norms}"

    board_losses, board_kept, board_logits = by_blackboard(run, keep)
    agree(board_losses, losses, f"{name}: losses")
    agree(board_logits, logits, f"{name}: logits")
    f32_losses, f32_kept, f32_logits, _ = by_keras(run, keep, "float32")
    f32_weights = 0.0
    for step in keep:
        for parameter, values in kept[step].items():
            agree(board_kept[step][parameter], values, f"{name}: {parameter} after step {step}")
            f32_weights = max(f32_weights, distance(f32_kept[step][parameter], values))
    to_predictions = softmax if layers[-1]["activation"] == "softmax" else np.asarray
    predictions, f32_predictions = to_predictions(logits), to_predictions(f32_logits)
    print(f"  {name:30} loss {losses[0]:.4f} to {losses[-1]:.4f}; float32 is off by {distance(f32_losses, losses):.0e}"
          f" (losses), {f32_weights:.0e} (weights), {distance(f32_predictions, predictions):.0e} (predictions)")
    return {**run, "losses": losses, "gradient_norms": norms,
            "after": {str(step): {n: described(v) for n, v in kept[step].items()} for step in keep},
            "predictions": predictions}
