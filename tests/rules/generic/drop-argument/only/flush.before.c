void sample_flush(struct sample *sample);

static inline void sample_flush(struct sample *sample)
{
	flush_all();
}

static void use(struct sample **all, int (*call)(void))
{
	sample_flush(all[0]);
	if (call())
		sample_flush(find_sample(all,
					 "by name"));
	sample_flush();
}
