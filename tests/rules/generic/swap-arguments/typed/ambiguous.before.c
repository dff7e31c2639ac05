int sample_bind(struct device *dev, struct sample *sample);
int sample_bind(struct device *parent, struct device *dev);

static int use(struct device *dev, struct sample *sample)
{
	return sample_bind(dev, sample) ? sample_bind(dev->parent_of_the_device, dev) : 0;
}

int sample_bind(struct device *parent, struct device *dev)
{
	return sample_bind(dev, parent);
}
