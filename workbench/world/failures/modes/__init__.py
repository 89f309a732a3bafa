"""One failure mode a module; `registry` finds them."""
