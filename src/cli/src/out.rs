//! Standard output, and how an error is told.

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

/// A mistake in how the program was called that clap cannot see. Exit code 2.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Writes a text to standard output. A reader that has heard enough (`landfall crds | head -1`) is no failure.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Tells an error in one line on standard error. Returns the exit code that belongs to it.
pub(crate) fn tell(error: &anyhow::Error) -> ExitCode {
    // Nobody is left to be told when standard error is closed too.
    let _ = writeln!(io::stderr(), "landfall: {}", sentence(error));
    if error.is::<Usage>() { ExitCode::from(2) } else { ExitCode::FAILURE }
}

/// An error with its causes in one line. Several libraries repeat the cause in their own text: what is said already is
/// left out.
pub(crate) fn sentence(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        if text.contains(&cause) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;
    use rstest::rstest;

    #[rstest]
    #[case::one(anyhow!("no such file"), "no such file")]
    #[case::causes(anyhow!("no such file").context("cannot read a.yaml"), "cannot read a.yaml: no such file")]
    #[case::repeated(anyhow!("refused").context("connect: refused"), "connect: refused")]
    #[case::lines(anyhow!("line 1\n  | x\n"), "line 1 | x")]
    fn an_error_is_one_line(#[case] error: anyhow::Error, #[case] want: &str) {
        assert_eq!(sentence(&error), want);
    }
}
