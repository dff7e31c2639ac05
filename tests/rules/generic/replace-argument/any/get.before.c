struct sample *sample_get(struct device *dev, const char *name, int flags);

static struct sample *given = sample_get(&init_dev, NULL, 0);

#define sample_get_one_of_the_samples_by_its_flags(dev, flags) sample_get(dev, NULL, flags)

static int use(struct device *dev, const struct sample_ops *ops)
{
	struct sample *first = sample_get(dev, NULL, sample_get(dev, NULL, 0)->flags);

	/* sample_get(dev, NULL, 1) stays in a comment. */
	pr_info("sample_get(dev, NULL, 1)\n");
	ops->sample_get(dev, NULL, 0);
	if (!sample_get(dev,
			NULL,
			1))
		return PTR_ERR(sample_get(sample_get(dev, NULL, 1)->dev, NULL, 0));
	sample_get(dev, name_of(sample_get(dev, NULL, 0)), 1);
	sample_get(dev, "name", 1);
	sample_get(dev, SAMPLE_DEFAULT, 1);
	sample_get(dev, i++, 1);
	sample_get(dev, i = 1, 1);
#ifdef CONFIG_SAMPLE
	sample_get(dev, NULL, 3);
#else
	sample_get(dev, NULL, 4);
#endif
#if 0
	sample_get(dev, NULL, 5);
#endif
	sample_get(dev, NULL);
	queue(sample_get, NULL, 1);
	return sample_set(sample_get(dev, NULL, ops ? 1 : 0), NULL, 0);
}
