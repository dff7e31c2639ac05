int sample_map(struct sample *sample, int count);
extern int __must_check sample_map(struct sample *, int);

static inline int sample_map(struct sample *sample, int count)
{
	return count ? sample_map(sample, 0) : -EINVAL;
}

#define sample_map_one(sample) sample_map(sample, 1)

static int use(struct sample *sample, const struct sample_ops *ops)
{
	int first = sample_map(sample, sample_map(sample, 1));

	/* sample_map(sample, 1) stays in a comment. */
	pr_info("sample_map(a, b)\n");
	ops->sample_map(sample, 1);
	if (sample_map(sample,
		       first) < 0)
		return sample_map(sample, /* all */ 2);
#ifdef CONFIG_SAMPLE
	sample_map(sample, 3);
#else
	sample_map(sample, 4);
#endif
#if 0
	sample_map(sample, 5);
#endif
	queue(sample_map);
	return sample_map(find_sample("by a long name", first),
			  min(first, 2));
}
