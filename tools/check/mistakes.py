"""The mistakes that beginners make most, each made in a real kernel: what is seen must name the mistake and the mend.

    .lab/venv/bin/python tools/check/mistakes.py [PART OF A NAME]

prints a line for each mistake, with what was seen where that is not what it should be, and exits 1 then. Where the
compiler or the kernel speaks, the mend stands in environment.md, under words of the message; that is checked too.
"""

import os
import queue
import re
import sys
import time
from typing import NamedTuple

os.environ["LAB_SCALE"] = "sample"
from kernels import FIRST, LABORATORY, SLOW, Cell, kernel  # noqa: E402

PAGE = (LABORATORY / "environment.md").read_text()

# What every notebook begins with, besides the first cell.
DATA = """let lab = Lab::at("../target/mistakes", Scale::Sample);
let cifar = lab.cifar10()?;
let (train, validation): (Dataset, Dataset) = cifar.train.split(0.8, Seed(42))?;
fn trainer(rate: f32) -> Trainer {
    Trainer::new(Loss::CategoricalCrossentropy, Adam::new(rate)).epochs(2).batch_size(64)
}
fn network(last: usize, activation: Activation) -> Result<Sequential> {
    Sequential::new([32, 32, 3]).flatten().dense(16, Activation::Elu).dense(last, activation).build(Seed(0))
}"""


class Mistake(NamedTuple):
    """Cells that make it; together they must show all the words."""

    name: str
    cells: list
    words: list
    # Words of the compiler's or the kernel's message, under which environment.md has the mend.
    under: str = ""


