"""A rule becomes commits: semantic patches, spatch, steps and the tree they run on."""
