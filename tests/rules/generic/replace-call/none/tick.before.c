static void use(void)
{
	sample_tick();
	if (sample_tick() > sample_tick(1))
		return;
	queue(sample_tick);
}
