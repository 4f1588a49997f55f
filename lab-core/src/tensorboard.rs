//! Event files for TensorBoard, under the names that Keras gives its curves (feature `tensorboard`, off by default).
//!
//! The folder of a training has two in it, `train` and `validation`, which TensorBoard draws as two curves of one
//! picture: `epoch_loss`, `epoch_accuracy`, and in `train` also `epoch_learning_rate` and a histogram of each array of
//! weights. Steps are epochs, from 0 as in Keras.

use std::fs::{File, OpenOptions, create_dir_all};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use protobuf::Message;
use tensorboard_proto::event::Event;
use tensorboard_proto::summary::{HistogramProto, Summary, Summary_Image, Summary_Value};

use crate::data::Dataset;
use crate::error::{LabError, Result};
use crate::files::write_failed;
use crate::model::Sequential;
use crate::training::{Callback, Control, EpochRecord, History, Stopped};

/// A callback that writes what TensorBoard shows: curves, histograms of the weights, and pictures of mistakes.
///
/// ```
/// use lab_core::prelude::*;
/// # let folder = tempfile::tempdir().unwrap();
/// # let folder = folder.path();
/// let cifar = Cifar10::sample();
/// let mut model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
/// Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3))
///     .epochs(2)
///     .callback(TensorBoard::new(folder.join("first")).mistakes(&cifar.test, 16))
///     .fit(&mut model, &cifar.train, &cifar.test)?;
/// assert!(folder.join("first/train").is_dir() && folder.join("first/validation").is_dir());
/// # Ok::<(), LabError>(())
/// ```
///
/// Each training needs a folder of its own: a second one in the same folder takes the place of the first.
pub struct TensorBoard {
    folder: PathBuf,
    mistakes: Option<(Dataset, usize)>,
    train: Option<Events>,
    validation: Option<Events>,
}

impl TensorBoard {
    /// Writes into `folder`, which is made where it is not there; `tensorboard --logdir` takes it or the one above it.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            mistakes: None,
            train: None,
            validation: None,
        }
    }

    /// Shows, when the training has ended, the `count` images of `data` whose class was missed by most: those whose
    /// true class was given the least probability.
    ///
    /// They are those of the best weights where a callback before this one restores them.
    pub fn mistakes(mut self, data: &Dataset, count: usize) -> Self {
        self.mistakes = Some((data.clone(), count));
        self
    }

    /// The file of `train` or `validation`, begun when there is something to write.
    fn events<'a>(
        folder: &Path,
        name: &str,
        events: &'a mut Option<Events>,
    ) -> Result<&'a mut Events> {
        Ok(match events {
            Some(events) => events,
            None => events.insert(Events::begin(&folder.join(name))?),
        })
    }
}

impl Callback for TensorBoard {
    /// A second `fit` begins new files.
    fn on_train_begin(&mut self, control: &mut Control<'_>) -> Result<()> {
        (self.train, self.validation) = (None, None);
        if let Some((data, _)) = &self.mistakes {
            // Data that do not fit are found now, not after the last epoch.
            control.model.evaluate(&data.take(1))?;
        }
        Ok(())
    }

    fn on_epoch_end(&mut self, record: &EpochRecord, control: &mut Control<'_>) -> Result<()> {
        let step = record.epoch - 1;
        let mut values = vec![
            scalar("epoch_loss", record.loss),
            scalar("epoch_accuracy", record.accuracy),
            scalar("epoch_learning_rate", record.learning_rate.into()),
        ];
        for name in control.model.weight_names() {
            let weights = control
                .model
                .weight(name)?
                .iter()
                .copied()
                .filter(|weight| weight.is_finite())
                .collect();
            values.extend(histogram(
                &format!("{}/histogram", name.replace('.', "/")),
                weights,
            ));
        }
        Self::events(&self.folder, "train", &mut self.train)?.write(step, values)?;
        let validated = [
            ("epoch_loss", record.val_loss),
            ("epoch_accuracy", record.val_accuracy),
        ];
        let values: Vec<_> = validated
            .iter()
            .filter_map(|(tag, value)| value.map(|value| scalar(tag, value)))
            .collect();
        match values.is_empty() {
            true => Ok(()),
            false => {
                Self::events(&self.folder, "validation", &mut self.validation)?.write(step, values)
            }
        }
    }

