"""Makes lab-core/tests/golden/augmentation.json: image statistics, splits and moved images, as others compute them.

    python tools/golden/augmentation.py

The image is number 7 of the built-in training sample. Of each moved image every fifth value is kept (of its
flattened height x width x channels), on the scale of 0 to 255, and the mean of all.

Made with numpy 2.4.6, scipy 1.17.1 and keras 3.15.0 (KERAS_BACKEND=jax).
"""
import json
import pathlib

import numpy as np
from keras.src.trainers.data_adapters.array_slicing import train_validation_split
from scipy import ndimage

root = pathlib.Path(__file__).parents[2] / "lab-core"
records = np.fromfile(root / "assets/sample_train.bin", np.uint8).reshape(1000, 3073)
images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
image = images[7].astype(float)

MODES = {"reflect": "reflect", "nearest": "nearest", "wrap": "grid-wrap", "128": "grid-constant"}


def rotated(degrees, fill):
    turn = lambda plane: ndimage.rotate(plane, degrees, reshape=False, order=1, mode=MODES[fill], cval=128)
    return np.stack([turn(image[..., k]) for k in range(3)], axis=-1)


def shifted(dx, dy, fill):
    return ndimage.shift(image, (dy, dx, 0), order=1, mode=MODES[fill], cval=128)


def composed(moves, fill):
    """One affine map in homogeneous (row, column, 1), made forwards and inverted as a whole."""
    forward = np.eye(3)
    for kind, *amounts in moves:
        if kind == "flip":
            step = np.array([[1, 0, 0], [0, -1, 31], [0, 0, 1]], float)
        elif kind == "shift":
            step = np.array([[1, 0, amounts[1]], [0, 1, amounts[0]], [0, 0, 1]], float)
        else:
            a = np.deg2rad(amounts[0])
            about = np.array([[1, 0, 15.5], [0, 1, 15.5], [0, 0, 1]])
            turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
            step = about @ turn @ np.linalg.inv(about)
        forward = step @ forward
    back = np.linalg.inv(forward)
    move = lambda plane: ndimage.affine_transform(
        plane, back[:2, :2], back[:2, 2], order=1, mode=MODES[fill], cval=128)
    return np.stack([move(image[..., k]) for k in range(3)], axis=-1)


cases = []


def case(moves, fill, result):
    values = [round(float(v), 4) for v in result.reshape(-1)[::5]]
    cases.append({"moves": moves, "fill": fill, "values": values, "mean": float(result.mean())})


case([["flip"]], "reflect", np.stack([np.fliplr(image[..., k]) for k in range(3)], axis=-1))
case([["rotate", 90.0]], "reflect", np.rot90(image))
for degrees, fill in [(15.0, "reflect"), (-7.5, "reflect"), (45.0, "reflect"), (-120.0, "reflect"), (30.0, "nearest"),
                      (30.0, "wrap"), (30.0, "128")]:
    case([["rotate", degrees]], fill, rotated(degrees, fill))
for dx, dy, fill in [(3.2, 0.0, "reflect"), (0.0, -2.75, "reflect"), (-4.0, 3.0, "reflect"), (70.5, -33.25, "reflect"),
                     (5.5, 6.25, "nearest"), (-5.5, 40.25, "wrap"), (4.5, -3.5, "128"), (4.0, -4.0, "128"),
                     (100.5, 0.0, "128")]:
    case([["shift", dx, dy]], fill, shifted(dx, dy, fill))
for moves, fill in [([["flip"], ["rotate", 20.0], ["shift", 3.3, -2.1]], "reflect"),
                    ([["shift", -6.0, 2.5], ["flip"], ["rotate", -33.0]], "128"),
                    ([["rotate", 12.0], ["shift", 1.5, 0.25], ["rotate", -12.0]], "wrap")]:
    case(moves, fill, composed(moves, fill))


def statistics(data):
    scaled = data / 255.0
    return {"mean": scaled.mean((0, 1, 2)).tolist(), "std": scaled.std((0, 1, 2)).tolist()}


def held_out(count, fraction):
    kept, rest = train_validation_split(np.arange(count), fraction)
    return {"count": count, "fraction": fraction, "kept": len(kept), "rest": [int(rest[0]), int(rest[-1])]}


weights = np.arange(1, 3073)
json.dump({
    "statistics": statistics(images),
    "checks": {str(i): int(images[i].reshape(-1).astype(int) @ weights) for i in (0, 1, 24, 25, 26, 500, 999)},
    "held_out": [held_out(*a) for a in [(50000, 0.2), (1000, 0.2), (10, 0.3), (7, 0.5), (999, 0.1), (500, 0.35), (3, 0.4)]],
    "cases": cases,
}, open(root / "tests/golden/augmentation.json", "w"), separators=(",", ":"))
