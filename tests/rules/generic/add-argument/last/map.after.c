int sample_map(struct sample *sample, int count, unsigned int flags);
extern int __must_check sample_map(struct sample *, int, unsigned int flags);

static inline int sample_map(struct sample *sample, int count,
			     unsigned int flags)
{
	return count ? sample_map(sample, 0, FLAG_A | FLAG_B) : -EINVAL;
}

#define sample_map_one(sample) sample_map(sample, 1, FLAG_A | FLAG_B)

static int use(struct sample *sample, const struct sample_ops *ops)
{
	int first = sample_map(sample, sample_map(sample, 1, FLAG_A | FLAG_B),
			       FLAG_A | FLAG_B);

	/* sample_map(sample, 1) stays in a comment. */
	pr_info("sample_map(a, b)\n");
	ops->sample_map(sample, 1);
	if (sample_map(sample,
		       first, FLAG_A | FLAG_B) < 0)
		return sample_map(sample, /* all */ 2, FLAG_A | FLAG_B);
#ifdef CONFIG_SAMPLE
	sample_map(sample, 3, FLAG_A | FLAG_B);
#else
	sample_map(sample, 4, FLAG_A | FLAG_B);
#endif
#if 0
	sample_map(sample, 5);
#endif
	queue(sample_map);
	return sample_map(find_sample("by a long name", first),
			  min(first, 2), FLAG_A | FLAG_B);
}
