"""Makes the built-in sample of lab-core from the official CIFAR-10 binary files.

    python tools/sample/make_sample.py data/cifar-10-batches-bin lab-core/assets

Takes every 50th training image and every 20th test image of each class: 1,000 and 500 images, which
stand in the order of the official files with the classes mixed. Writes `sample_train.bin` and
`sample_test.bin` in the format of the official files: records of one label and 3,072 bytes.

Made with numpy 2.4.6.
"""
import pathlib
import sys

import numpy as np

source, assets = map(pathlib.Path, sys.argv[1:3])


def records(names):
    return np.concatenate([np.fromfile(source / name, np.uint8).reshape(-1, 3073) for name in names])


def write(name, data, every):
    chosen = np.sort(np.concatenate([np.flatnonzero(data[:, 0] == label)[::every] for label in range(10)]))
    data[chosen].tofile(assets / f"{name}.bin")


write("sample_train", records([f"data_batch_{i}.bin" for i in range(1, 6)]), 50)
write("sample_test", records(["test_batch.bin"]), 20)
