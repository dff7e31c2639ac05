int sample_begin(struct sample *sample, int flags);

int sample_begin(struct sample *sample, int flags)
{
	return flags ? sample_begin(sample, 0) : sample->sample_start;
}
EXPORT_SYMBOL(sample_begin);
