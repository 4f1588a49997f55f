"""20 steps of every optimizer on real images: makes optimizers.json."""
from common import write
from runs import golden, layers_of, optimizer

LAYERS = layers_of((6, "elu", 2.0**-4), (8, "tanh", 0.5), (10, "softmax", 0.5))
assert 3072 * 6 + 6 + 6 * 8 + 8 + 8 * 10 + 10 < 20_000

write("optimizers", {"runs": [
    golden("sgd", LAYERS, optimizer("sgd")),
    golden("sgd_momentum", LAYERS, optimizer("sgd", momentum=0.9)),
    golden("sgd_nesterov", LAYERS, optimizer("sgd", momentum=0.9, nesterov=True)),
    golden("rmsprop", LAYERS, optimizer("rmsprop")),
    golden("rmsprop_momentum", LAYERS, optimizer("rmsprop", momentum=0.9)),
    golden("adam", LAYERS, optimizer("adam")),
    golden("adamw", LAYERS, optimizer("adamw")),
    golden("adamw_strong_decay", LAYERS, optimizer("adamw", weight_decay=0.1)),
    golden("adamw_kernels_only", LAYERS, optimizer("adamw", weight_decay=0.1, exclude_from_weight_decay=["bias"])),
    golden("sgd_clipped", LAYERS, optimizer("sgd", learning_rate=0.05, global_clipnorm=0.5)),
    golden("adam_clipped", LAYERS, optimizer("adam", global_clipnorm=0.5)),
]})
