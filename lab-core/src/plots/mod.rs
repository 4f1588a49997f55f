//! How the crate's types show themselves: tables and figures, and the way they get into a notebook.
//!
//! [`figures`] has a function for each picture. They are put together from the floors below: `theme` (sizes, colours,
//! type), `canvas` (pixels), `scale` (numbers along an axis), `figure` (title, legend, PNG), `panel` (axes and data).

mod canvas;
mod displays;
pub(crate) mod figure;
pub mod figures;
mod history;
pub(crate) mod html;
pub(crate) mod laboratory;
mod live;
pub(crate) mod notebook;
pub(crate) mod panel;
pub(crate) mod scale;
mod tables;
pub(crate) mod theme;

pub use figure::Figure;
pub use figures::LineChart;
pub use live::{LiveCurves, RunNames};
pub use notebook::show;