    fn on_train_end(&mut self, history: &History, control: &mut Control<'_>) -> Result<()> {
        let Some((data, count)) = &self.mistakes else {
            return Ok(());
        };
        // The weights of a training that has diverged are no numbers any more.
        if history.epochs.is_empty() || matches!(history.stopped, Stopped::Diverged { .. }) {
            return Ok(());
        }
        let values = mistakes(control.model, data, *count)?;
        Self::events(&self.folder, "validation", &mut self.validation)?
            .write(history.epochs.len() - 1, values)
    }
}

/// A file of events.
struct Events {
    path: PathBuf,
    file: File,
}

impl Events {
    /// Begins a new one in `folder`, beside those of earlier trainings.
    fn begin(folder: &Path) -> Result<Self> {
        let failed = |error| write_failed(folder, error);
        create_dir_all(folder).map_err(failed)?;
        // TensorBoard reads the files of a folder in the order of their names.
        let (seconds, process) = (now() as u64, std::process::id());
        for number in 0.. {
            let path = folder.join(format!(
                "events.out.tfevents.{seconds:010}.lab-core.{process}.{number:04}"
            ));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                file => {
                    let mut events = Self {
                        path,
                        file: file.map_err(failed)?,
                    };
                    let mut version = Event::new();
                    version.set_file_version("brain.Event:2".to_owned());
                    return events.put(version).map(|()| events);
                }
            }
        }
        unreachable!("one of the numbers is free")
    }

    /// Writes one event with all that belongs to a step, at once, for TensorBoard may be reading.
    fn write(&mut self, step: usize, values: Vec<Summary_Value>) -> Result<()> {
        let mut summary = Summary::new();
        summary.set_value(values.into());
        let mut event = Event::new();
        event.set_step(step as i64);
        event.set_summary(summary);
        self.put(event)
    }

    fn put(&mut self, mut event: Event) -> Result<()> {
        event.set_wall_time(now());
        let bytes = event
            .write_to_bytes()
            .map_err(|error| write_failed(&self.path, error.into()))?;
        self.file
            .write_all(&record(&bytes))
            .map_err(|error| write_failed(&self.path, error))
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64()
}

/// The frame of an event in a file (TFRecord): length, its checksum, the event, its checksum.
fn record(event: &[u8]) -> Vec<u8> {
    let length = (event.len() as u64).to_le_bytes();
    let parts = [
        &length[..],
        &masked_crc(&length).to_le_bytes(),
        event,
        &masked_crc(event).to_le_bytes(),
    ];
    parts.concat()
}

/// The CRC-32C (Castagnoli) of some bytes, turned and shifted as TFRecord wants it.
fn masked_crc(bytes: &[u8]) -> u32 {
    let crc = !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0x82f6_3b78 * (crc & 1))
        })
    });
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

fn scalar(tag: &str, value: f64) -> Summary_Value {
    let mut scalar = Summary_Value::new();
    scalar.set_tag(tag.to_owned());
    scalar.set_simple_value(value as f32);
    scalar
}

