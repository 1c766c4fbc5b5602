//! The known word that a misspelt one was probably meant to be.

/// Longer words are not compared: nobody misspells them, and the work is quadratic.
const MAX_WORD_LEN: usize = 48;

/// The candidate closest to `word`, if it is close enough to be a typing error.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > MAX_WORD_LEN {
        return None;
    }
    let folded = word.to_lowercase().replace('-', "_");
    let limit = (word.len() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|k| (distance(&folded, &k.replace('-', "_")), k))
        .filter(|(d, _)| *d <= limit)
        .min_by_key(|(d, _)| *d)
        .map(|(_, k)| k)
}

/// Edits from `a` to `b`, where swapping two neighbours counts as one.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let differs = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + differs);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swapped_letters_are_one_edit() {
        assert_eq!(distance("basic_atuh", "basic_auth"), 1);
        assert_eq!(distance("", "abc"), 3);
    }

    #[test]
    fn distant_words_are_not_proposed() {
        let known = ["basic_auth", "compression", "url"];
        assert_eq!(nearest("basic-auth", known), Some("basic_auth"));
        assert_eq!(nearest("uri", known), Some("url"));
        assert_eq!(nearest("elephant", known), None);
    }
}
