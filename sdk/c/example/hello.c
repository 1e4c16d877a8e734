// hello: the least that a link can do. It adds the tag hello:world.
#include "vcon_link.h"

VCON_EXPORT("vcon_link_run") int32_t run(int32_t doc) {
  (void)doc; // the handle of the vCon, always 1
  return vcon_tag_add("hello", 5, "world", 5) == 0 ? VCON_DONE : -1;
}
