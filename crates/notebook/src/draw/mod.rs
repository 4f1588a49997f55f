//! What figures are drawn with: colours and type (`theme`), the sheet around the data (`page`), numbers along an axis
//! (`axis`), and axes with data between them (`panel`). Sizes are in CSS pixels.

mod axis;
mod page;
mod panel;
mod theme;

pub(crate) use axis::Axis;
pub(crate) use page::{Area, Drawn, Page, Point, Swatch};
pub(crate) use panel::{Panel, draw_panels};
pub(crate) use plotters::style::{Color, RGBColor, text_anchor::HPos};
pub(crate) use theme::*;
