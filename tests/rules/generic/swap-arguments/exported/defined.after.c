int sample_move(int a3, int a2, int a1, int a4)
{
	return a1;
}
EXPORT_SYMBOL_GPL(sample_move);
