struct sample_ops {
	int id;
	int (*stop)(int start);
	int start;
};

struct other {
	int start;
	struct sample_ops ops;
	struct sample_ops *more;
};

static struct sample_ops first = { .id = 1, .start = 2 };
static const struct sample_ops second = {
	.start = 2,
	.stop = NULL,
};
static struct other third = { .start = 1 };

static int use(struct sample_ops *ops, struct other *other, int start)
{
	struct sample_ops local;

	/* ops->start stays in a comment. */
	local.start = ops->start + start;
	other->start = other->ops.start;
	if (other->more->start)
		goto start;
#ifdef CONFIG_SAMPLE
	first.start = 1;
#else
	first.start = 2;
#endif
	return call(ops[1].start, (&local)->start, &ops->start);
start:
	return third.start;
}
