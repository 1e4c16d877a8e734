//! Declarations of the guest ABI `vcon:link/v1`, for links in Rust. `hostabi/ABI.md` says what each function means.
#![no_std]

pub mod abi;

/// What `vcon_link_run` returns; anything else fails the run.
pub const DONE: i32 = 0;
/// The chain ends here; edits and effects are kept.
pub const HALT: i32 = 1;
/// Nothing is kept, the link runs again later.
pub const RETRY: i32 = 2;
/// Nothing is kept, the chain goes on.
pub const NO_CHANGE: i32 = 3;
