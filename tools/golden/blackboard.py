"""A dense network in NumPy, written from the formulas, to check what Keras computes before it becomes a golden file."""
from math import erfc, sqrt

import numpy as np
from common import log_softmax, softmax

_erfc = np.vectorize(erfc, otypes=[float])


def _phi(x):
    return 0.5 * _erfc(-x / sqrt(2.0))


def _sigmoid(x):
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))


# name: (value, derivative)
ACTIVATIONS = {
    "linear": (lambda x: x, lambda x: np.ones_like(x)),
    "relu": (lambda x: np.maximum(x, 0), lambda x: (x > 0) * 1.0),
    "leaky_relu": (lambda x: np.where(x > 0, x, 0.2 * x), lambda x: np.where(x > 0, 1.0, 0.2)),
    "elu": (lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), lambda x: np.exp(np.minimum(x, 0))),
    "gelu": (lambda x: x * _phi(x), lambda x: _phi(x) + x * np.exp(-x * x / 2) / sqrt(2 * np.pi)),
    "sigmoid": (_sigmoid, lambda x: _sigmoid(x) * _sigmoid(-x)),
    "tanh": (np.tanh, lambda x: 1 / np.cosh(x) ** 2),
}


def softmax_backward(probabilities, upstream):
    return probabilities * (upstream - (probabilities * upstream).sum(axis=-1, keepdims=True))


def activation(name, x, upstream):
    """The value, and the gradient with respect to `x`."""
    if name == "softmax":
        return softmax(x), softmax_backward(softmax(x), upstream)
    value, derivative = ACTIVATIONS[name]
    return value(x), upstream * derivative(x)


def loss(name, output, logits, targets, weights):
    """Each sample's loss, the weighted mean, and the gradient of that mean with respect to the logits."""
    n, k = logits.shape
    share = (np.ones(n) if weights is None else weights)[:, None] / n
    if name == "mean_squared_error":
        found = softmax(logits) if output == "softmax" else logits
        each = ((found - targets) ** 2).mean(axis=1)
        gradient = 2 * (found - targets) / k * share
        gradient = softmax_backward(found, gradient) if output == "softmax" else gradient
    else:
        each = -(targets * log_softmax(logits)).sum(axis=1)
        if name == "kl_divergence":
            each = each + np.where(targets > 0, targets * np.log(np.where(targets > 0, targets, 1)), 0).sum(axis=1)
        gradient = (softmax(logits) * targets.sum(axis=1, keepdims=True) - targets) * share
    return each, (each * share[:, 0]).sum(), gradient


def batch_norm(x, gamma, beta, mean, variance, epsilon, upstream=None, training=True):
    """The output, and the gradients with respect to x, gamma and beta; `mean` and `variance` are those to divide by."""
    inverse = 1 / np.sqrt(variance + epsilon)
    normal = (x - mean) * inverse
    if upstream is None:
        return gamma * normal + beta
    d = upstream * gamma
    dx = inverse * (d - d.mean(axis=0) - normal * (d * normal).mean(axis=0)) if training else inverse * d
    return gamma * normal + beta, dx, (upstream * normal).sum(axis=0), upstream.sum(axis=0)


def forward(layers, params, x, training):
    """The logits and what each layer remembers of its input; in training the moving statistics move."""
    memory = []
    for layer in layers:
        name = layer["name"]
        if layer["type"] == "dense":
            z = x @ params[f"{name}.kernel"] + params[f"{name}.bias"]
            memory.append((x, z))
            x = z if layer["activation"] == "softmax" else ACTIVATIONS[layer["activation"]][0](z)
        else:
            mean, variance = params[f"{name}.moving_mean"], params[f"{name}.moving_variance"]
            if training:
                momentum = layer["momentum"]
                params[f"{name}.moving_mean"] = momentum * mean + (1 - momentum) * x.mean(axis=0)
                params[f"{name}.moving_variance"] = momentum * variance + (1 - momentum) * x.var(axis=0)
                mean, variance = x.mean(axis=0), x.var(axis=0)
            memory.append((x, (mean, variance)))
            x = batch_norm(x, params[f"{name}.gamma"], params[f"{name}.beta"], mean, variance, layer["epsilon"])
    return x, memory


def backward(layers, params, memory, d):
    gradients = {}
    for layer, (x, kept) in zip(reversed(layers), reversed(memory)):
        name = layer["name"]
        if layer["type"] == "dense":
            if layer["activation"] != "softmax":
                d = d * ACTIVATIONS[layer["activation"]][1](kept)
            kernel = params[f"{name}.kernel"]
            gradients[f"{name}.kernel"] = x.T @ d + 2 * layer["l2"] * kernel
            gradients[f"{name}.bias"] = d.sum(axis=0)
            d = d @ kernel.T
        else:
            _, d, gradients[f"{name}.gamma"], gradients[f"{name}.beta"] = batch_norm(
                x, params[f"{name}.gamma"], params[f"{name}.beta"], *kept, layer["epsilon"], d)
    return gradients


def update(optimizer, t, params, gradients, state):
    """Step number `t` (from 1) of the optimizer, in place."""
    o, kind, lr = optimizer, optimizer["name"], optimizer["learning_rate"]
    if o["global_clipnorm"] is not None:
        norm = np.sqrt(sum((g * g).sum() for g in gradients.values()))
        gradients = {name: g * min(1.0, o["global_clipnorm"] / norm) for name, g in gradients.items()}
    for name, g in gradients.items():
        w = params[name]
        m, v = state.setdefault(name, (np.zeros_like(w), np.zeros_like(w)))
        if kind == "sgd":
            m = o["momentum"] * m - lr * g
            w = w + o["momentum"] * m - lr * g if o["nesterov"] else w + m
        elif kind == "rmsprop":
            v = o["rho"] * v + (1 - o["rho"]) * g * g
            m = o["momentum"] * m + lr * g / np.sqrt(v + o["epsilon"])
            w = w - m
        else:
            if kind == "adamw" and not any(part in name for part in o["exclude_from_weight_decay"]):
                w = w - lr * o["weight_decay"] * w
            m = o["beta_1"] * m + (1 - o["beta_1"]) * g
            v = o["beta_2"] * v + (1 - o["beta_2"]) * g * g
            alpha = lr * np.sqrt(1 - o["beta_2"] ** t) / (1 - o["beta_1"] ** t)
            w = w - alpha * m / (np.sqrt(v) + o["epsilon"])
        params[name], state[name] = w, (m, v)
