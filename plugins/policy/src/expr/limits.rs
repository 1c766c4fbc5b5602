//! What one evaluation may cost.
//!
//! The engine knows no limits, so the checker writes calls of [`tick`] into every loop, of
//! [`weighed`] around what a loop looks through, and of [`sized`] around everything that can grow.
//! All count here, and none looks at a clock: whether a rule matches must not depend on how busy
//! the machine is. The count belongs to the thread, as an evaluation never leaves it.

use std::cell::Cell;

use cel::{
    ExecutionError,
    common::{
        types::{CelBool, CelList, CelString},
        value::{BuiltinRef, CowVal, Val},
    },
};

/// Reason: an expression is a condition or a header, not a program; the longest that people
/// publish has some hundred bytes.
pub(super) const MAX_SOURCE_LEN: usize = 8 * 1024;
/// Reason: far beyond what people write by hand, and a bound for what one pass over it costs.
pub(super) const MAX_NODES: usize = 2_000;
/// Reason: the engine recurses, on threads with 2 MiB of stack; a level can take more than 20 KiB
/// of it. Sums and conditions of many parts are not deep.
pub(super) const MAX_DEPTH: usize = 40;
/// Reason: loops within loops multiply.
pub(super) const MAX_LOOP_DEPTH: usize = 3;
/// Reason: a request waits meanwhile; at some hundred nanoseconds each, that is tens of
/// milliseconds.
const MAX_STEPS: usize = 100_000;
/// Reason: the header block of a request, which is the largest thing that strangers put in.
pub(super) const MAX_VALUE_SIZE: usize = 1024 * 1024;
/// Reason: every value within its limit, there may still be many of them.
const MAX_TOTAL_SIZE: usize = 16 * MAX_VALUE_SIZE;
/// Reason: looking through so much takes about as long as a step.
const SIZE_PER_STEP: usize = 1024;

/// Reason: about what the engine needs for one, wherever it stands.
const SIZE_OF_ITEM: usize = 16;

#[derive(Clone, Copy)]
struct Meter {
    steps: usize,
    size: usize,
    exceeded: Option<&'static str>,
}

const UNUSED: Meter = Meter { steps: 0, size: 0, exceeded: None };

thread_local! {
    static METER: Cell<Meter> = const { Cell::new(UNUSED) };
}

/// Runs one evaluation with a fresh count. Says with `Err` which limit it went over, even if the
/// expression went on regardless, as `||` can.
pub(super) fn metered<T>(evaluate: impl FnOnce() -> T) -> Result<T, &'static str> {
    METER.set(UNUSED);
    let result = evaluate();
    METER.replace(UNUSED).exceeded.map_or(Ok(result), Err)
}

/// The first limit counts; what comes after it is its consequence.
fn exceed(mut meter: Meter, limit: &'static str) -> ExecutionError {
    meter.exceeded.get_or_insert(limit);
    METER.set(meter);
    ExecutionError::function_error("limit", limit)
}

/// Counts steps of loops.
pub(super) fn count_steps(n: usize) -> Result<(), ExecutionError> {
    let mut meter = METER.get();
    meter.steps = meter.steps.saturating_add(n);
    if meter.steps > MAX_STEPS || meter.exceeded.is_some() {
        return Err(exceed(meter, "it takes more than 100000 steps"));
    }
    METER.set(meter);
    Ok(())
}

/// Counts looking through so much as the steps that it is worth.
pub(super) fn count_work(size: usize) -> Result<(), ExecutionError> {
    match size / SIZE_PER_STEP {
        0 => Ok(()),
        n => count_steps(n),
    }
}

/// Counts a value that is there, or that is about to be made.
pub(super) fn count_size(size: usize) -> Result<(), ExecutionError> {
    let mut meter = METER.get();
    if size > MAX_VALUE_SIZE {
        return Err(exceed(meter, "it makes a value of more than 1 MiB"));
    }
    meter.size = meter.size.saturating_add(size);
    if meter.size > MAX_TOTAL_SIZE {
        return Err(exceed(meter, "it makes more than 16 MiB of values"));
    }
    METER.set(meter);
    Ok(())
}

/// What a value takes, roughly; no deeper than is needed to see that it is too large.
pub(super) fn size_of(value: &dyn Val) -> usize {
    match value.as_builtin() {
        BuiltinRef::String(string) => string.inner().len(),
        BuiltinRef::Bytes(bytes) => bytes.inner().len(),
        BuiltinRef::List(list) => sum(list.inner().iter().map(AsRef::as_ref)),
        BuiltinRef::Map(map) => {
            sum(map.inner().iter().flat_map(|(key, value)| [key.inner(), value.as_ref()]))
        }
        BuiltinRef::Optional(optional) => optional.option().map_or(0, size_of),
        _ => 0,
    }
}

fn sum<'a>(values: impl Iterator<Item = &'a (dyn Val + 'a)>) -> usize {
    let mut size = 0;
    for value in values {
        size += SIZE_OF_ITEM + size_of(value);
        if size > MAX_VALUE_SIZE {
            break;
        }
    }
    size
}

/// `@tick()`: true, and one step.
pub(super) fn tick<'b, 'v>(_: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    count_steps(1)?;
    Ok(CowVal::owned(CelBool::from(true)))
}

/// `@weighed(x)`: x, the work of looking through it counted.
pub(super) fn weighed<'b, 'v>(
    mut args: Vec<CowVal<'b, 'v>>,
) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let value = args.pop().ok_or_else(ExecutionError::missing_argument_or_target)?;
    count_work(size_of(value.as_ref()))?;
    Ok(value)
}

/// `@sized(x)`: x, its size counted.
pub(super) fn sized<'b, 'v>(
    mut args: Vec<CowVal<'b, 'v>>,
) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let value = args.pop().ok_or_else(ExecutionError::missing_argument_or_target)?;
    count_size(size_of(value.as_ref()))?;
    Ok(value)
}

/// `@sum([a, b, c])`: `a + b + c`. One call however long the chain is, and one allocation if all
/// are strings.
pub(super) fn add_up<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let operands = args.first().and_then(|list| list.downcast_ref::<CelList<'_>>());
    let operands = operands.ok_or_else(ExecutionError::missing_argument_or_target)?.inner();
    let strings: Option<Vec<&str>> = operands
        .iter()
        .map(|it| it.downcast_ref::<CelString<'_>>().map(CelString::inner))
        .collect();
    if let Some(strings) = strings {
        count_size(strings.iter().map(|string| string.len()).sum())?;
        return Ok(CowVal::owned(CelString::from(strings.concat())));
    }
    let (first, rest) =
        operands.split_first().ok_or_else(ExecutionError::missing_argument_or_target)?;
    let mut sum = first.clone();
    for operand in rest {
        let added = match sum.as_adder() {
            Some(adder) => adder.add(operand.as_ref())?.into_owned(),
            None => return Err(mismatch(sum.as_ref(), operand.as_ref())),
        };
        count_size(size_of(added.as_ref()))?;
        sum = added;
    }
    Ok(CowVal::Owned(sum))
}

fn mismatch(left: &dyn Val, right: &dyn Val) -> ExecutionError {
    let types = [left, right].map(|value| value.get_type().name().to_owned());
    ExecutionError::no_such_overload("_+_", types.to_vec())
}
