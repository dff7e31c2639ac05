void sample_flush(void);

static inline void sample_flush(void)
{
	flush_all();
}

static void use(struct sample **all, int (*call)(void))
{
	sample_flush();
	if (call())
		sample_flush();
	sample_flush();
}
