"""Go's text/template as Prometheus uses it: read, checked and executed without anything of Go."""
