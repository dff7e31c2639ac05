struct sample_ops {
	int id;
	int (*stop)(int start);
	int begin;
};

struct other {
	int start;
	struct sample_ops ops;
	struct sample_ops *more;
};

static struct sample_ops first = { .id = 1, .begin = 2 };
static const struct sample_ops second = {
	.begin = 2,
	.stop = NULL,
};
static struct other third = { .start = 1 };

static int use(struct sample_ops *ops, struct other *other, int start)
{
	struct sample_ops local;

	/* ops->start stays in a comment. */
	local.begin = ops->begin + start;
	other->start = other->ops.begin;
	if (other->more->begin)
		goto start;
#ifdef CONFIG_SAMPLE
	first.begin = 1;
#else
	first.begin = 2;
#endif
	return call(ops[1].begin, (&local)->begin, &ops->begin);
start:
	return third.start;
}
