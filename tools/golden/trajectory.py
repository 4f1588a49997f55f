"""20 steps of Adam on the full-size network, by its losses and slices of its weights: makes trajectory.json."""
from common import write
from runs import golden, layers_of, optimizer

LAYERS = layers_of((512, "elu", 2.0**-4), (256, "tanh", 2.0**-3), (128, "elu", 2.0**-2), (10, "softmax", 2.0**-1))

write("trajectory", {"runs": [
    golden("adam", LAYERS, optimizer("adam"), batch_size=64),
    golden("adam_small_steps", LAYERS, optimizer("adam", learning_rate=1e-4), batch_size=64, keep=[20]),
]})
