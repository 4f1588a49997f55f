//! The exercises of notebook 6: report.
