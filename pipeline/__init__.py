"""Configuration, the node table, launching, planning, lineage, Kubeflow and the command line."""
