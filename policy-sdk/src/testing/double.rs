//! What the agent hands to a hook, without an agent.
//!
//! The methods are those of the bindings, name by name and type by type.

mod connection;
mod lines;
mod outcome;
mod request;
mod response;

pub(crate) use connection::Connection;
pub(crate) use lines::Lines;
pub(crate) use outcome::Outcome;
pub(crate) use request::{Request, RequestState};
pub(crate) use response::{Response, ResponseState};

use adit_policy_rules::Refused;

/// What of a body a policy asked to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Await(u32),
    Watch,
}

/// What may be done with a head now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// In the hook of the head: everything.
    Head,
    /// In the hook of the gathered body: the head can still be changed.
    Body,
    /// The head has left.
    Left,
}

impl Access {
    fn open(self) -> Result<(), Refused> {
        match self {
            Self::Head | Self::Body => Ok(()),
            Self::Left => Err(Refused::too_late()),
        }
    }

    /// Whether a body may be asked for, after `before` was.
    fn wish(self, before: Option<Wish>, switches: bool) -> Result<(), Refused> {
        self.open()?;
        match (before, self, switches) {
            (Some(_), ..) => Err(Refused::invalid("the body was asked for already")),
            (None, Self::Head, false) => Ok(()),
            (None, Self::Head, true) => {
                Err(Refused::invalid("a message that switches protocols has no body"))
            }
            (None, ..) => Err(Refused::invalid("the body can be asked for in the head's hook")),
        }
    }
}

/// A load of such a component is refused; natively there is no load.
fn no_hook(of: &str, interface: &str) -> ! {
    panic!("the policy asks for the body of a {of} and has no method that sees it: {interface}")
}
