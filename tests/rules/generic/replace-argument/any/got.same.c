static struct sample *use(struct device *dev, int sample_get)
{
	if (sample_get)
		sample_set(dev, NULL, sample_get);
	return sample_get(dev, SAMPLE_DEFAULT, 0) ?: sample_get(dev, SAMPLE_DEFAULT, 0);
}
