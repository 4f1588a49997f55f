//! The exercises of notebook 2: architecture.
