"""Layers for images in small networks, by Keras and by PyTorch: makes images.json."""
from common import MADE_WITH, agree, formula, write  # first: it chooses Keras's backend

import jax
import keras
import numpy as np
import torch
import torch.nn.functional as F

MADE_WITH["torch"] = torch.__version__.split("+")[0]
FIRST = {"layer": "conv2d", "filters": 3, "kernel_size": 1, "use_bias": False}
DEFAULTS = {
    "conv2d": {"activation": "linear", "strides": 1, "padding": "valid", "use_bias": True,
               "initializer": "glorot_uniform", "l2": 0.0, "trainable": True},
    "pooling2d": {"padding": "valid"},
    "batch_norm": {"momentum": 0.99, "epsilon": 0.001, "scale": True},
    "layer_norm": {}, "activation": {}, "rescaling": {}, "add": {}, "flatten": {},
    "dense": {"initializer": "glorot_uniform", "l2": 0.0},
}

TORCH_ACTIVATIONS = {"linear": lambda z: z, "relu": F.relu, "gelu": F.gelu, "elu": F.elu, "tanh": torch.tanh}


def keras_layer(kind, layer, **o):
    layers = keras.layers
    if kind == "conv2d":
        return layers.Conv2D(o["filters"], o["kernel_size"], o["strides"], o["padding"], activation=o["activation"],
                             use_bias=o["use_bias"])
    if kind == "pooling2d" and o["pool_size"] is None:
        return {"max": layers.GlobalMaxPooling2D, "average": layers.GlobalAveragePooling2D}[o["pool"]]()
    if kind == "pooling2d":
        of = {"max": layers.MaxPooling2D, "average": layers.AveragePooling2D}[o["pool"]]
        return of(o["pool_size"], o["strides"], o["padding"])
    if kind == "batch_norm":
        return layers.BatchNormalization(momentum=o["momentum"], epsilon=o["epsilon"], scale=o["scale"])
    if kind == "rescaling":
        return layers.Rescaling(o["scale"])
    if kind == "add":
        return layers.Add()
    if kind == "flatten":
        return layers.Flatten()
    if kind == "dense":
        return layers.Dense(o["units"], activation=o["activation"])
    return layers.LayerNormalization() if kind == "layer_norm" else layers.Activation(o["activation"])


