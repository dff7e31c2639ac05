static void use(void)
{
	sample_tick_on(smp_processor_id());
	if (sample_tick_on(smp_processor_id()) > sample_tick(1))
		return;
	queue(sample_tick);
}
