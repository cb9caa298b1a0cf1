"""What linters of the field say of chart, images, workflows and YAML: `python -m tests.linters`."""
