//! The exercises of notebook 5: evaluation.