# What the library says itself.
LIBRARY = [
    Mistake("a network for images of another shape",
            ["let mut other = Sequential::new([28, 28, 1]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;\n"
             "trainer(1e-3).fit(&mut other, &train, &validation)?;"],
            ["training data: found shape [32, 32, 3], expected [28, 28, 1]", "begin the network with Sequential::new([32, 32, 3])"]),
    Mistake("flatten forgotten",
            ["let bare = Sequential::new([32, 32, 3]).dense(10, Activation::Softmax).build(Seed(0))?;"],
            ["dense: found shape [32, 32, 3]", "put .flatten() before"]),
    Mistake("too few classes in the last layer",
            ["trainer(1e-3).fit(&mut network(2, Activation::Softmax)?, &train, &validation)?;"],
            ["last layer: found shape [2], expected [10]", ".dense(10, Activation::Softmax)"]),
    Mistake("softmax missing before cross-entropy",
            ["trainer(1e-3).fit(&mut network(10, Activation::Linear)?, &train, &validation)?;"],
            ["last layer: found linear, expected softmax", "end the network with .dense(10, Activation::Softmax)"]),
    Mistake("softmax twice: the summary",
            ["let twice = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).dense(10, Activation::Softmax).build(Seed(0))?;\n"
             "twice.summary()"],
            ["warning: dense: softmax before the last layer", "use it in the last one alone"]),
    Mistake("softmax twice: the training",
            ["let mut twice = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).dense(10, Activation::Softmax).build(Seed(0))?;\n"
             "trainer(1e-2).fit(&mut twice, &train, &validation)?;"],
            ["Epoch 2/2", "warning: dense: softmax before the last layer"]),
    Mistake("class numbers where rows of one-hot belong",
            ["use lab_notebook::ndarray::Array2;\n"
             "let column: Array2<f32> = Array2::from_shape_fn((64, 1), |(i, _)| f32::from(train.labels()[i]));\n"
             "let images: Vec<_> = train.batches(64)?.take(1).collect();\n"
             "trainer(1e-3).train_on_batch(&mut network(10, Activation::Softmax)?, &images[0].images, Targets::from(column.view()))?;"],
            ["targets: found shape [64, 1], expected [64, 10]", "a row that one_hot(&labels, classes) makes"]),
    Mistake("labels counted from 1",
            ["let wrong = Dataset::new(train.take(3).images(), vec![1, 2, 10], train.class_names().to_vec())?;"],
            ["labels: found label 10 at position 2, expected 0 to 9", "count the labels from 0"]),
    Mistake("bytes divided by 255 twice",
            ["let divided = Dataset::new(train.images().mapv(|byte| byte / 255), train.labels(), train.class_names().to_vec())?;\n"
             "trainer(1e-2).fit(&mut network(10, Activation::Softmax)?, &divided, None)?;"],
            ["warning: no pixel is above 1: give the bytes from 0 to 255"]),
    Mistake("standardized twice, which changes nothing",
            ["let once = train.clone().with_normalization(Normalization::standardize(&train)?)?;\n"
             "let twice = once.clone().with_normalization(Normalization::standardize(&once)?)?;\n"
             'println!("{}", once.normalization() == twice.normalization());'],
            ["true"]),
    Mistake("the validation part not normalized as the training part",
            ["let standardized = train.clone().with_normalization(Normalization::standardize(&train)?)?;\n"
             "trainer(1e-3).fit(&mut network(10, Activation::Softmax)?, &standardized, &validation)?;"],
            ["validation data: found another normalization", "call .with_normalization with the training part's on both"]),
    Mistake("validating on what was trained on",
            ["trainer(1e-3).fit(&mut network(10, Activation::Softmax)?, &cifar.train, &validation)?;"],
            ["warning: 200 of the validation images were trained on", "train on one part of a split and validate on the other"]),
    Mistake("a learning rate far too large, in a run",
            ['trainer(10.0).log_to(lab.run("large").quietly())?.fit(&mut network(10, Activation::Softmax)?, &train, &validation)?;\nprintln!("{}", lab.saved("large")?);'],
            ["warning: the loss was ", "the learning rate 10.0 is too large, try a tenth of it"]),
    Mistake("a learning rate at which the loss becomes NaN",
            ["let mut unbounded = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Linear).build(Seed(0))?;\n"
             "Trainer::new(Loss::MeanSquaredError, Sgd::new(1e30)).epochs(2).fit(&mut unbounded, &train, &validation)?;"],
            ["warning: the loss became NaN in epoch 1", "try a tenth of it"]),
    Mistake("a learning rate far too small",
            ["trainer(1e-8).fit(&mut network(10, Activation::Softmax)?, &train, &validation)?;"],
            ["warning: the loss hardly moved", "is far too small, or so large that the network has died: Trainer::range_test tells which"]),
    Mistake("a batch larger than the data",
            ["trainer(1e-2).batch_size(1000).fit(&mut network(10, Activation::Softmax)?, &train, &validation)?;"],
            ["warning: a batch of 1000 is more than the 800 images"]),
    Mistake("a batch of 0", ["trainer(1e-3).batch_size(0).fit(&mut network(10, Activation::Softmax)?, &train, &validation)?;"],
            ["batch size: found 0, expected at least 1", "64 is the original lab's"]),
    Mistake("no epochs", ["trainer(1e-3).epochs(0).fit(&mut network(10, Activation::Softmax)?, &train, &validation)?;"],
            ["epochs: found 0, expected at least 1", "10 is enough for a first look"]),
    Mistake("a network that was never trained",
            ['network(10, Activation::Softmax)?.evaluate(&cifar.test)?.report()'],
            ["warning: the network was never trained", "call fit first"]),
    Mistake("a schedule that ends above its beginning",
            ["trainer(1e-3).schedule(Schedule::Cosine { lowest: 2.0 }).fit(&mut network(10, Activation::Softmax)?, &train, &validation)?;"],
            ["schedule: lowest: found 2, expected 0 to 1"]),
    Mistake("a misspelt optimizer", ['let optimizer: Optimizer = "adma".parse()?;'], ["unknown optimizer `adma`", "did you mean `adam`"]),
    Mistake("a misspelt activation", ['let activation: Activation = "rleu".parse()?;'], ["unknown activation `rleu`", "did you mean `relu`"]),
    Mistake("an augmentation that turns too far",
            ["trainer(1e-3).augmentation(Augmentation::new().rotation(200.0)).fit(&mut network(10, Activation::Softmax)?, &train, &validation)?;"],
            ["augmentation: rotate: found 200, expected 0 to 180"]),
    Mistake("the data set in another folder", ['let opened = Cifar10::open("data")?;'],
            ["data: found none of the data set's files", "run `cargo lab data`", '"../data"']),
    Mistake("a run that was never made", ['lab.saved("05-final")?;'],
            ["found nothing, expected a finished run", "cargo lab report --sample --only 05"]),
    Mistake("two notebooks that write one run",
            ['use lab_notebook::lab::RunFolder;\nlet held: RunFolder = RunFolder::begin(&lab.outputs().join("runs/taken"))?;',
             'trainer(1e-3).log_to(lab.run("taken"))?.fit(&mut network(10, Activation::Softmax)?, &train, &validation)?;'],
            ["another training at work", 'choose another name: lab.run("']),
]

