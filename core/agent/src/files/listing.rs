//! The page that shows a directory.

use std::{fmt::Write as _, time::SystemTime};

use super::{open::Listing, path};

const STYLE: &str = "body{font-family:system-ui,sans-serif;margin:2rem;color:#222}\
    table{border-collapse:collapse}td,th{padding:.2rem 1.5rem .2rem 0;text-align:left}\
    td.n{text-align:right;font-variant-numeric:tabular-nums}\
    a{text-decoration:none}a:hover{text-decoration:underline}";

/// The page of a directory that visitors know as `title`.
pub(super) fn page(title: &str, is_root: bool, listing: &Listing) -> String {
    let title = escape(title);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>Index of {title}</title><style>{STYLE}</style></head>\n\
         <body><h1>Index of {title}</h1>\n<table>\n\
         <tr><th>Name</th><th>Size</th><th>Last modified</th></tr>\n"
    );
    if !is_root {
        page.push_str("<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n");
    }
    for entry in &listing.entries {
        let slash = if entry.len.is_some() { "" } else { "/" };
        // The dot keeps a name such as `javascript:…` from being taken for a scheme.
        let href = format!("./{}{slash}", path::encode(&entry.name));
        let size = entry.len.map(size).unwrap_or_default();
        let date = entry.modified.map(date).unwrap_or_default();
        let name = escape(&entry.name);
        let row = format!(
            "<tr><td><a href=\"{href}\">{name}{slash}</a></td>\
             <td class=\"n\">{size}</td><td>{date}</td></tr>"
        );
        let _ = writeln!(page, "{row}");
    }
    page.push_str("</table>\n");
    if listing.cut {
        let _ = writeln!(page, "<p>Only the first {} are shown.</p>", listing.entries.len());
    }
    page.push_str("</body></html>\n");
    page
}

/// Text for an element or a quoted attribute.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// `512 B`, `1.5 KiB`, `12 MiB`.
fn size(len: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if len < 1024 {
        return format!("{len} B");
    }
    let mut tenths = u128::from(len) * 10 / 1024;
    let mut units = UNITS.into_iter();
    let mut unit = units.next().unwrap_or_default();
    for next in units {
        if tenths < 10_240 {
            break;
        }
        (tenths, unit) = (tenths / 1024, next);
    }
    match tenths {
        100.. => format!("{} {unit}", tenths / 10),
        _ => format!("{}.{} {unit}", tenths / 10, tenths % 10),
    }
}

fn date(time: SystemTime) -> String {
    httpdate::fmt_http_date(time)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{super::open::Entry, *};

    #[test]
    fn names_are_escaped_and_links_are_encoded() {
        let entries = vec![
            Entry { name: "d".into(), len: None, modified: None },
            Entry {
                name: "<b>\"&'.txt".into(),
                len: Some(1536),
                modified: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(86_400)),
            },
            Entry { name: "javascript:alert(1)".into(), len: Some(0), modified: None },
        ];
        let page = page("/<x>/", false, &Listing { entries, cut: false });
        assert!(page.contains("Index of /&lt;x&gt;/"));
        assert!(page.contains("<a href=\"../\">"));
        assert!(page.contains("<a href=\"./d/\">d/</a>"));
        assert!(page.contains(
            "<a href=\"./%3Cb%3E%22%26%27.txt\">&lt;b&gt;&quot;&amp;&#39;.txt</a></td>\
             <td class=\"n\">1.5 KiB</td><td>Fri, 02 Jan 1970 00:00:00 GMT</td>"
        ));
        assert!(page.contains("href=\"./javascript%3Aalert(1)\""));
        assert!(!page.contains("Only the first"));
    }

    #[test]
    fn the_root_has_no_parent() {
        let page = page("/", true, &Listing { entries: Vec::new(), cut: true });
        assert!(!page.contains("../"));
        assert!(page.contains("Only the first 0 are shown."));
    }

    #[test]
    fn sizes_are_short() {
        for (len, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (10 * 1024, "10 KiB"),
            (1024 * 1024 - 1, "1023 KiB"),
            (1024 * 1024, "1.0 MiB"),
            (u64::MAX, "15 EiB"),
        ] {
            assert_eq!(size(len), text);
        }
    }
}
