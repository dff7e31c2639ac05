/* SPDX-License-Identifier: GPL-2.0 */
struct kvm;

/* hva_to_pfn(addr, atomic, writable) in a comment stays. */
kvm_pfn_t hva_to_pfn(struct kvm *kvm, unsigned long addr, bool atomic,
		     bool *writable);
extern bool hva_to_pfn_fast(struct kvm *kvm, unsigned long, kvm_pfn_t *);
kvm_pfn_t hva_to_pfn_other(unsigned long addr, bool atomic, bool *writable);

static inline kvm_pfn_t kvm_host_pfn(struct kvm *kvm, unsigned long addr)
{
	return hva_to_pfn(kvm, addr, false, NULL);
}