/// Thirty buckets of one width, as TensorBoard's own writer makes them; none without any value.
fn histogram(tag: &str, values: Vec<f32>) -> Option<Summary_Value> {
    const BUCKETS: usize = 30;
    let lowest = f64::from(values.iter().copied().reduce(f32::min)?);
    let highest = f64::from(values.iter().copied().reduce(f32::max)?);
    // Where all are the same (biases at the start) the buckets lie about them.
    let (from, to) = if lowest < highest {
        (lowest, highest)
    } else {
        (lowest - 0.5, lowest + 0.5)
    };
    let width = (to - from) / BUCKETS as f64;
    let mut counts = vec![0.0; BUCKETS];
    values.iter().for_each(|value| {
        counts[(((f64::from(*value) - from) / width) as usize).min(BUCKETS - 1)] += 1.0
    });
    let mut histogram = HistogramProto::new();
    histogram.set_min(from);
    histogram.set_max(to);
    histogram.set_num(values.len() as f64);
    histogram.set_sum(values.iter().map(|value| f64::from(*value)).sum());
    histogram.set_sum_squares(values.iter().map(|value| f64::from(*value).powi(2)).sum());
    histogram.set_bucket_limit(
        (1..=BUCKETS)
            .map(|number| from + width * number as f64)
            .collect(),
    );
    histogram.set_bucket(counts);
    let mut summary = Summary_Value::new();
    summary.set_tag(tag.to_owned());
    summary.set_histo(histogram);
    Some(summary)
}

/// The worst mistakes of a network, worst first, each with what it is and what it was taken for.
fn mistakes(model: &Sequential, data: &Dataset, count: usize) -> Result<Vec<Summary_Value>> {
    let evaluation = model.evaluate_with(data, crate::training::Loss::MeanSquaredError)?;
    let (truth, predicted, outputs) = (
        &evaluation.truth,
        &evaluation.predicted,
        &evaluation.outputs,
    );
    let given = |row: usize, class: u8| outputs[[row, usize::from(class)]];
    let mut wrong: Vec<usize> = (0..truth.len())
        .filter(|&row| truth[row] != predicted[row])
        .collect();
    wrong.sort_by(|a, b| given(*a, truth[*a]).total_cmp(&given(*b, truth[*b])));
    let name = |class: u8| &data.class_names()[usize::from(class)];
    let picture = |(place, &row): (usize, &usize)| {
        let (is, taken, percent) = (
            name(truth[row]),
            name(predicted[row]),
            100.0 * given(row, predicted[row]),
        );
        image(
            &format!(
                "mistakes/{:02} {is} taken for {taken} ({percent:.0} %)",
                place + 1
            ),
            data,
            row,
        )
    };
    wrong.iter().take(count).enumerate().map(picture).collect()
}

