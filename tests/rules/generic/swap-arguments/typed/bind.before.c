int sample_bind(struct device *dev, struct sample *sample);

int sample_bind(struct device *dev, struct sample *sample)
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
	int ret = sample_bind(dev, sample);

	if (sample_bind(holder->dev,
			holder->sample))
		return sample_bind(&holder->inner, sample);
	sample_bind(sample, dev);
	sample_bind(dev, dev);
	sample_bind(unknown(dev), unknown(sample));
	holder->sample_bind(dev, sample);
	sample_bind(dev, sample_of(sample_bind(dev, sample)));
	return ret;
}