# What the compiler and the kernel say; environment.md has the mend.
BEFORE = [
    Mistake("the notebook in another folder", [':dep lab-notebook = { path = "crates/notebook" }'], ['"crates/notebook"'], "No such file or directory"),
    Mistake("another crate without a network", [':dep rand = "99"'], ["rand"], "failed to select a version"),
    Mistake("the first cell not run", ["let lab = Lab::open()?;"], ["`Lab`"], "cannot find type"),
]
KERNEL = [
    Mistake("a question mark forgotten", ["let data = lab.cifar10();", 'println!("{}", data.train.len());'],
            ["no field `train` on type `std::result::Result<"], "no field `train` on type"),
    Mistake("a question mark forgotten before a method", ['lab.saved("first").test_accuracy()'], ["std::result::Result<"], "no method named"),
    Mistake("mut forgotten", ["let model = network(10, Activation::Softmax)?;", "trainer(1e-3).fit(&mut model, &train, &validation)?;"],
            ["`model`"], "as it is not declared as mutable"),
    Mistake("a model used after it was given away",
            ["fn size(model: Sequential) -> usize { model.parameter_count() }\nlet given = network(10, Activation::Softmax)?;",
             'println!("{}", size(given));', "given.summary()"], ["`given`"], "cannot find value"),
    Mistake("a model used after it was given away in the same cell",
            ["fn of(model: Sequential) -> usize { model.parameter_count() }\nlet gone = network(10, Activation::Softmax)?;\nof(gone);\ngone.summary()"],
            ["`gone`"], "borrow of moved value"),
    Mistake("a closure kept", ["let half = |x: f32| x / 2.0;"], ["`half`"], "is a closure, which cannot be persisted"),
    Mistake("a reference kept", ["let first_image = train.image(0);"], ["`first_image`"], "contains a reference with a non-static lifetime"),
    Mistake("an iterator kept", ["let doubled = train.labels().into_iter().map(|label| label * 2);"], ["`doubled`"],
            "which cannot be persisted"),
    Mistake("a semicolon forgotten", ['let n = 5\nprintln!("{n}");'], ["found `println`"], "expected `;`"),
    Mistake("a whole number for a rate", ["let adam = Adam::new(1);"], ["expected `f32`, found integer"], "mismatched types"),
    Mistake("a text read as nobody knows what", ['let rate = "0.1".parse()?;'], ["`FromStr`"], "the trait bound `!: FromStr` is not satisfied"),
    Mistake("collect into nobody knows what", ["let labels = train.labels().into_iter().collect();"], ["`labels`"], "type annotations needed"),
    Mistake("one-hot rows where class numbers belong",
            ["let targets = one_hot(&train.labels(), 10)?;\nTargets::classes(&targets);"], ["expected `&[u8]`"], "mismatched types"),
    Mistake("a class that is not there", ['train.class_names().iter().position(|name| name == "kitten").unwrap()'], ["None"],
            "called `Option::unwrap()` on a `None` value"),
    Mistake("one image too far", ['let labels = train.labels();\nprintln!("{}", labels[800]);'],
            ["the len is 800 but the index is 800"], "index out of bounds"),
    Mistake("a let that failed has lost what it would replace",
            ['let number = 1;', 'let number: usize = "one".parse::<usize>()?;', 'println!("{number}");'],
            ["`number`"], "cannot find value"),
]

