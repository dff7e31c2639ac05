static int top_level;
static struct sample top = { .value = 1 };

static int keep(struct sample *sample, int argument)
{
	int attribute __maybe_unused;
	int __maybe_unused before;
	struct guard guard __cleanup(sample_unlock);
	int called = sample_init(sample);
	struct { int member; } whole;
	int by_ifdef, by_else, by_elif;
	int by_asm, by_sizeof, by_typeof, by_init, by_field;
	int by_dead, by_endless, by_iterator, by_address, by_macro, by_case;
	int by_cast, by_ifdef_expression;
	int sample_lookup(int key);
	extern int sample_debug;
	typedef int by_nobody;
	enum { ONE, TWO } number;

	whole.member = 1;
	number = ONE;
#ifdef CONFIG_A
	by_ifdef = 1;
#elif defined(CONFIG_B)
	by_elif = 1;
#else
	by_else = 1;
#endif
	asm volatile("nop" : "=r" (by_asm));
	argument += sizeof(by_sizeof);
	{
		typeof(by_typeof) other = 0;
		int copy = by_init;
		struct sample fields = { .a = by_field };

		sample_use(&other, &copy, &fields);
	}
	for_each_sample(by_iterator, sample)
		sample_use(&by_address);
	sample_use(SAMPLE_MACRO(by_macro), (long)by_cast);
	if (argument
#ifdef CONFIG_A
	    && by_ifdef_expression
#endif
	    )
		return 0;
	switch (argument) {
	case 1:
		by_case = 2;
		break;
	}
	if (argument)
		return called;
	for (;;)
		by_endless++;
	by_dead = 1;
	return 0;
}

static int keep_shadow(int argument)
{
	int value;

	if (argument) {
		int value = sample_init(NULL);

		return value;
	}
	return value;
}
