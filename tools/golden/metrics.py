"""Makes the golden file for lab_core::metrics: what scikit-learn and NumPy say about random predictions.

    python tools/golden/metrics.py lab-core/tests/golden/metrics.json

Made with scikit-learn 1.9.1 and NumPy 2.4.6. Labels are written as one digit each; probabilities as whole numbers
over a common denominator, to be divided in float32.
"""
import json
import math
import re
import sys
from fractions import Fraction

import numpy as np
from sklearn.metrics import accuracy_score, classification_report, confusion_matrix, precision_recall_fscore_support

random = np.random.default_rng(2026)
LABELS = list(range(10))
NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]

# What the laboratory printed for its final network, rows being true classes. The last count of the first row is
# illegible there; 25 makes the row 1,000.
PRINTED = np.array([
    [523, 40, 64, 38, 19, 8, 37, 43, 203, 25],
    [30, 621, 5, 37, 7, 18, 19, 34, 101, 128],
    [109, 27, 302, 110, 119, 67, 149, 71, 34, 12],
    [26, 19, 73, 362, 42, 181, 164, 44, 52, 37],
    [69, 11, 187, 76, 321, 40, 167, 82, 37, 10],
    [17, 12, 93, 240, 41, 339, 126, 76, 36, 20],
    [6, 14, 74, 114, 81, 31, 626, 22, 19, 13],
    [47, 19, 50, 82, 69, 69, 57, 537, 20, 50],
    [95, 74, 13, 31, 12, 16, 15, 12, 684, 48],
    [49, 190, 3, 50, 8, 16, 41, 44, 98, 501],
])


def label_cases():
    ten = np.arange(10)
    yield "perfect", np.repeat(ten, 4), np.repeat(ten, 4)
    yield "always wrong", np.repeat(ten, 4), (np.repeat(ten, 4) + 3) % 10
    yield "one sample, right", np.array([7]), np.array([7])
    yield "one sample, wrong", np.array([7]), np.array([2])
    yield "all of one class, all recognized", np.full(25, 3), np.full(25, 3)
    yield "all of one class, predicted at random", np.full(40, 9), random.integers(0, 10, 40)
    yield "one class predicted for everything", random.integers(0, 10, 60), np.zeros(60, int)
    yield "one class never predicted", np.repeat(ten, 6), random.integers(0, 9, 60)
    yield "one class without support", random.integers(1, 10, 60), random.integers(0, 10, 60)
    yield "two classes only", random.integers(4, 6, 30), random.integers(4, 6, 30)
    for i in range(40):
        size = int(random.integers(2, 300))
        balance = random.dirichlet(np.full(10, [0.1, 0.5, 2.0, 50.0][i % 4]))
        truth = random.choice(10, size, p=balance)
        hit = random.random(size) < random.random()
        yield f"random {i}", truth, np.where(hit, truth, random.integers(0, 10, size))


def scores(truth, predicted, average):
    options = dict(labels=LABELS, average=average, zero_division=0)
    return [np.asarray(s).tolist() for s in precision_recall_fscore_support(truth, predicted, **options)[:3]]


def label_case(name, truth, predicted):
    options = dict(labels=LABELS, target_names=NAMES, digits=4, zero_division=0)
    return {
        "name": name,
        "truth": "".join(map(str, truth)),
        "predicted": "".join(map(str, predicted)),
        "confusion": confusion_matrix(truth, predicted, labels=LABELS).tolist(),
        "accuracy": float(accuracy_score(truth, predicted)),
        "per_class": scores(truth, predicted, None),
        "macro": scores(truth, predicted, "macro"),
        "weighted": scores(truth, predicted, "weighted"),
        # Where every score is 0 this scikit-learn writes the support as `4.0`; a count is a whole number.
        "text": re.sub(r"(?m)(\d+)\.0$", r"  \1", classification_report(truth, predicted, **options)),
    }


def calibration(truth, probabilities, bins):
    """Bins (lower, upper]; the bin of each confidence is found in exact rational arithmetic."""
    predicted = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1).astype(np.float64)
    index = np.array([max(math.ceil(Fraction(float(c)) * bins) - 1, 0) for c in confidence])
    right = predicted == truth
    filled = []
    for b in np.unique(index):
        here = index == b
        filled.append([int(b), int(here.sum()), float(right[here].mean()), float(confidence[here].mean())])
    ece = sum(count / len(truth) * abs(accuracy - mean) for _, count, accuracy, mean in filled)
    return {"bins": bins, "ece": ece, "filled": filled}


def probability_case(size, denominator, spread):
    weights = random.dirichlet(np.full(10, spread), size)
    parts = np.array([random.multinomial(denominator, w) for w in weights])
    truth = np.array([random.choice(10, p=w) for w in parts / denominator])
    probabilities = parts.astype(np.float32) / np.float32(denominator)
    order = np.argsort(-probabilities, axis=1, kind="stable")  # equal ones in the order of the classes
    return {
        "denominator": denominator,
        "truth": "".join(map(str, truth)),
        "parts": parts.tolist(),
        "predicted": "".join(map(str, probabilities.argmax(axis=1))),
        "top_k": [float((order[:, :k] == truth[:, None]).any(axis=1).mean()) for k in range(1, 11)],
        "calibration": [calibration(truth, probabilities, bins) for bins in (1, 8, 10, 15, 100)],
    }


def laboratory():
    truth = np.repeat(np.repeat(LABELS, 10), PRINTED.ravel())
    predicted = np.repeat(np.tile(LABELS, 10), PRINTED.ravel())
    return {"confusion": PRINTED.tolist(), "weighted": scores(truth, predicted, "weighted")}


golden = {
    "laboratory": [laboratory()],
    "labels": [label_case(*case) for case in label_cases()],
    # Small denominators make many ties, and confidences that lie exactly on the edges of the bins.
    "probabilities": [
        probability_case(size, denominator, spread)
        for size, denominator, spread in [
            (1, 8, 1.0), (40, 8, 0.3), (80, 16, 1.0), (80, 64, 0.2), (100, 1000, 0.5), (120, 10000, 0.1), (60, 10, 5.0),
        ]
    ],
}
with open(sys.argv[1], "w") as file:
    json.dump(golden, file, separators=(",", ":"))
    file.write("\n")