failures = 0


def report(mistake, started, said, words):
    """A line for a mistake, and what was seen where words are missing in it or in environment.md."""
    global failures
    missing = [word for word in words if word not in said]
    unexplained = re.sub("`[a-z_]+`", "`…`", mistake.under) not in PAGE
    failures += bool(missing or unexplained)
    print(f"{'FAILED' if missing or unexplained else 'ok    '} {mistake.name}: {time.time() - started:.1f} s", flush=True)
    if missing:
        print(f"  not seen: {missing}\n  but this:\n{said}", flush=True)
    if unexplained:
        print(f"  not in environment.md: {mistake.under}", flush=True)


def read(cell, words):
    """What is seen of a cell, without colours; what is written to stderr may come after the cell has ended."""
    until = time.time() + 2 * SLOW
    while True:
        said = re.sub(r"\x1b\[[0-9;]*m", "", cell.text + cell.errors)
        if all(word in said for word in words) or time.time() > until:
            return said
        try:
            message = cell.client.get_iopub_msg(timeout=0.1)
        except queue.Empty:
            continue
        if message["msg_type"] == "stream" and message["parent_header"].get("msg_id") == cell.message:
            cell.errors += message["content"]["text"]


def make(client, mistake):
    """Makes a mistake; its last cell must say what is to be said."""
    started, words = time.time(), [*mistake.words, *([mistake.under] if mistake.under else [])]
    for code in mistake.cells[:-1]:
        Cell(client, code).wait()
    report(mistake, started, read(Cell(client, mistake.cells[-1]).wait(), words), words)


def begin(client, code):
    cell = Cell(client, code).wait()
    if cell.errors:
        sys.exit(f"a cell that is right fails:\n{code}\n{cell.errors}")


def edit_the_library(client):
    """The next cell compiles a library anew that was changed, and loses what was of its types."""
    folder = LABORATORY / "target/mistakes/edited"
    (folder / "src").mkdir(parents=True, exist_ok=True)
    (folder / "Cargo.toml").write_text('[package]\nname = "edited"\nedition = "2024"\n\n[workspace]\n')
    library = folder / "src/lib.rs"
    started = time.time()
    library.write_text("pub struct Kept(pub u32);\n")
    begin(client, ':dep edited = { path = "../target/mistakes/edited" }\nlet kept = edited::Kept(1);')
    library.write_text("pub struct Kept(pub u32, pub u64);\n")
    mistake = Mistake("the library changed under a running kernel", [], [], "was redefined, so was lost")
    words = ["The type of the variable kept was redefined, so was lost", "cannot find value `kept`"]
    report(mistake, started, read(Cell(client, 'println!("{}", kept.0);').wait(), words), words)


def interrupt(manager, client):
    """An interrupt ends the process: what was in variables is gone, and the next cell says so."""
    started = time.time()
    cell = Cell(client, "loop { std::thread::sleep(std::time::Duration::from_millis(10)); }")
    time.sleep(3)
    manager.interrupt_kernel()
    said = read(cell.wait(timeout=60), [])
    after = read(Cell(client, "use lab_notebook::prelude::*;\nprintln!(\"{}\", train.len());").wait(), ["cannot find value `train`"])
    mistake = Mistake("a cell that was interrupted", [], [], "Subprocess terminated")
    report(mistake, started, said + after, ["Subprocess terminated", "cannot find value `train`"])


if __name__ == "__main__":
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    began = time.time()
    with kernel() as (manager, client):
        def all_of(mistakes):
            for mistake in mistakes:
                if wanted in mistake.name:
                    make(client, mistake)

        all_of(BEFORE)
        begin(client, FIRST)
        begin(client, DATA)
        all_of(LIBRARY + KERNEL)
        if not wanted:
            edit_the_library(client)
            interrupt(manager, client)
    print(f"{failures} failed" if failures else "all hold", f"in {time.time() - began:.0f} s")
    sys.exit(failures > 0)
