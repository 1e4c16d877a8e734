//! hello: the least that a link can do. It adds the tag hello:world.
use vcon_link::{abi, DONE};

#[no_mangle]
pub extern "C" fn vcon_link_run(_doc: i32) -> i32 {
    let (name, value) = ("hello", "world");
    match unsafe { abi::tag_add(name.as_ptr(), name.len() as u32, value.as_ptr(), value.len() as u32) } {
        0 => DONE,
        _ => -1,
    }
}
