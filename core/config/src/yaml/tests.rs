#![allow(clippy::unwrap_used)]

use super::*;

fn problems(text: &[u8]) -> Vec<String> {
    let mut found = Diagnostics::default();
    match parse(&Arc::from("f"), text, &mut found) {
        Ok(_) => {}
        Err(problem) => found.push(problem),
    }
    found.iter().map(ToString::to_string).collect()
}

fn tree(text: &str) -> Node {
    let mut found = Diagnostics::default();
    let node = parse(&Arc::from("f"), text.as_bytes(), &mut found).unwrap().unwrap();
    assert_eq!(found.to_string(), "");
    node
}

fn entries(node: &Node) -> Vec<(&str, &Node)> {
    match &node.value {
        Value::Map(entries) => entries.iter().map(|(k, v)| (k.text.as_str(), v)).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn places_count_from_one() {
    let node = tree("a: 1\nb:\n  - x\n  - {c: ü, d: y}\n");
    let top = entries(&node);
    assert_eq!(top[0].1.pos, Pos { line: 1, column: 4 });
    let Value::List(items) = &top[1].1.value else { panic!() };
    assert_eq!(items[0].pos, Pos { line: 3, column: 5 });
    assert_eq!(entries(&items[1])[1].1.pos, Pos { line: 4, column: 15 });
}

#[test]
fn an_empty_file_has_no_value() {
    let mut found = Diagnostics::default();
    assert!(parse(&Arc::from("f"), b"# nothing\n", &mut found).unwrap().is_none());
}

#[test]
fn merge_keys_yield_to_the_map_itself() {
    let node = tree("base: &b {x: 1, y: 2}\nmine:\n  <<: *b\n  y: 3\n");
    let top = entries(&node);
    let mine: Vec<_> = entries(top[1].1).iter().map(|(k, _)| (*k).to_owned()).collect();
    assert_eq!(mine, ["y", "x"]);
}

#[test]
fn bad_files_are_refused_with_their_line() {
    assert_eq!(problems(b"a: 1\na: 2\n"), [r#"f:2:1: key "a" is written twice in this map"#]);
    assert_eq!(
        problems(b"a: 1\nb: \xff\n"),
        ["f:2:4: the file is not UTF-8; save it with UTF-8 encoding"]
    );
    assert_eq!(
        problems(b"a: !x 1\n"),
        [r#"f:1:4: the YAML tag "!x" has no meaning here; quote a value that starts with !"#]
    );
    assert_eq!(problems(b"? [a]\n: 1\n"), ["f:1:3: a key must be a string; quote it"]);
    assert_eq!(
        problems(b"a: 1\n---\nb: 2\n"),
        ["f:2:1: a second document starts here; keep one per file"]
    );
    let unclosed = problems(b"a: [1,\n");
    assert_eq!(unclosed.len(), 1);
    assert!(unclosed[0].starts_with("f:2:1: not valid YAML: "), "{unclosed:?}");
}

#[test]
fn what_is_no_yaml_is_told_with_what_helps() {
    for text in
        ["a:\n\tb: 1\n", "a:\n  b: 1\n\tc: 1\n", "a: {\n\tb: 1\n}\n", "a:\n- b: 1\n \tc: 1\n"]
    {
        let line = text.lines().position(|line| line.contains('\t')).unwrap() + 1;
        let column = text.lines().nth(line - 1).unwrap().find('\t').unwrap() + 1;
        let says = format!("f:{line}:{column}: not valid YAML: a tab cannot indent; write blanks");
        assert_eq!(problems(text.as_bytes()), [says], "{text:?}");
    }
    for (text, remedy) in [
        ("a: b: c\n", "; quote a value with a colon; keys stand in one column"),
        ("a:\n    b: 1\n  c: 1\n", "; the keys of one map stand in one column"),
        ("a: [\n", "; a bracket may not be closed"),
        ("a: \"b\n", "; a quote is not closed"),
        ("a: 1\nb\nc: 2\n", "; a key ends with a colon and a blank"),
        ("a: @b\n", "; quote a value that begins with it"),
    ] {
        let found = problems(text.as_bytes());
        assert!(found[0].ends_with(remedy) && found.len() == 1, "{text:?}: {found:?}");
    }
    // A tab that is part of a value is not what is wrong elsewhere.
    assert!(problems(b"a: [\n\"\t\"\n").iter().all(|found| !found.contains("tab")));
}

#[test]
fn depth_is_limited() {
    let nested = |n: usize| [b"[".repeat(n), b"]".repeat(n)].concat();
    assert_eq!(problems(&nested(MAX_DEPTH)), Vec::<String>::new());
    assert_eq!(problems(&nested(MAX_DEPTH + 1)), ["f:1:65: nested deeper than 64 levels"]);
    assert_eq!(problems(&nested(100_000)).len(), 1, "the scanner looks ahead and has a limit too");
    assert_eq!(problems(&b"- ".repeat(100_000)), ["f:1:129: nested deeper than 64 levels"]);
}

#[test]
fn aliases_cannot_grow_without_bound() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..12 {
        let refs = vec![format!("*a{}", i - 1); 10].join(", ");
        bomb.push_str(&format!("a{i}: &a{i} [{refs}]\n"));
    }
    let found = problems(bomb.as_bytes());
    assert_eq!(found.len(), 1);
    assert!(found[0].ends_with("aliases expand to over 8388608 bytes"), "{found:?}");

    let mut deep = "a0: &a0 []\n".to_owned();
    for i in 1..100 {
        deep.push_str(&format!("a{i}: &a{i} [*a{}]\n", i - 1));
    }
    let found = problems(deep.as_bytes());
    assert!(found[0].ends_with("nested deeper than 64 levels"), "{found:?}");

    assert_eq!(problems(b"a: &a [*a]\n").len(), 1);
}

#[test]
fn long_files_are_refused() {
    let text = vec![b'#'; usize::try_from(MAX_FILE_LEN).unwrap() + 1];
    assert_eq!(problems(&text), ["f:1:1: the file is longer than 8388608 bytes"]);
}
