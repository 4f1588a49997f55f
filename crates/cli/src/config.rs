//! Everything that makes a run, as it stands in `config.toml`.

use std::path::Path;

use lab_core::data::{Augmentation, Dataset, Fill, RandomMove};
use lab_core::model::{Activation, Architecture, Dense, Sequential};
use lab_core::training::TrainingConfig;
use lab_core::{LabError, Result, Seed};
use lab_notebook::lab::{Machine, read_small};
use lab_recipes::Preset;
use serde::{Deserialize, Serialize};

use crate::data_set::SAMPLE;

/// Everything that makes a run; two runs with equal configurations on one type of machine give equal bits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The version of the laboratory.
    pub lab: String,
    pub data: Data,
    pub network: Network,
    pub training: TrainingConfig,
    pub machine: Machine,
}

/// The images of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// `cifar-10` or `sample`.
    pub set: String,
    pub split: Split,
    pub train: usize,
    pub validation: usize,
    pub test: usize,
}

/// How the validation images are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// The last 20 %, as Keras's validation_split
    Last,
    /// 20 % at random, with seed 42 whatever --seed says
    Random,
    /// 20 % of each class at random, with seed 42
    Stratified,
    /// None: all images are trained on
    None,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// `512:elu,256:tanh,128:elu`; ten softmax units follow.
    pub layers: String,
    /// One rate for each of the layers.
    pub dropout: Vec<f32>,
    pub l2: f32,
    /// The recipe that stands for all of it.
    pub preset: Option<Preset>,
}

/// The seed of the lab's random split.
const SPLIT_SEED: Seed = Seed(42);

impl Split {
    /// The training part, and the validation part if any.
    ///
    /// # Errors
    /// Where there are too few images.
    pub fn divide(self, images: &Dataset) -> Result<(Dataset, Option<Dataset>)> {
        let (train, validation) = match self {
            Self::Last => images.hold_out_last(0.2),
            Self::Random => images.split(0.8, SPLIT_SEED),
            Self::Stratified => images.split_stratified(0.8, SPLIT_SEED),
            Self::None => return Ok((images.clone(), None)),
        }?;
        Ok((train, Some(validation)))
    }
}

impl Network {
    /// Reads `--layers`, `--dropout` and `--l2`. Without `dropout`, the lab's rates go with the lab's layers, and none
    /// with others.
    ///
    /// # Errors
    /// Names the option, what it said, and how to write it.
    pub fn parse(layers: Option<&str>, dropout: Option<&str>, l2: f32) -> Result<Self> {
        let count = widths(layers.unwrap_or(LAYERS))?.len();
        let rates = match (dropout, layers) {
            (Some(text), _) => rates(text, count)?,
            (None, None) => vec![0.5, 0.5, 0.0],
            (None, Some(_)) => vec![0.0; count],
        };
        Ok(Self {
            layers: layers.unwrap_or(LAYERS).replace(' ', ""),
            dropout: rates,
            l2,
            ..Self::default()
        })
    }

    /// The plan of the network for images of this shape.
    ///
    /// # Errors
    /// Where `layers` is not written as it should be.
    pub fn architecture(&self, shape: [usize; 3], classes: usize) -> Result<Architecture> {
        if let Some(preset) = self.preset {
            return Ok(preset.architecture());
        }
        let mut plan = Sequential::new(shape).flatten();
        for ((units, activation), rate) in widths(&self.layers)?.into_iter().zip(&self.dropout) {
            plan = plan.layer(Dense::new(units, activation).l2(self.l2));
            // A rate of 0 is no layer; any other is checked when the network is built.
            if *rate != 0.0 {
                plan = plan.dropout(*rate);
            }
        }
        Ok(plan.dense(classes, Activation::Softmax))
    }
}

/// The lab's final network.
const LAYERS: &str = "512:elu,256:tanh,128:elu";

