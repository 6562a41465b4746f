//! Where text goes: a terminal, on which the table is drawn again in place, or anything else, line by line.

use std::io::{self, IsTerminal, Stdout, Write};

use rustix::termios::tcgetwinsize;

/// Width of notes where there is no terminal: what reads them breaks lines by itself.
const UNLIMITED: usize = usize::MAX;

/// An output.
#[derive(Debug)]
pub(crate) struct Screen<W> {
    out: W,
    /// Columns of the terminal, if it is one.
    columns: Option<usize>,
    /// The last picture, which the next one replaces.
    drawn: Vec<String>,
}

impl Screen<Stdout> {
    /// Standard output.
    pub(crate) fn stdout() -> Self {
        let out = io::stdout();
        let size = if out.is_terminal() { tcgetwinsize(&out).ok() } else { None };
        // A terminal that does not know its size says 0; no redrawing then.
        let columns = size.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0);
        Self { out, columns, drawn: Vec::new() }
    }
}

impl<W: Write> Screen<W> {
    /// Whether pictures replace each other.
    pub(crate) fn is_live(&self) -> bool {
        self.columns.is_some()
    }

    /// Characters that fit on one line.
    pub(crate) fn width(&self) -> usize {
        self.columns.unwrap_or(UNLIMITED)
    }

    /// Adds lines below everything.
    pub(crate) fn print<S: AsRef<str>>(&mut self, lines: impl IntoIterator<Item = S>) -> io::Result<()> {
        self.drawn.clear();
        for line in lines {
            writeln!(self.out, "{}", line.as_ref())?;
        }
        self.out.flush()
    }

    /// Replaces the last picture. Call it only if the screen is live.
    pub(crate) fn draw(&mut self, lines: &[String]) -> io::Result<()> {
        if self.drawn == lines {
            return Ok(());
        }
        if !self.drawn.is_empty() {
            // ECMA-48: CPL, to the beginning of the line so many above; ED, clear to the end of the screen.
            write!(self.out, "\x1b[{}F\x1b[J", self.drawn.len())?;
        }
        for line in lines {
            // A line that the terminal wraps would count twice.
            let fitting: String = line.chars().take(self.width()).collect();
            writeln!(self.out, "{fitting}")?;
        }
        self.drawn = lines.to_vec();
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(columns: Option<usize>) -> Screen<Vec<u8>> {
        Screen { out: Vec::new(), columns, drawn: Vec::new() }
    }

    fn text(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|&line| line.to_owned()).collect()
    }

    #[test]
    fn a_picture_replaces_the_one_before() {
        let mut screen = screen(Some(4));
        screen.draw(&text(&["a", "b"])).unwrap();
        for _ in 0..2 {
            screen.draw(&text(&["cdefg"])).unwrap();
        }
        assert_eq!(String::from_utf8(screen.out).unwrap(), "a\nb\n\x1b[2F\x1b[Jcdef\n");
    }

    #[test]
    fn what_is_printed_stays() {
        let mut screen = screen(Some(80));
        screen.draw(&text(&["a"])).unwrap();
        screen.print(["b"]).unwrap();
        screen.draw(&text(&["c"])).unwrap();
        assert_eq!(String::from_utf8(screen.out).unwrap(), "a\nb\nc\n");
    }

    #[test]
    fn without_a_terminal_lines_are_whole() {
        let mut screen = screen(None);
        assert!(!screen.is_live());
        screen.print(["x".repeat(500)]).unwrap();
        assert_eq!(screen.out.len(), 501);
    }
}
