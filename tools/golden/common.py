"""What the golden scripts share: Keras in float64, the sample's images, weights by a formula, the JSON writer."""
import json
import os
import pathlib

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_ENABLE_X64"] = "1"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import keras
import numpy as np

from keras.src.backend.common import dtypes

keras.config.set_floatx("float64")
# On JAX, Keras's type promotion turns float64 into float32 inside tanh, variance and others (its table makes an
# exception for TensorFlow only): without this line the "float64" results are off by 1e-8.
dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
assert keras.ops.tanh(np.ones(1)).dtype == keras.ops.var(np.ones(2)).dtype == "float64"

ROOT = pathlib.Path(__file__).resolve().parents[2]
ASSETS = ROOT / "lab-core" / "assets"
GOLDEN = ROOT / "lab-core" / "tests" / "golden"
MADE_WITH = {"keras": keras.__version__, "jax": jax.__version__, "numpy": np.__version__, "float": "float64"}

SIDE = 32  # pixels in a row of an image


def mixed(count, p):
    """`count` numbers in [-0.5, 0.5), multiples of 2^-16, for parameter number `p`; wrapping 32-bit arithmetic.

    A multiplicative hash alone gives units that are correlated by 0.5, hence the finalizer after it.
    """
    wrap = np.uint64(0xFFFFFFFF)
    h = (np.arange(count, dtype=np.uint64) * np.uint64(2654435761) + np.uint64(p * 40503 + 12345)) & wrap
    h ^= h >> np.uint64(16)
    h = (h * np.uint64(0x85EBCA6B)) & wrap
    h ^= h >> np.uint64(13)
    h = (h * np.uint64(0xC2B2AE35)) & wrap
    h ^= h >> np.uint64(16)
    return (h >> np.uint64(16)).astype(np.float64) / 65536.0 - 0.5


def formula(shape, p, scale, offset=0.0):
    """Row-major array of `offset + scale * mixed`; with a power of two as scale it is exact in f32 too."""
    return offset + scale * mixed(int(np.prod(shape)), p).reshape(shape)


def sample_images():
    """The sample's 1,000 training images as `(1000, 3072)` in [0, 1], and their labels."""
    records = np.fromfile(ASSETS / "sample_train.bin", np.uint8).reshape(1000, 3073)
    images = records[:, 1:].reshape(-1, 3, SIDE * SIDE).transpose(0, 2, 1).reshape(-1, SIDE * SIDE * 3)
    return images.astype(np.float64) / 255.0, records[:, 0].astype(int)


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def log_softmax(z):
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def difference(found, expected):
    """The largest |a - b| / max(|b|, 0.001 max|b|): relative, but forgiving next to zero."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    assert found.shape == expected.shape, (found.shape, expected.shape)
    size = np.maximum(np.abs(expected), 1e-3 * np.abs(expected).max())
    return float((np.abs(found - expected) / np.where(size == 0, 1.0, size)).max())


def distance(found, expected):
    """‖a − b‖ / ‖b‖, the measure for float32: single small entries of it may be off by more."""
    expected = np.asarray(expected, np.float64)
    return float(np.linalg.norm(np.asarray(found, np.float64) - expected) / np.linalg.norm(expected))


def agree(found, expected, what, tolerance=1e-10):
    worst = difference(found, expected)
    assert worst <= tolerance, f"{what}: relative difference {worst:.2e} above {tolerance:.0e}"


def text(value, indent=0):
    """JSON with objects and lists of objects spread over lines and every row of numbers on one line."""
    pad = "  " * (indent + 1)
    if isinstance(value, np.ndarray):
        assert value.dtype in (np.float64, np.int64), value.dtype
        value = value.tolist()
    if isinstance(value, dict):
        items = [f"{pad}{json.dumps(key)}: {text(item, indent + 1)}" for key, item in value.items()]
        return "{\n" + ",\n".join(items) + "\n" + "  " * indent + "}"
    if isinstance(value, list) and value and isinstance(value[0], (dict, list)):
        return "[\n" + ",\n".join(pad + text(item, indent + 1) for item in value) + "\n" + "  " * indent + "]"
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def write(name, content):
    path = GOLDEN / f"{name}.json"
    path.write_text(text({"made_with": MADE_WITH, **content}) + "\n")
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")
