int setup_sample(struct sample *sample, struct device *dev, int unused);

static struct sample_ops ops = { .setup_sample = setup_sample };

#define setup_simple(sample) sample_setup(NULL, sample, GFP_KERNEL)

static int use(struct sample *sample, struct device *dev, int left)
{
	int ret = sample_setup(dev, sample, GFP_KERNEL);

	/* setup_sample(sample, dev, 0) stays in a comment. */
	pr_info("setup_sample(sample, dev, 0)\n");
	ops.setup_sample(sample, dev, 0);
	if (sample_setup(dev, sample, GFP_KERNEL) || sample_setup(dev->parent, &sample->inner, GFP_KERNEL))
		return sample_setup(dev ? dev : &init_dev, sample->next,
				    GFP_KERNEL);
	sample_setup(dev, by_number(sample_setup(dev, sample, GFP_KERNEL)),
		     GFP_KERNEL);
	sample_setup(by_number(sample_setup(by_number(sample_setup(dev, sample, GFP_KERNEL)), sample, GFP_KERNEL)),
		     sample, GFP_KERNEL);
	setup_sample(sample, dev, left--);
	sample_setup(dev, sample++, GFP_KERNEL);
	setup_sample(sample, dev);
#ifdef CONFIG_SAMPLE
	sample_setup(dev, sample, GFP_KERNEL);
#else
	sample_setup(dev, sample, GFP_KERNEL);
#endif
#if 0
	setup_sample(sample, dev, 3);
#endif
	queue(setup_sample, sample, dev);
	return (setup_sample)(sample, dev, 0);
}
