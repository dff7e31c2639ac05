int sample_copy(int a1, int a2, int a3, int a4)
{
	return a1;
}
EXPORT_SYMBOL_GPL(sample_copy);
