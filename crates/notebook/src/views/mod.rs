//! What the library's types look like at the end of a cell.

mod data;
mod history;
mod metrics;
mod model;
