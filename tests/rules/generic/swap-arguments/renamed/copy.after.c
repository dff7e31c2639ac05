int sample_move(const void *from, int size, void *to, int flags);
extern int __must_check sample_move(const void *, int, void *, int);

static inline int sample_move(const void *from, int size, void *to, int flags)
{
	return size ? sample_move(from, 0, to, flags) : -EINVAL;
}

#define sample_copy_one(to, from) sample_move(from, 1, to, 0)

static int use(struct sample *a, struct sample *b, const struct sample_ops *ops)
{
	int size = sample_move(b, sample_move(b, 1, a, 2), a, 3);

	/* sample_copy(a, 1, b, 2) stays in a comment. */
	pr_info("sample_copy(a, 1, b, 2)\n");
	ops->sample_copy(a, 1, b, 2);
	if (sample_move(b->data,
			sizeof(*a),
			a->data, 0) < 0)
		return sample_move(b++, 1, a, 0);
#ifdef CONFIG_SAMPLE
	sample_move(b, 1, a, 0);
#else
	sample_move(b, 2, a, 0);
#endif
#if 0
	sample_copy(a, 3, b, 0);
#endif
	sample_copy(a, b, 0);
	if (sample_move(get(sample_move(get(sample_move(a, 3, b, 0)), 2, a, 0)), 1, get(b), 0))
		size--;
	return sample_move(min(1, 2), 1, get(sample_move(b, 1, a, 0)), 3);
}