/// An image of a data set as PNG, each pixel as four by four.
fn image(tag: &str, data: &Dataset, row: usize) -> Result<Summary_Value> {
    const SCALE: usize = 4;
    let pixels = data
        .image(row)
        .ok_or_else(|| LabError::value("image", row.to_string(), "a row", "report this"))?;
    let [height, width, channels] = data.image_shape();
    let (colour, shown) = if channels == 3 {
        (png::ColorType::Rgb, 3)
    } else {
        (png::ColorType::Grayscale, 1)
    };
    let place = |y: usize, x: usize| (0..shown).map(move |channel| [y / SCALE, x / SCALE, channel]);
    let places =
        (0..height * SCALE).flat_map(|y| (0..width * SCALE).flat_map(move |x| place(y, x)));
    let bytes: Vec<u8> = places.map(|place| pixels[place]).collect();
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, (width * SCALE) as u32, (height * SCALE) as u32);
    encoder.set_color(colour);
    let written = encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&bytes));
    written.map_err(|error| {
        LabError::value(
            "image",
            error.to_string(),
            "a picture",
            "use smaller images",
        )
    })?;
    let mut picture = Summary_Image::new();
    picture.set_height((height * SCALE) as i32);
    picture.set_width((width * SCALE) as i32);
    picture.set_colorspace(shown as i32);
    picture.set_encoded_image_string(png);
    let mut summary = Summary_Value::new();
    summary.set_tag(tag.to_owned());
    summary.set_image(picture);
    Ok(summary)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::{Activation, Adam, Cifar10, Loss, Seed, Silent, Trainer};

    /// The events of the only file in a folder, read by the rules of TFRecord alone.
    fn events(folder: &Path) -> Vec<Event> {
        let files: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(files.len(), 1, "{files:?}");
        let (file, mut at, mut events) = (std::fs::read(&files[0]).unwrap(), 0, Vec::new());
        while at < file.len() {
            let length = u64::from_le_bytes(file[at..at + 8].try_into().unwrap()) as usize;
            events.push(Event::parse_from_bytes(&file[at + 12..at + 12 + length]).unwrap());
            at += 16 + length;
        }
        assert_eq!(at, file.len());
        events
    }

    #[test]
    fn checksums_are_those_of_the_standard() {
        // RFC 3720, appendix B.4, and the check value of the Castagnoli polynomial; masked and not.
        let plain = |bytes: &[u8]| masked_crc(bytes).wrapping_sub(0xa282_ead8).rotate_left(15);
        assert_eq!(plain(&[0; 32]), 0x8a91_36aa);
        assert_eq!(plain(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(plain(b"123456789"), 0xe306_9283);
        let framed = record(b"123456789");
        assert_eq!(
            (framed.len(), &framed[..8], &framed[12..21]),
            (25, &[9, 0, 0, 0, 0, 0, 0, 0][..], &b"123456789"[..])
        );
    }

    #[test]
    fn every_epoch_is_in_the_files_with_the_numbers_of_the_history() {
        let (folder, cifar) = (tempfile::tempdir().unwrap(), Cifar10::sample());
        let plan = Sequential::new([32, 32, 3])
            .flatten()
            .dense(8, Activation::Elu)
            .dense(10, Activation::Softmax);
        let mut model = plan.build(Seed(0)).unwrap();
        let board = TensorBoard::new(folder.path()).mistakes(&cifar.test, 5);
        let mut trainer = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3))
            .epochs(3)
            .progress(Silent);
        trainer = trainer.callback(board);
        let history = trainer.fit(&mut model, &cifar.train, &cifar.test).unwrap();

        let train = events(&folder.path().join("train"));
        assert_eq!(train[0].get_file_version(), "brain.Event:2");
        assert_eq!(
            train
                .iter()
                .skip(1)
                .map(|event| event.step)
                .collect::<Vec<_>>(),
            [0, 1, 2]
        );
        for (event, record) in train[1..].iter().zip(&history.epochs) {
            let values = event.get_summary().get_value();
            assert_eq!(
                (values[0].get_tag(), values[0].get_simple_value()),
                ("epoch_loss", record.loss as f32)
            );
            assert_eq!(values.len(), 3 + 4);
        }
        let kernel = train[3].get_summary().get_value()[3].clone();
        assert_eq!(kernel.get_tag(), "dense/kernel/histogram");
        let counted: f64 = kernel.get_histo().bucket.iter().sum();
        assert_eq!(counted, 3072.0 * 8.0);
        let sum: f64 = model
            .weight("dense.kernel")
            .unwrap()
            .iter()
            .map(|&weight| f64::from(weight))
            .sum();
        assert!((kernel.get_histo().sum - sum).abs() < 1e-9);

        let validation = events(&folder.path().join("validation"));
        assert_eq!(
            validation[3].get_summary().get_value()[1].get_simple_value(),
            history.epochs[2].val_accuracy.unwrap() as f32
        );
        let pictures = validation[4].get_summary().get_value();
        assert_eq!((validation[4].step, pictures.len()), (2, 5));
        assert!(
            pictures[0].get_tag().starts_with("mistakes/01 ")
                && pictures[0].get_tag().contains(" taken for ")
        );
        assert_eq!(&pictures[0].get_image().encoded_image_string[1..4], b"PNG");
    }

    #[test]
    fn weights_that_are_all_the_same_have_a_histogram_too() {
        let of_zeros = histogram("bias", vec![0.0; 7]).unwrap();
        assert_eq!(of_zeros.get_histo().bucket.iter().sum::<f64>(), 7.0);
        assert!(histogram("none", Vec::new()).is_none());
    }
}
