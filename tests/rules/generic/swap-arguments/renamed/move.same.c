int sample_move(const void *from, int size, void *to, int flags);

static int use(struct sample *a, struct sample *b, int sample_copy)
{
	return sample_move(b, sample_copy, a, 0) ?: a->sample_copy(a, 1, b, 0);
}
