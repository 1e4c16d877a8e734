// hello: the least that a link can do. It adds the tag hello:world.
import { tag_add } from "../abi";

const name = String.UTF8.encode("hello"), value = String.UTF8.encode("world");

export function vcon_link_run(doc: i32): i32 {
  return tag_add(changetype<usize>(name), name.byteLength, changetype<usize>(value), value.byteLength) == 0 ? 0 : -1;
}
