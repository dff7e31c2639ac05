"""One module a verb: ``add_parser(verbs)`` declares it, ``run(args)`` does it."""
