//! The text format that Prometheus reads.

use std::fmt::Write as _;

use super::{Metric, MetricValue};

/// Renders series, which are ordered by name.
pub(super) fn render(metrics: &[Metric]) -> String {
    let mut out = String::new();
    for family in metrics.chunk_by(|a, b| a.name == b.name) {
        let Some(first) = family.first() else { continue };
        let kind = kind_of(&first.value);
        // Two policies may mean different things by one name; then it has no type.
        let one_kind = family.iter().all(|metric| kind_of(&metric.value) == kind);
        let kind = if one_kind { kind } else { "untyped" };
        let _ = writeln!(out, "# TYPE {} {kind}", first.name);
        for metric in family {
            line(&mut out, metric);
        }
    }
    out
}

const fn kind_of(value: &MetricValue) -> &'static str {
    match value {
        MetricValue::Counter(_) | MetricValue::Sum(_) => "counter",
        MetricValue::Gauge(_) => "gauge",
        MetricValue::Histogram { .. } => "histogram",
    }
}

fn line(out: &mut String, metric: &Metric) {
    let Metric { name, labels, value } = metric;
    let labels = Labels(labels, None);
    let _ = match value {
        MetricValue::Counter(number) => writeln!(out, "{name}{labels} {number}"),
        MetricValue::Sum(number) | MetricValue::Gauge(number) => {
            writeln!(out, "{name}{labels} {}", Number(*number))
        }
        MetricValue::Histogram { buckets, count, sum } => {
            for (bound, up_to) in buckets {
                let labels = Labels(labels.0, Some(*bound));
                let _ = writeln!(out, "{name}_bucket{labels} {up_to}");
            }
            let all = Labels(labels.0, Some(f64::INFINITY));
            let _ = writeln!(out, "{name}_bucket{all} {count}");
            let _ = writeln!(out, "{name}_sum{labels} {}", Number(*sum));
            writeln!(out, "{name}_count{labels} {count}")
        }
    };
}

/// Labels in braces, with a histogram's bound last.
struct Labels<'a>(&'a [(String, String)], Option<f64>);

impl std::fmt::Display for Labels<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_char('{')?;
        let mut gap = "";
        for (name, value) in self.0 {
            write!(f, "{gap}{name}=\"")?;
            for c in value.chars() {
                match c {
                    '\\' => f.write_str("\\\\")?,
                    '"' => f.write_str("\\\"")?,
                    '\n' => f.write_str("\\n")?,
                    c => f.write_char(c)?,
                }
            }
            f.write_char('"')?;
            gap = ",";
        }
        if let Some(bound) = self.1 {
            write!(f, "{gap}le=\"{}\"", Number(bound))?;
        }
        f.write_char('}')
    }
}

/// A number as the format spells it.
struct Number(f64);

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            n if n == f64::INFINITY => f.write_str("+Inf"),
            n if n == f64::NEG_INFINITY => f.write_str("-Inf"),
            n if n.is_nan() => f.write_str("NaN"),
            n => write!(f, "{n}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::host::Metrics;

    #[test]
    fn families_are_typed_once_and_label_values_escaped() {
        let metrics = Metrics::default();
        let label = |value: &str| vec![("who".to_owned(), value.to_owned())];
        metrics.policy("b").add("hits", 1, label("a\"\\\nz"));
        metrics.policy("a").add("hits", 2, label("x"));
        metrics.policy("a").set("level", f64::NEG_INFINITY, Vec::new());
        let expected = "\
# TYPE adit_policy_user_hits counter
adit_policy_user_hits{policy=\"a\",who=\"x\"} 2
adit_policy_user_hits{policy=\"b\",who=\"a\\\"\\\\\\nz\"} 1
# TYPE adit_policy_user_level gauge
adit_policy_user_level{policy=\"a\"} -Inf
";
        assert_eq!(metrics.render(), expected);
    }

    #[test]
    fn histograms_have_buckets_a_sum_and_a_count() {
        let metrics = Metrics::default();
        metrics.policy("p").observe("took", 0.002, Vec::new());
        metrics.policy("p").observe("took", 2_000.0, Vec::new());
        let text = metrics.render();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "# TYPE adit_policy_user_took histogram");
        assert_eq!(lines[1], "adit_policy_user_took_bucket{policy=\"p\",le=\"0.001\"} 0");
        assert_eq!(lines[2], "adit_policy_user_took_bucket{policy=\"p\",le=\"0.0025\"} 1");
        assert_eq!(lines[20], "adit_policy_user_took_bucket{policy=\"p\",le=\"+Inf\"} 2");
        assert_eq!(lines[21], "adit_policy_user_took_sum{policy=\"p\"} 2000.002");
        assert_eq!(lines[22], "adit_policy_user_took_count{policy=\"p\"} 2");
    }

    #[test]
    fn a_name_with_two_meanings_has_no_type() {
        let metrics = Metrics::default();
        metrics.policy("a").add("x", 1, Vec::new());
        metrics.policy("b").set("x", 1.5, Vec::new());
        assert!(metrics.render().starts_with("# TYPE adit_policy_user_x untyped\n"));
    }
}
