struct sample_ops {
	int begin;
};

struct other {
	int start;
};

static int use(struct sample_ops *ops, struct other *start)
{
	return ops->begin + start->start;
}
