//! How the data set comes in: what is taken, what is refused, and what is left behind.

mod incoming;
mod small_set;
mod sources;
