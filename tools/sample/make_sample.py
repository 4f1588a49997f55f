"""Makes the built-in sample of lab-core from the official CIFAR-10 binary files.

    python tools/sample/make_sample.py data/cifar-10-batches-bin lab-core/assets

Takes every 50th training image and every 20th test image of each class: 1,000 and 500 images, which
stand in the order of the official files with the classes mixed. Writes `sample_train.png` and
`sample_test.png`, sheets of 25 images a row, read left to right and top to bottom, and beside each a
text file with one digit (the label) per image and one line per row of the sheet.

Made with numpy 2.4.6 and pillow 13.0.0.
"""
import pathlib
import sys

import numpy as np
from PIL import Image

COLUMNS = 25
source, assets = map(pathlib.Path, sys.argv[1:3])


def records(names):
    return np.concatenate([np.fromfile(source / name, np.uint8).reshape(-1, 3073) for name in names])


def write(name, data, every):
    chosen = np.sort(np.concatenate([np.flatnonzero(data[:, 0] == label)[::every] for label in range(10)]))
    labels = data[chosen, 0]
    images = data[chosen, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    sheet = images.reshape(-1, COLUMNS, 32, 32, 3).transpose(0, 2, 1, 3, 4).reshape(-1, COLUMNS * 32, 3)
    Image.fromarray(sheet).save(assets / f"{name}.png", optimize=True)
    rows = ["".join(map(str, row)) for row in labels.reshape(-1, COLUMNS)]
    (assets / f"{name}_labels.txt").write_text("\n".join(rows) + "\n")


write("sample_train", records([f"data_batch_{i}.bin" for i in range(1, 6)]), 50)
write("sample_test", records(["test_batch.bin"]), 20)
