"""What goes wrong: the library of failure modes, when incidents begin, how long they last, how strong they are."""
