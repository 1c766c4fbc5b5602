//! What somebody who misspelt a name may have meant.

/// Reason: two slips of the finger; more, and every short name is close to every other.
const MAX_DISTANCE: usize = 2;

/// The name that is spelt most alike, if one is.
pub(crate) fn closest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let max = MAX_DISTANCE.min(name.len() / 2);
    let distances =
        known.map(|known| (distance(&name.to_lowercase(), &known.to_lowercase()), known));
    distances
        .filter(|(distance, _)| *distance <= max)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// How many characters must be put in, taken out or changed to make one of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in b.iter().enumerate() {
            let changed = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_name_is_found() {
        let known = ["headers", "host", "method"];
        assert_eq!(closest("header", known.into_iter()), Some("headers"));
        assert_eq!(closest("Method", known.into_iter()), Some("method"));
        assert_eq!(closest("nope", known.into_iter()), None);
        assert_eq!(closest("x", known.into_iter()), None);
    }
}
