int sample_map(struct sample *sample, gfp_t gfp, int count);
extern int __must_check sample_map(struct sample *, gfp_t gfp, int);

static inline int sample_map(struct sample *sample, gfp_t gfp, int count)
{
	return count ? sample_map(sample, GFP_KERNEL, 0) : -EINVAL;
}

#define sample_map_one(sample) sample_map(sample, GFP_KERNEL, 1)

static int use(struct sample *sample, const struct sample_ops *ops)
{
	int first = sample_map(sample, GFP_KERNEL,
			       sample_map(sample, GFP_KERNEL, 1));

	/* sample_map(sample, 1) stays in a comment. */
	pr_info("sample_map(a, b)\n");
	ops->sample_map(sample, 1);
	if (sample_map(sample, GFP_KERNEL,
		       first) < 0)
		return sample_map(sample, GFP_KERNEL, /* all */ 2);
#ifdef CONFIG_SAMPLE
	sample_map(sample, GFP_KERNEL, 3);
#else
	sample_map(sample, GFP_KERNEL, 4);
#endif
#if 0
	sample_map(sample, 5);
#endif
	queue(sample_map);
	return sample_map(find_sample("by a long name", first), GFP_KERNEL,
			  min(first, 2));
}
