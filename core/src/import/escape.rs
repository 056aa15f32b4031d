//! Lists in one text: the path of a category, joined by `:`, and tags, joined by `,`.
//!
//! Where a name has the separator in it, or a backslash, a backslash stands before that, so a list always comes back.

/// What joins the names of a category's path.
pub(crate) const PATH: char = ':';
/// What joins tags.
pub(crate) const TAGS: char = ',';

/// Joins the parts of a list.
pub(crate) fn join<'a>(parts: impl IntoIterator<Item = &'a str>, separator: char) -> String {
    let mut text = String::new();
    for (index, part) in parts.into_iter().enumerate() {
        if index > 0 {
            text.push(separator);
        }
        for character in part.chars() {
            if character == separator || character == '\\' {
                text.push('\\');
            }
            text.push(character);
        }
    }
    text
}

/// The parts of a list, each trimmed; none of an empty text.
pub(crate) fn split(text: &str, separator: char) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    let mut parts = vec![String::new()];
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let literal = if character == '\\' { characters.next() } else { None };
        match (literal, parts.last_mut()) {
            (None, _) if character == separator => parts.push(String::new()),
            (literal, Some(part)) => part.push(literal.unwrap_or(character)),
            (_, None) => {}
        }
    }
    parts.into_iter().map(|part| part.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::{PATH, join, split};

    #[test]
    fn a_list_comes_back_whatever_its_names_hold() {
        for parts in [vec![], vec!["Food"], vec!["Food", "Snacks"], vec!["a:b", "c\\", "\\:"], vec!["a", "", "b"]] {
            assert_eq!(split(&join(parts.iter().copied(), PATH), PATH), parts);
        }
        assert_eq!(join(["a:b", "c"], PATH), r"a\:b:c");
        assert_eq!(split("Food : Snacks", PATH), ["Food", "Snacks"]);
        assert_eq!(split("half\\", PATH), ["half\\"], "a backslash at the end is one");
    }
}
