static struct sample *use(struct device *dev, int sample_get, void *any)
{
	if (sample_get)
		sample_set(dev, NULL, sample_get);
	return sample_get(dev, SAMPLE_DEFAULT, 0) ?: sample_get(dev, any, 0);
}
