//! What the presets promise before they are trained.

use lab_core::model::LayerKind;
use lab_recipes::Preset;

#[test]
fn the_mlp_has_no_layer_that_knows_of_neighbours_and_at_most_ten_million_weights() {
    let plan = Preset::Mlp.architecture();
    let knowing = |it: &&LayerKind| matches!(it, LayerKind::Conv2d(_) | LayerKind::Pooling2d(_));
    assert_eq!(plan.layers.iter().filter(knowing).count(), 0);
    assert!(plan.parameter_count().unwrap() <= 10_000_000);
}
