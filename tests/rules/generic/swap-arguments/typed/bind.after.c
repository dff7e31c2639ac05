int sample_bind(struct sample *sample, struct device *dev);

int sample_bind(struct sample *sample, struct device *dev)
{
	return 0;
}

struct holder {
	struct device *dev;
	struct device inner;
	struct sample *sample;
};

static int use(struct device *dev, struct sample *sample, struct holder *holder)
{
	int ret = sample_bind(sample, dev);

	if (sample_bind(holder->sample,
			holder->dev))
		return sample_bind(sample, &holder->inner);
	sample_bind(sample, dev);
	sample_bind(dev, dev);
	sample_bind(unknown(dev), unknown(sample));
	holder->sample_bind(dev, sample);
	sample_bind(dev, sample_of(sample_bind(sample, dev)));
	return ret;
}