/// `512:elu,256:tanh` → units and activations; nothing at all is a network without hidden layers.
fn widths(text: &str) -> Result<Vec<(usize, Activation)>> {
    let parts = text.split(',').map(str::trim);
    let layer = |part: &str| {
        let (found, remedy) = (format!("`{part}`"), format!("write it like \"{LAYERS}\""));
        let wrong = |_| LabError::value("--layers", found, "UNITS:ACTIVATION", remedy);
        let (units, activation) = part.split_once(':').unwrap_or((part, "relu"));
        Ok((units.trim().parse().map_err(wrong)?, activation.parse()?))
    };
    parts.filter(|part| !part.is_empty()).map(layer).collect()
}

/// `0.5,0.5,0`, or one rate for all layers.
fn rates(text: &str, layers: usize) -> Result<Vec<f32>> {
    let wrong = |found: String| {
        let expected = format!("one rate, or one for each of the {layers} layers");
        let remedy = "write it like \"0.5,0.5,0\"; 0 is no dropout";
        LabError::value("--dropout", found, expected, remedy)
    };
    let parse = |rate: &str| rate.trim().parse().map_err(|_| wrong(format!("`{rate}`")));
    let rates = text.split(',').map(parse).collect::<Result<Vec<f32>>>()?;
    match rates.len() {
        1 => Ok(vec![rates[0]; layers]),
        count if count == layers => Ok(rates),
        count => Err(wrong(format!("{count} rates"))),
    }
}

/// Reads `--augment flip,rotate=15,shift=0.1@0.5,fill=reflect`; `@P` after a move is its probability.
///
/// # Errors
/// Names the part that is not written as it should be, or whose amount is out of range.
pub fn augmentation(text: &str) -> Result<Augmentation> {
    const MOVES: [&str; 5] = ["flip", "rotate", "shift", "crop", "fill"];
    let mut augmentation = Augmentation::new();
    for part in text.split(',').map(str::trim) {
        let wrong = || {
            let expected =
                "flip@0.5, rotate=15, shift=0.1, crop=4 or fill=reflect, nearest, wrap or 0 to 255";
            let found = format!("`{part}`");
            LabError::value("--augment", found, expected, "write one of these")
        };
        let usual = if part == "flip" { "0.5" } else { "1" };
        let (option, probability) = part.split_once('@').unwrap_or((part, usual));
        let probability = probability.parse().map_err(|_| wrong())?;
        let known = match option.split_once('=').unwrap_or((option, "")) {
            ("flip", "") => Some(RandomMove::Flip),
            ("rotate", degrees) => degrees.parse().ok().map(RandomMove::Rotate),
            ("shift", fraction) => fraction.parse().ok().map(RandomMove::Shift),
            ("crop", pixels) => pixels.parse().ok().map(RandomMove::Crop),
            ("fill", rule) if option == part => {
                augmentation.fill = match rule {
                    "reflect" => Fill::Reflect,
                    "nearest" => Fill::Nearest,
                    "wrap" => Fill::Wrap,
                    value => Fill::Constant(value.parse().map_err(|_| wrong())?),
                };
                continue;
            }
            ("flip" | "fill", _) => None,
            (name, _) => return Err(LabError::name("augmentation", name, &MOVES)),
        };
        augmentation = augmentation.with(known.ok_or_else(wrong)?, probability);
    }
    augmentation.validate()?;
    Ok(augmentation)
}

/// The name of the whole data set in a run's configuration.
pub const CIFAR10: &str = "cifar-10";

impl Config {
    /// The name of the file in a run's folder.
    pub const FILE: &str = "config.toml";

