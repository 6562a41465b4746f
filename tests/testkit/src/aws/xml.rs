//! As much of XML as the query protocol needs: texts of elements without attributes, and escaped text.

/// The texts of all elements of that name, in order. Elements in them are part of the text.
pub(super) fn texts<'a>(document: &'a str, element: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    document.split(&open).skip(1).filter_map(|rest| rest.split(&close).next()).collect()
}

/// Text as content of an element.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_in_order() {
        let document = "<a><b>1</b><c>x</c><b>2</b></a>";
        assert_eq!(texts(document, "b"), ["1", "2"]);
        assert_eq!(texts(document, "d"), [""; 0]);
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(escaped("a < b & c"), "a &lt; b &amp; c");
    }
}
