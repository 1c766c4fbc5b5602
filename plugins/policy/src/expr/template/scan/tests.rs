use proptest::prelude::*;

use super::*;

fn expressions(source: &str) -> Vec<&str> {
    let pieces = scan(source).unwrap().into_iter();
    pieces
        .filter_map(|piece| match piece {
            Piece::Expr(source) => Some(source),
            Piece::Text(_) => None,
        })
        .collect()
}

#[test]
fn expressions_end_at_their_own_brace() {
    let table: &[(&str, &[&str])] = &[
        ("plain", &[]),
        ("", &[]),
        ("$ {x} $x {x} $", &[]),
        ("${a}${b}", &["a", "b"]),
        ("x${ {'a': {'b': 1}}.size() }y", &[" {'a': {'b': 1}}.size() "]),
        ("${'}'}", &["'}'"]),
        ("${\"}\"}", &["\"}\""]),
        ("${'\\'}'}", &["'\\'}'"]),
        ("${'\\\\'}'}", &["'\\\\'"]),
        ("${r'\\'}", &["r'\\'"]),
        ("${br'\\'}", &["br'\\'"]),
        ("${b'\\'}'}", &["b'\\'}'"]),
        ("${'''a'}'b'''}", &["'''a'}'b'''"]),
        ("${\"\"\"}\"\"\"}", &["\"\"\"}\"\"\""]),
        ("${''}", &["''"]),
        ("${a // }\n}", &["a // }\n"]),
        ("${'//}'}", &["'//}'"]),
        ("${'${'}", &["'${'"]),
        ("${'$'}{", &["'$'"]),
        ("$${x}", &["x"]),
        ("ä${'ö}'}ü", &["'ö}'"]),
    ];
    for (source, expected) in table {
        assert_eq!(expressions(source), *expected, "{source}");
    }
}

#[test]
fn what_follows_an_expression_is_text_again() {
    assert_eq!(
        scan("${'$'}{x}").unwrap(),
        [Piece::Expr("'$'"), Piece::Text("{x}")],
        "how a literal ${{ is written"
    );
    assert_eq!(scan("a${}b").unwrap(), [Piece::Text("a"), Piece::Expr(""), Piece::Text("b")]);
}

#[test]
fn an_open_expression_is_told_with_its_place() {
    for source in ["${", "${x", "${'}", "${{}", "${// }", "${r'\\'", "${'''}'}"] {
        let error = scan(&format!("ä{source}")).unwrap_err();
        assert_eq!(error.message, "the ${ at character 2 is never closed", "{source}");
    }
}

/// Expressions that a scanner could trip over, each complete by itself.
fn expression() -> impl Strategy<Value = String> {
    let atom = prop_oneof![
        "[a-z0-9 .+]{1,6}",
        "'[^'\\\\\n]{0,8}'",
        "\"[^\"\\\\\n]{0,8}\"",
        "r'[^'\n]{0,8}'",
        "'''[^'\\\\]{0,8}'''",
        "'(\\\\['\"n\\\\]){0,3}'",
        "//[^\n]{0,8}\n",
    ];
    // A name would run into the prefix of a literal.
    let atom = atom.prop_map(|atom| format!(" {atom} "));
    atom.prop_recursive(3, 12, 4, |inner| {
        prop::collection::vec(inner, 0..4).prop_map(|inner| format!("{{{}}}", inner.concat()))
    })
}

proptest! {
    #[test]
    fn no_text_breaks_it(source in "(\\$|\\{|\\}|'|\"|/|\\\\|\n|r|b|ä|\\PC){0,40}") {
        if let Ok(pieces) = scan(&source) {
            let joined: String = pieces
                .iter()
                .map(|piece| match piece {
                    Piece::Text(text) => (*text).to_owned(),
                    Piece::Expr(source) => format!("${{{source}}}"),
                })
                .collect();
            prop_assert_eq!(joined, source);
        }
    }

    #[test]
    fn what_was_put_in_is_found(
        parts in prop::collection::vec(("[^$]{0,6}", expression()), 0..5),
        end in "[^$]{0,6}",
    ) {
        let mut source = String::new();
        for (text, expression) in &parts {
            source.push_str(text);
            source.push_str("${");
            source.push_str(expression);
            source.push('}');
        }
        source.push_str(&end);
        let expected: Vec<_> = parts.iter().map(|(_, expression)| expression.as_str()).collect();
        prop_assert_eq!(expressions(&source), expected);
    }
}
