static int use(struct sample *sample, struct device *dev, int setup_sample)
{
	sample->setup_sample(sample, dev, setup_sample);
	return sample_setup(dev, sample, GFP_KERNEL);
}
