//! `adit inspect list`.

use anyhow::Result;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;

use super::{
    args::ListArgs,
    client::{Api, with_query},
    paint::{self, Paint},
    row::Row,
};
use crate::printable;

/// Rows that are asked for at once.
///
/// Reason: it is the most that the agent gives.
const PAGE: usize = 1000;

#[derive(Deserialize)]
struct Page {
    exchanges: Vec<Value>,
    more: bool,
}

pub(super) async fn run(api: &Api, args: &ListArgs) -> Result<()> {
    let (zone, paint) = (TimeZone::system(), Paint::here());
    let mut left = args.limit;
    let mut before: Option<String> = None;
    while left > 0 {
        let mut query = args.filter.query();
        query.push(("limit", left.min(PAGE).to_string()));
        query.extend(before.take().map(|id| ("before", id)));
        let page: Page = api.get(&with_query("/api/exchanges", &query)).await?;
        left = left.saturating_sub(page.exchanges.len());
        for exchange in page.exchanges {
            let row = Row::parse(&exchange)?;
            if args.json {
                paint::line(printable::json(&exchange))?;
            } else {
                paint::line(row.line(&zone, paint))?;
            }
            before = Some(row.id);
        }
        if !page.more || before.is_none() {
            break;
        }
    }
    Ok(())
}