    /// Reads a run's configuration.
    ///
    /// # Errors
    /// Names the file, what is wrong with it, and what to do.
    pub fn read(run: &Path) -> Result<Self> {
        let path = run.join(Self::FILE);
        let remedy = "give the folder of a finished run, such as outputs/runs/final; `cargo lab train` makes one";
        let text = read_small(&path, "a configuration of some lines", remedy)?;
        let wrong = |found: &str| {
            let remedy = "train again, or mend that line";
            LabError::format(&path, found, "the configuration of a run", remedy)
        };
        let config = toml::from_str(&text);
        let config: Self = config.map_err(|error| wrong(error.to_string().trim()))?;
        match &config.data.set[..] {
            SAMPLE | CIFAR10 => Ok(config),
            other => Err(wrong(&format!("a data set `{other}`"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_options_the_network_is_the_labs_final_one() {
        let network = Network::parse(None, None, 0.0).unwrap();
        let plan = Sequential::new([32, 32, 3])
            .flatten()
            .dense(512, Activation::Elu)
            .dropout(0.5)
            .dense(256, Activation::Tanh)
            .dropout(0.5)
            .dense(128, Activation::Elu)
            .dense(10, Activation::Softmax);
        assert_eq!(network.architecture([32, 32, 3], 10).unwrap(), plan);
        assert_eq!(plan.parameter_count().unwrap(), 1_738_890);
    }

    #[test]
    fn other_layers_come_without_dropout_and_one_rate_goes_for_all() {
        assert_eq!(
            Network::parse(Some("128:relu, 64"), None, 0.0)
                .unwrap()
                .dropout,
            [0.0; 2]
        );
        assert_eq!(
            Network::parse(Some("128:relu, 64"), Some("0.3"), 0.0)
                .unwrap()
                .dropout,
            [0.3; 2]
        );
        assert_eq!(
            Network::parse(Some(""), Some("0.3"), 0.0).unwrap().dropout,
            [0.0; 0]
        );
    }

    #[test]
    fn an_augmentation_is_what_its_text_says() {
        let all = Augmentation::new()
            .horizontal_flip(0.5)
            .rotation(15.0)
            .shift(0.1)
            .random_crop(4);
        for (text, expected) in [
            ("flip,rotate=15,shift=0.1,crop=4", all.clone()),
            ("flip, rotate=15 ,shift=0.1,crop=4,fill=reflect", all),
            (
                "flip@0.25,rotate=7.5@0.125,fill=128",
                Augmentation::new()
                    .horizontal_flip(0.25)
                    .with(RandomMove::Rotate(7.5), 0.125)
                    .fill(Fill::Constant(128)),
            ),
            (
                "shift=0.2,shift=0.3@0,fill=wrap",
                Augmentation::new()
                    .shift(0.2)
                    .with(RandomMove::Shift(0.3), 0.0)
                    .fill(Fill::Wrap),
            ),
            ("fill=nearest", Augmentation::new().fill(Fill::Nearest)),
        ] {
            assert_eq!(augmentation(text).unwrap(), expected, "{text}");
            let toml = toml::to_string(&expected).unwrap();
            assert_eq!(toml::from_str::<Augmentation>(&toml).unwrap(), expected);
        }
        let toml = toml::to_string(&augmentation("flip,rotate=15,fill=7").unwrap()).unwrap();
        assert_eq!(
            toml,
            "moves = [[\"flip\", 0.5], [{ rotate = 15.0 }, 1.0]]\n\n[fill]\nconstant = 7\n"
        );
    }

    #[test]
    fn wrong_augmentations_are_named() {
        let message = |text| augmentation(text).unwrap_err().to_string();
        assert!(message("flop").contains("did you mean `flip`?"));
        assert!(message("").contains("unknown augmentation ``"));
        for text in [
            "fill=mirror",
            "fill=256",
            "rotate",
            "rotate=much",
            "crop=1.5",
            "flip=1",
            "flip@often",
            "fill=wrap@0.5",
            "fill",
        ] {
            let error = message(text);
            assert!(
                error.contains(&format!("--augment: found `{text}`")),
                "{error}"
            );
        }
        let error = message("shift=3");
        assert!(error.contains("shift: found 3, expected 0 to 1"), "{error}");
    }

    #[test]
    fn wrong_layers_and_rates_are_named() {
        let message = |layers, dropout| {
            Network::parse(layers, dropout, 0.0)
                .unwrap_err()
                .to_string()
        };
        assert!(message(Some("512:rleu"), None).contains("did you mean `relu`"));
        assert!(message(Some("wide:relu"), None).contains("--layers: found `wide:relu`"));
        assert!(
            message(None, Some("0.5,0.5"))
                .contains("--dropout: found 2 rates, expected one rate, or one for each of the 3")
        );
        assert!(message(None, Some("half")).contains("--dropout: found `half`"));
    }
}
