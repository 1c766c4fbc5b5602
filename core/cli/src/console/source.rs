//! Where the console's knowledge comes from.

use super::state::State;

/// Lends the console what it shows. Asked from the console's thread only.
pub(crate) trait Source: Send + 'static {
    /// Waits until something differs.
    ///
    /// # Cancel safety
    /// Nothing is lost when it is dropped: what it would have told, the next call tells.
    fn changed(&mut self) -> impl Future<Output = ()> + Send;

    /// Brings the state up to date; whether it differs now. Does not wait.
    fn update(&mut self, state: &mut State) -> bool;
}
