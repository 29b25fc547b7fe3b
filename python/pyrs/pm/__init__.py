"""The package manager: one manifest, one lock, one store shared by all projects."""
