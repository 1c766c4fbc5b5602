//! The host against policies of text.

#[path = "it/guest.rs"]
mod guest;
#[path = "it/heads.rs"]
mod heads;
#[path = "it/rig.rs"]
mod rig;
