int sample_bind(struct sample *sample, struct device *dev);

int sample_bind(struct sample *sample, struct device *dev)
{
	return sample_bind(sample, dev->parent);
}
