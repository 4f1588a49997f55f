//! The exercises of notebook 3: loss comparison.
