"""One run: wires world, engine and control; the loop closes here and nowhere else."""
