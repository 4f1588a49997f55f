//! Augmentations as text, for the command line and for files: `flip,rotate=15,shift=0.1@0.5,fill=reflect`.

use std::fmt;
use std::str::FromStr;

use super::augment::{Augmentation, Movement};
use super::geometry::Fill;
use crate::error::{LabError, Result};

/// The probability that a text leaves out.
fn usual_probability(movement: &Movement) -> f64 {
    match movement {
        Movement::Flip => 0.5,
        _ => 1.0,
    }
}

impl fmt::Display for Augmentation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (movement, probability) in &self.movements {
            match movement.name_amount_and_limit() {
                ("flip", ..) => f.write_str("flip")?,
                (name, amount, _) => write!(f, "{name}={amount}")?,
            }
            if *probability != usual_probability(movement) {
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
            if let Some(fill) = part.strip_prefix("fill=") {
                augmentation.fill = fill.parse()?;
                continue;
            }
            let (option, probability) = part.split_once('@').unwrap_or((part, ""));
            let (name, amount) = option.split_once('=').unwrap_or((option, ""));
            let movement = match name {
                "flip" => amount.is_empty().then_some(Movement::Flip),
                "rotate" => amount.parse().ok().map(Movement::Rotate),
                "shift" => amount.parse().ok().map(Movement::Shift),
                "crop" => amount.parse().ok().map(Movement::Crop),
                _ => return Err(LabError::name("augmentation", name, &KNOWN)),
            };
            let probability = match probability {
                "" => movement.as_ref().map(usual_probability),
                _ => probability.parse().ok(),
            };
            let (Some(movement), Some(probability)) = (movement, probability) else {
                let found = format!("`{part}`");
                let expected = "for example `flip@0.5`, `rotate=15`, `shift=0.1` or `crop=4`";
                let remedy = "write one of these forms";
                return Err(LabError::value("augmentation", found, expected, remedy));
            };
            augmentation = augmentation.with(movement, probability);
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
        const KNOWN: [&str; 4] = ["reflect", "nearest", "wrap", "a number from 0 to 255"];
        match text {
            "reflect" => Ok(Self::Reflect),
            "nearest" => Ok(Self::Nearest),
            "wrap" => Ok(Self::Wrap),
            _ => match text.parse() {
                Ok(value) => Ok(Self::Constant(value)),
                Err(_) => Err(LabError::name("fill", text, &KNOWN)),
            },
        }
    }
}
