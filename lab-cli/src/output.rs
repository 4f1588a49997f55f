//! Standard output, which may be closed before a command has said everything: `cargo lab evaluate RUN | head`.

use std::fmt::Arguments;
use std::io::Write;

/// Prints a line; a reader who has gone does not miss it.
pub fn line(text: Arguments<'_>) {
    _ = writeln!(std::io::stdout(), "{text}");
}

/// As `println!`, without its panic when standard output is closed.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::output::line(format_args!($($text)*))
    };
}
pub(crate) use say;
