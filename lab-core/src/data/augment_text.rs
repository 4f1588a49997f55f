//! Augmentations as text, for the command line and for files: `flip,rotate=15,shift=0.1@0.5,fill=reflect`.

use std::fmt;
use std::str::FromStr;

use super::augment::{Augmentation, Range, Step};
use super::geometry::Fill;
use crate::error::{LabError, Result};

impl fmt::Display for Augmentation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Step { range, probability } in &self.steps {
            let usual = match range {
                Range::Flip => f.write_str("flip").map(|()| 0.5),
                Range::Rotation { degrees } => write!(f, "rotate={degrees}").map(|()| 1.0),
                Range::Shift { fraction } => write!(f, "shift={fraction}").map(|()| 1.0),
                Range::Crop { padding } => write!(f, "crop={padding}").map(|()| 1.0),
            }?;
            if *probability != usual {
                write!(f, "@{probability}")?;
            }
            f.write_str(",")?;
        }
        write!(f, "fill={}", self.fill)
    }
}

impl FromStr for Augmentation {
    type Err = LabError;

    /// `flip` (of every other image), `rotate=DEGREES`, `shift=FRACTION`, `crop=PIXELS`, `fill=RULE` between commas;
    /// `@P` after a movement is its probability.
    fn from_str(text: &str) -> Result<Self> {
        const KNOWN: [&str; 5] = ["flip", "rotate", "shift", "crop", "fill"];
        let mut augmentation = Self::new();
        for part in text.split(',').map(str::trim) {
            let malformed = || {
                let expected =
                    "for example `flip@0.5`, `rotate=15`, `shift=0.1`, `crop=4`, `fill=reflect`";
                LabError::value(
                    "augmentation",
                    format!("`{part}`"),
                    expected,
                    "write one of these forms",
                )
            };
            let number = |text: &str| text.parse::<f64>().map_err(|_| malformed());
            let (body, probability) = match part.split_once('@') {
                Some((body, probability)) => (body, Some(number(probability)?)),
                None => (part, None),
            };
            let (name, value) = body
                .split_once('=')
                .map_or((body, None), |(name, value)| (name, Some(value)));
            augmentation = match (name, value) {
                ("flip", None) => augmentation.horizontal_flip(0.5),
                ("rotate", Some(degrees)) => augmentation.rotation(number(degrees)?),
                ("shift", Some(fraction)) => augmentation.shift(number(fraction)?),
                ("crop", Some(padding)) => {
                    augmentation.random_crop(padding.parse().map_err(|_| malformed())?)
                }
                ("fill", Some(fill)) if probability.is_none() => augmentation.fill(fill.parse()?),
                _ if KNOWN.contains(&name) => return Err(malformed()),
                _ => return Err(LabError::name("augmentation", name, &KNOWN)),
            };
            if let Some(probability) = probability {
                augmentation = augmentation.with_probability(probability);
            }
        }
        augmentation.validate()?;
        Ok(augmentation)
    }
}

impl TryFrom<String> for Augmentation {
    type Error = LabError;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Augmentation> for String {
    fn from(augmentation: Augmentation) -> Self {
        augmentation.to_string()
    }
}

impl fmt::Display for Fill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reflect => f.write_str("reflect"),
            Self::Nearest => f.write_str("nearest"),
            Self::Wrap => f.write_str("wrap"),
            Self::Constant(value) => write!(f, "{value}"),
        }
    }
}

impl FromStr for Fill {
    type Err = LabError;

    /// `reflect`, `nearest`, `wrap`, or the constant as a number from 0 to 255.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "reflect" => Ok(Self::Reflect),
            "nearest" => Ok(Self::Nearest),
            "wrap" => Ok(Self::Wrap),
            _ => match text.parse() {
                Ok(value) => Ok(Self::Constant(value)),
                Err(_) => Err(LabError::name(
                    "fill",
                    text,
                    &["reflect", "nearest", "wrap", "a number from 0 to 255"],
                )),
            },
        }
    }
}
