//! What a command that failed says: the text for the log's last record and for the error block.

use adit_agent::PlanError;
use adit_config::location::Persona;

use crate::persona;

/// What went wrong, with all causes and the public code if there is one.
pub(crate) fn text(persona: Persona, error: &anyhow::Error) -> String {
    let mut text = format!("{error:#}");
    let code = error.chain().find_map(|cause| cause.downcast_ref::<PlanError>()?.code());
    if let Some(code) = code {
        // Where each of several mistakes has its code, that of the whole stands below them.
        match (text.contains('\n'), text.contains(PREFIX)) {
            (true, _) if !text.contains(&code.to_string()) => {
                text.push_str(&format!("\n\n{code}"));
            }
            (false, false) => text.push_str(&format!(" ({code})")),
            _ => {}
        }
    }
    called(persona, &text)
}

/// Commands in a text, under the name that the program was started as.
pub(crate) fn called(persona: Persona, text: &str) -> String {
    if persona == Persona::Adit {
        return text.to_owned();
    }
    let name = persona::name(persona);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("adit ") {
        let (before, found) = rest.split_at(at);
        out.push_str(before);
        let is_word =
            before.chars().next_back().is_none_or(|c| c.is_whitespace() || "`\"".contains(c));
        out.push_str(if is_word { name } else { "adit" });
        rest = &found["adit".len()..];
    }
    out + rest
}

/// The same for advice beside lines of somebody else: only what stands between backquotes.
pub(crate) fn advised(persona: Persona, text: &str) -> String {
    text.replace("`adit ", &format!("`{} ", persona::name(persona)))
}

/// The lines of an error block. A code stands on a line of its own, with a link to what is known of
/// it below.
///
/// Fact: wrappers of the v3 agent look for it there. Where several problems have codes, each stays
/// with its own.
pub(crate) fn block(text: &str) -> Vec<String> {
    let text = text.trim_end();
    let at_ends: Vec<_> = text.lines().filter_map(code_at_end).collect();
    if text.lines().any(|line| line.starts_with(PREFIX)) {
        return text
            .lines()
            .flat_map(|line| [Some(line.to_owned()), link(line)])
            .flatten()
            .collect();
    }
    let [(_, code)] = at_ends.as_slice() else {
        return text.lines().map(str::to_owned).collect();
    };
    let lines = text.lines().map(|line| code_at_end(line).map_or(line, |(line, _)| line));
    let mut lines: Vec<_> = lines.map(str::to_owned).collect();
    lines.extend([String::new(), (*code).to_owned()]);
    lines.extend(link(code));
    lines
}

/// Where a line that is a code is explained: the codes are those of a public list.
fn link(line: &str) -> Option<String> {
    let number = line.strip_prefix(PREFIX).filter(|number| is_number(number))?;
    Some(format!("https://ngrok.com/docs/errors/err_ngrok_{number}"))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// How every public code begins.
const PREFIX: &str = "ERR_NGROK_";

/// A line that ends with a code in brackets: what stands before it, and the code.
fn code_at_end(line: &str) -> Option<(&str, &str)> {
    let (before, code) = line.strip_suffix(')')?.rsplit_once(" (")?;
    let number = code.strip_prefix(PREFIX)?;
    is_number(number).then_some((before, code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_stands_on_a_line_of_its_own() {
        let link = |n: u32| format!("https://ngrok.com/docs/errors/err_ngrok_{n}");
        let block_of = block("no colon (ERR_NGROK_370)");
        assert_eq!(block_of, ["no colon", "", "ERR_NGROK_370", &link(370)]);
        let block_of = block("a\n\n\nERR_NGROK_334\n");
        assert_eq!(block_of, ["a", "", "", "ERR_NGROK_334", &link(334)]);
        let two = "a (ERR_NGROK_1)\nb (ERR_NGROK_2)";
        assert_eq!(block(two), ["a (ERR_NGROK_1)", "b (ERR_NGROK_2)"]);
        assert_eq!(block("a (ERR_NGROK_)"), ["a (ERR_NGROK_)"]);
        let whole = "wrong:\nb (ERR_NGROK_2)\n\nERR_NGROK_9026";
        let block_of = block(whole);
        assert_eq!(block_of, ["wrong:", "b (ERR_NGROK_2)", "", "ERR_NGROK_9026", &link(9026)]);
    }

    #[test]
    fn the_drop_in_names_its_own_commands() {
        let text = "run `adit config upgrade`, or adit --help; /opt/adit /etc/adit.yml";
        let ngrok = "run `ngrok config upgrade`, or ngrok --help; /opt/adit /etc/adit.yml";
        assert_eq!(called(Persona::Ngrok, text), ngrok);
        assert_eq!(called(Persona::Adit, text), text);
        let advised = advised(Persona::Ngrok, "about: adit rules; try `adit config upgrade`");
        assert_eq!(advised, "about: adit rules; try `ngrok config upgrade`");
    }
}
