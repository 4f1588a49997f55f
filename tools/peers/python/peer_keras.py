"""The workload in Keras: peer_keras.py DATA_DIR EPOCHS BATCH {tensorflow|jax}"""

import os
import sys
import time

folder, epochs, batch, backend = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
os.environ |= {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}

import keras

from cifar import load, peak_memory_mb, say

images, labels = load(folder)
labels = keras.utils.to_categorical(labels, 10)
keras.utils.set_random_seed(0)
layers = keras.layers
network = keras.Sequential(
    [
        layers.Input((3072,)),
        layers.Dense(512, activation="elu"),
        layers.Dense(256, activation="tanh"),
        layers.Dense(128, activation="elu"),
        layers.Dense(10, activation="softmax"),
    ]
)
network.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])


class Clock(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.perf_counter() - self.start
        say(epoch=epoch + 1, seconds=seconds, loss=float(logs["loss"]), accuracy=float(logs["accuracy"]))


network.fit(images, labels, batch_size=batch, epochs=epochs, verbose=0, callbacks=[Clock()])
say(peak_memory_mb=peak_memory_mb())
