int setup_sample(struct sample *sample, struct device *dev, int unused);

static struct sample_ops ops = { .setup_sample = setup_sample };

#define setup_simple(sample) setup_sample(sample, NULL, 0)

static int use(struct sample *sample, struct device *dev, int left)
{
	int ret = setup_sample(sample, dev, 0);

	/* setup_sample(sample, dev, 0) stays in a comment. */
	pr_info("setup_sample(sample, dev, 0)\n");
	ops.setup_sample(sample, dev, 0);
	if (setup_sample(sample,
			 dev, 0) || setup_sample(&sample->inner, dev->parent, left))
		return setup_sample(sample->next, dev ? dev : &init_dev, min(1, left));
	setup_sample(by_number(setup_sample(sample, dev, 1)), dev, setup_sample(sample, dev, 2));
	setup_sample(sample, by_number(setup_sample(sample, by_number(setup_sample(sample, dev, 1)), 2)), 3);
	setup_sample(sample, dev, left--);
	setup_sample(sample++, dev, left);
	setup_sample(sample, dev);
#ifdef CONFIG_SAMPLE
	setup_sample(sample, dev, 1);
#else
	setup_sample(sample, dev, 2);
#endif
#if 0
	setup_sample(sample, dev, 3);
#endif
	queue(setup_sample, sample, dev);
	return (setup_sample)(sample, dev, 0);
}