def sides(pixels, o):
    """PyTorch's padding for Keras's "same": (before, after), an odd pixel last."""
    size, strides = o.get("kernel_size", o.get("pool_size")), o["strides"]
    total = max((-(-pixels // strides) - 1) * strides + size - pixels, 0) if o["padding"] == "same" else 0
    return total // 2, total - total // 2


def torch_layer(x, arrays, training, kind, layer, **o):
    """The layer on (N, channels, height, width); the batch normalization's averages move in place."""
    if kind in ("conv2d", "pooling2d") and o.get("pool_size", 1) is not None:
        (above, below), (left, right) = sides(x.shape[2], o), sides(x.shape[3], o)
        padded = lambda value: F.pad(x, (left, right, above, below), value=value)
    if kind == "conv2d":
        kernel, *bias = arrays
        z = F.conv2d(padded(0.0), kernel.permute(3, 2, 0, 1), *bias, stride=o["strides"])
        return TORCH_ACTIVATIONS[o["activation"]](z)
    if kind == "pooling2d" and o["pool_size"] is None:
        return x.amax((2, 3)) if o["pool"] == "max" else x.mean((2, 3))
    if kind == "pooling2d" and o["pool"] == "max":
        return F.max_pool2d(padded(-torch.inf), o["pool_size"], o["strides"])
    if kind == "pooling2d":
        ones = F.pad(torch.ones_like(x), (left, right, above, below))
        pool = lambda x: F.avg_pool2d(x, o["pool_size"], o["strides"])
        return pool(padded(0.0)) / pool(ones)
    if kind == "batch_norm":
        gamma, beta, mean, variance = [torch.ones(x.shape[1], dtype=x.dtype)][:4 - len(arrays)] + arrays
        # PyTorch's moving variance is the unbiased one, so only the normalization is compared.
        return F.batch_norm(x, mean.clone(), variance.clone(), gamma, beta, training, 0.0, o["epsilon"])
    if kind == "layer_norm":
        last = x.permute(0, 2, 3, 1) if x.ndim == 4 else x
        last = F.layer_norm(last, x.shape[1:2], *arrays, eps=1e-3)
        return last.permute(0, 3, 1, 2) if x.ndim == 4 else last
    if kind == "flatten":
        return x.permute(0, 2, 3, 1).flatten(1) if x.ndim == 4 else x
    if kind == "dense":
        kernel, bias = arrays
        return TORCH_ACTIVATIONS[o["activation"]](x @ kernel + bias)
    if kind == "rescaling":
        return o["scale"] * x
    return TORCH_ACTIVATIONS[o["activation"]](x)


def case(name, *layers, shape=(4, 5, 2), batch=2, training=True):
    layers = [{**DEFAULTS[it["layer"]], **it} for it in layers]
    keras.utils.clear_session()  # names count from the start
    flows = [keras.Input(shape)]
    for it in layers:
        skipped = [flows[-1 - it["skip"]]] if it["layer"] == "add" else []
        made = keras_layer(it["layer"], **it)
        flows.append(made([flows[-1], *skipped] if skipped else flows[-1]))
    model = keras.Model(flows[0], flows[-1])
    arrays = {}
    for layer in model.layers:
        for variable in layer.weights:
            middle = 1.0 if variable.name in ("gamma", "moving_variance") else 0.0
            value = formula(variable.shape, len(arrays) + 10, 1.0, middle)
            arrays[f"{layer.name}.{variable.name}"] = (variable, value)
    for variable, value in arrays.values():
        variable.assign(value)
    x = formula((batch, *shape), 1, 2.0)
    learnt = [name for name in arrays if "moving" not in name]

    def call(*learnt):
        output, moved = model.stateless_call(learnt, [v.value for v in model.non_trainable_variables], x,
                                             training=training)
        return output, moved

    output, pull, moved = jax.vjp(call, *[arrays[name][1] for name in learnt], has_aux=True)
    upstream = formula(output.shape, 2, 2.0)
    gradients = dict(zip(learnt, pull(upstream)))

    tensors = {name: torch.tensor(value, requires_grad=name in learnt) for name, (_, value) in arrays.items()}
    flows, rest = [torch.tensor(x).permute(0, 3, 1, 2)], list(tensors.values())
    for ours, theirs in zip(layers, model.layers[1:]):
        own, rest = rest[:len(theirs.weights)], rest[len(theirs.weights):]
        if ours["layer"] == "add":
            flows.append(flows[-1] + flows[-1 - ours["skip"]])
        else:
            flows.append(torch_layer(flows[-1], own, training, ours["layer"], **ours))
    flow = flows[-1]
    flow = flow.permute(0, 2, 3, 1) if flow.ndim == 4 else flow
    flow.backward(torch.tensor(upstream))
    agree(flow.detach().numpy(), output, f"{name}: PyTorch's output")
    for array, gradient in gradients.items():
        agree(tensors[array].grad.numpy(), gradient, f"{name}: PyTorch's gradient of {array}")
    row = lambda value: np.asarray(value).reshape(-1)
    averages = [name for name in arrays if "moving" in name] if training else []
    return {"name": name, "training": training, "architecture": {"input_shape": list(shape), "layers": layers},
            "x": row(x), "arrays": {name: row(value) for name, (_, value) in arrays.items()},
            "summary": [f"{it.name} {(None, *it.output.shape[1:])} {it.count_params()}"
                        for it in model.layers[1:]],
            "output": row(output), "upstream": row(upstream),
            "gradients": {name: row(value) for name, value in gradients.items()},
            "moved": dict(zip(averages, map(row, moved)))}


def dense(units, activation):
    return {"layer": "dense", "units": units, "activation": activation}


def conv(filters, kernel_size, **options):
    return {"layer": "conv2d", "filters": filters, "kernel_size": kernel_size, **options}


def pool(kind, size, strides=None, padding="valid"):
    return {"layer": "pooling2d", "pool": kind, "pool_size": size, "strides": strides or size or 1, "padding": padding}


write("images", {"cases": [
    case("conv 3 x 3", FIRST, conv(4, 3, activation="elu")),
    case("conv 3 x 3, same", FIRST, conv(4, 3, padding="same", activation="gelu")),
    case("conv 2 x 2, no bias", FIRST, conv(2, 2, use_bias=False)),
    case("conv 2 x 2, same", FIRST, conv(2, 2, padding="same")),
    case("conv 3 x 3, strides 2", FIRST, conv(4, 3, strides=2, activation="tanh")),
    case("conv 3 x 3, strides 2, same", FIRST, conv(4, 3, strides=2, padding="same")),
    case("conv 4 x 4, strides 3, same, odd", FIRST, conv(2, 4, strides=3, padding="same"), shape=(7, 5, 2)),
    case("conv 1 x 1, strides 2", FIRST, conv(5, 1, strides=2), shape=(5, 5, 1)),
    case("conv 5 x 5, larger than the image, same", FIRST, conv(2, 5, padding="same"), shape=(2, 3, 2), batch=1),
    case("max pooling", FIRST, pool("max", 2)),
    case("max pooling, overlapping, same", FIRST, pool("max", 3, 2, "same")),
    case("average pooling", FIRST, pool("average", 2)),
    case("average pooling, overlapping, same", FIRST, pool("average", 3, 2, "same")),
    case("global max pooling", FIRST, pool("max", None)),
    case("global average pooling", FIRST, pool("average", None)),
    case("batch normalization", FIRST, {"layer": "batch_norm"}),
    case("batch normalization, inference", FIRST, {"layer": "batch_norm"}, training=False),
    case("batch normalization, other options", FIRST,
         {"layer": "batch_norm", "momentum": 0.625, "epsilon": 0.0001, "scale": False}),
    case("layer normalization", FIRST, {"layer": "layer_norm"}),
    case("rescaling", FIRST, {"layer": "rescaling", "scale": 0.125}),
    case("a small network", conv(3, 2), {"layer": "activation", "activation": "gelu"},
         conv(4, 3, padding="same", use_bias=False), pool("max", 2), {"layer": "batch_norm", "scale": False},
         {"layer": "activation", "activation": "elu"}, conv(3, 3, padding="same"), pool("average", None),
         shape=(7, 6, 3)),
    case("residual blocks, one in another", FIRST, conv(3, 3, padding="same", use_bias=False), {"layer": "batch_norm"},
         {"layer": "add", "skip": 2}, {"layer": "activation", "activation": "elu"}, {"layer": "add", "skip": 4},
         {"layer": "flatten"}, dense(4, "tanh"), {"layer": "layer_norm"}, dense(4, "gelu"), {"layer": "add", "skip": 2},
         dense(2, "linear")),
]})
