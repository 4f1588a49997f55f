//! The exercises of notebook 4: optimizer.
