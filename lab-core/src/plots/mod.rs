//! How the crate's types show themselves: tables and figures, and the way they get into a notebook.

mod html;
mod laboratory;
mod notebook;
mod tables;
