// SPDX-License-Identifier: GPL-2.0
#include <linux/kvm_host.h>

static bool hva_to_pfn_fast(struct kvm *kvm, unsigned long addr,
			    kvm_pfn_t *pfn);

static bool hva_to_pfn_fast(struct kvm *kvm, unsigned long addr,
			    kvm_pfn_t *pfn)
{
	return get_user_page_fast_only(addr, pfn);
}

kvm_pfn_t hva_to_pfn(struct kvm *kvm, unsigned long addr, bool atomic,
		     bool *writable)
{
	kvm_pfn_t pfn = 0;

	/* hva_to_pfn_fast(addr, &pfn) is tried first. */
	if (hva_to_pfn_fast(kvm, addr, &pfn) ||
	    (!atomic && hva_to_pfn_fast(kvm, addr + 1, &pfn)))
		return pfn;
	pr_debug("hva_to_pfn(%lx)\n", addr);
	return KVM_PFN_ERR_FAULT;
}

kvm_pfn_t from_parameter(gfn_t gfn, struct kvm *vm, bool *writable)
{
	kvm_pfn_t pfn = hva_to_pfn(vm, gfn_to_hva(vm, gfn), false, writable);

	while (is_error_pfn(pfn))
		pfn = hva_to_pfn(vm, gfn_to_hva(vm, gfn),
				 true, /* atomic */
				 writable);
	return pfn ? pfn : hva_to_pfn(vm,
				      page_of(hva_to_pfn(vm, gfn, true, NULL)),
				      true, NULL);
}

int from_local(struct holder *holder, unsigned long addr)
{
	struct kvm *vm = holder->kvm;
	kvm_pfn_t pfn;

#ifdef CONFIG_FAST
	if (hva_to_pfn_fast(vm, addr, &pfn))
		return 0;
#else
	if (hva_to_pfn_fast(vm, addr & PAGE_MASK, &pfn))
		return 0;
#endif
	pfn = hva_to_pfn(vm, addr, false, NULL);
	return use_pfn(vm, pfn);
}

int from_local_set_later(struct holder *holder, unsigned long addr)
{
	struct kvm *vm = NULL;
	int idx;

	if (!holder)
		return -EINVAL;
	vm = holder->kvm;
	idx = srcu_read_lock(&vm->srcu);
	use_pfn(vm, hva_to_pfn(vm, addr, false, NULL));
	return idx;
}

int from_vcpu(struct kvm_vcpu *vcpu, unsigned long addr)
{
	return use_pfn(vcpu->kvm, hva_to_pfn(vcpu->kvm, addr, false, NULL));
}

int from_local_vcpu(struct holder *holder, unsigned long addr)
{
	struct kvm_vcpu *v = holder->vcpu;
	kvm_pfn_t pfn;

	return hva_to_pfn_fast(v->kvm, addr, &pfn);
}

int kvm_before_vcpu(struct kvm_vcpu *vcpu, unsigned long addr)
{
	struct kvm *kvm = vcpu->kvm;

	return use_pfn(kvm, hva_to_pfn(kvm, addr, false, NULL));
}

/* Which one? */
int choice(struct kvm *from, struct kvm *to, unsigned long addr)
{
	return hva_to_pfn(addr, false, NULL) == to->pfn;
}

/* Not known when the first call is made. */
int too_late(struct holder *holder, unsigned long addr)
{
	struct kvm *vm;
	kvm_pfn_t pfn;

	hva_to_pfn_fast(addr, &pfn);
	vm = holder->kvm;
	return use_pfn(vm, pfn);
}

/* Nothing in scope. */
kvm_pfn_t without(struct kvm_memory_slot *slot, unsigned long addr)
{
	struct ops ops = { .hva_to_pfn = hva_to_pfn };

	slot->hva_to_pfn(addr, false, NULL);
	return hva_to_pfn(addr, false, NULL);
}

kvm_pfn_t other_count(struct kvm *kvm, unsigned long addr)
{
	return hva_to_pfn(kvm, addr, false, NULL);
}
