int sample_copy(void *to, int size, const void *from, int flags);
extern int __must_check sample_copy(void *, int, const void *, int);

static inline int sample_copy(void *to, int size, const void *from, int flags)
{
	return size ? sample_copy(to, 0, from, flags) : -EINVAL;
}

#define sample_copy_one(to, from) sample_copy(to, 1, from, 0)

static int use(struct sample *a, struct sample *b, const struct sample_ops *ops)
{
	int size = sample_copy(a, sample_copy(a, 1, b, 2), b, 3);

	/* sample_copy(a, 1, b, 2) stays in a comment. */
	pr_info("sample_copy(a, 1, b, 2)\n");
	ops->sample_copy(a, 1, b, 2);
	if (sample_copy(a->data,
			sizeof(*a),
			b->data, 0) < 0)
		return sample_copy(a, 1, b++, 0);
#ifdef CONFIG_SAMPLE
	sample_copy(a, 1, b, 0);
#else
	sample_copy(a, 2, b, 0);
#endif
#if 0
	sample_copy(a, 3, b, 0);
#endif
	sample_copy(a, b, 0);
	if (sample_copy(get(b), 1, get(sample_copy(a, 2, get(sample_copy(b, 3, a, 0)), 0)), 0))
		size--;
	return sample_copy(get(sample_copy(a, 1, b, 0)), 1, min(1, 2), 3);
}
