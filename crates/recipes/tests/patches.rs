//! The recipe without backpropagation, on the built-in images.

use lab_core::data::{Cifar10, Dataset};
use lab_core::training::EpochLines;
use lab_core::{Result, Seed};
use lab_recipes::patches::{Patches, copy_weights};

const SMALL: Patches = Patches {
    count: 16,
    cells: 2,
};

/// The mean difference of two sets of features.
fn difference(a: &Dataset, b: &Dataset) -> f64 {
    let (a, b) = (a.images(), b.images());
    let differences = a.iter().zip(&b).map(|(a, b)| f64::from(a.abs_diff(*b)));
    differences.sum::<f64>() / a.len() as f64
}

#[test]
fn the_features_of_a_mirror_image_are_those_of_the_image_in_reverse_order() -> Result<()> {
    let images = Cifar10::sample().train;
    let mut model = SMALL.architecture().build(Seed(0))?;
    SMALL.fill(&mut model, &images, Seed(0))?;
    let images = images.take(40);
    let features = SMALL.apply(&model, &images, |_| ())?;
    let mirrored = SMALL.apply(&model, &images.flipped()?, |_| ())?;
    let [same, other] = [&features.flipped()?, &features].map(|it| difference(it, &mirrored));
    assert!(10.0 * same < other, "{same} and {other} of 255");
    Ok(())
}

#[test]
fn the_whole_network_answers_as_its_last_layer_does_on_the_features() -> Result<()> {
    let cifar = Cifar10::sample();
    let mut model = SMALL.architecture().build(Seed(0))?;
    SMALL.fill(&mut model, &cifar.train, Seed(0))?;
    let mut seen = Vec::new();
    let train = SMALL.apply(&model, &cifar.train, |done| seen.push(done))?;
    assert_eq!(seen, [1000]);
    let test = SMALL.apply(&model, &cifar.test, |_| ())?;
    let mut last_layer = SMALL.last_layer().build(Seed(0))?;
    let trainer = SMALL
        .trainer(Seed(0))
        .progress(EpochLines::to(std::io::sink()));
    { trainer }.fit(&mut last_layer, &train, None)?;
    copy_weights(&last_layer, &mut model)?;

    let (whole, part) = (model.predict(&cifar.test)?, last_layer.predict(&test)?);
    let differences = whole.iter().zip(&part).map(|(a, b)| (a - b).abs());
    let mean = differences.sum::<f32>() / whole.len() as f32;
    assert!(mean < 0.005, "{mean}: bytes are all that lies between");
    let accuracy = model.evaluate(&cifar.test)?.accuracy;
    assert!(accuracy > 0.25, "{accuracy} after 80 steps");
    Ok(())
}

#[test]
fn more_patches_than_images_are_refused() -> Result<()> {
    let images = Cifar10::sample().train.take(10);
    let mut model = SMALL.architecture().build(Seed(0))?;
    let error = SMALL.fill(&mut model, &images, Seed(0)).unwrap_err();
    let error = error.to_string();
    assert!(error.contains("found 10, expected 16 or more"), "{error}");
    Ok(())
}
