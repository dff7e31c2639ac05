/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_MM_H
#define _LINUX_MM_H

#include <linux/kernel.h>
#include <linux/err.h>
#include <linux/types.h>

#define PAGE_SHIFT	12
#define PAGE_SIZE	(1UL << PAGE_SHIFT)
#define PAGE_MASK	(~(PAGE_SIZE - 1))
#define PAGE_ALIGN(x)	(((x) + PAGE_SIZE - 1) & PAGE_MASK)
#define offset_in_page(p)	((unsigned long)(p) & ~PAGE_MASK)

#define VM_WRITE	0x00000002
#define VM_PFNMAP	0x00000400
#define VM_IO		0x00004000

#define FOLL_WRITE	0x01	/* the pages will be written to */
#define FOLL_FORCE	0x10	/* even where the mapping is read-only */
#define FOLL_LONGTERM	0x10000	/* user space decides how long this lasts */

struct page {
	unsigned long flags;
};

typedef struct { unsigned long pte; } pte_t;

struct mm_struct {
	struct vm_area_struct *mmap;
};

struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_end;
	unsigned long vm_flags;
	struct mm_struct *vm_mm;
	void *vm_private_data;
};

#define untagged_addr(addr)	(addr)

#define pfn_to_page(pfn)	((struct page *)((pfn) << PAGE_SHIFT))
#define page_to_pfn(page)	((unsigned long)(page) >> PAGE_SHIFT)
bool pfn_valid(unsigned long pfn);

#define VM_BUG_ON(cond)		BUG_ON(cond)

void mmap_read_lock(struct mm_struct *mm);
void mmap_read_unlock(struct mm_struct *mm);

struct vm_area_struct *find_vma(struct mm_struct *mm, unsigned long addr);
struct vm_area_struct *find_vma_intersection(struct mm_struct *mm,
					     unsigned long start,
					     unsigned long end);
bool vma_is_fsdax(struct vm_area_struct *vma);

void *kvmalloc(size_t size, gfp_t flags);
void *kvmalloc_array(size_t n, size_t size, gfp_t flags);
void *kvcalloc(size_t n, size_t size, gfp_t flags);
void kvfree(const void *addr);

int set_page_dirty(struct page *page);
int set_page_dirty_lock(struct page *page);

int follow_pte(struct mm_struct *mm, unsigned long address,
	       pte_t **ptepp, spinlock_t **ptlp);
int follow_pfn(struct vm_area_struct *vma, unsigned long address,
	unsigned long *pfn);
int fixup_user_fault(struct mm_struct *mm, unsigned long address,
		     unsigned int fault_flags, bool *unlocked);

long pin_user_pages_locked(unsigned long start, unsigned long nr_pages,
			   unsigned int gup_flags, struct page **pages,
			   int *locked);
int pin_user_pages_fast(unsigned long start, int nr_pages,
			unsigned int gup_flags, struct page **pages);
long pin_user_pages_remote(struct mm_struct *mm, unsigned long start,
			   unsigned long nr_pages, unsigned int gup_flags,
			   struct page **pages);
void unpin_user_page(struct page *page);
void unpin_user_pages(struct page **pages, unsigned long npages);
void unpin_user_pages_dirty_lock(struct page **pages, unsigned long npages,
				 bool make_dirty);

/* User memory that a device works on: page pointers, or bare pfns */
struct frame_vector {
	unsigned int nr_allocated;	/* room in ptrs */
	unsigned int nr_frames;		/* how much of it is filled */
	bool got_ref;			/* pages are pinned, unpin them */
	bool is_pfns;			/* ptrs holds pfns, not pages */
	void *ptrs[];			/* read it with frame_vector_pages()
					 * or frame_vector_pfns()
					 */
};

struct frame_vector *frame_vector_create(unsigned int nr_frames);
void frame_vector_destroy(struct frame_vector *vec);
int get_vaddr_frames(unsigned long start, unsigned int nr_pfns,
		     unsigned int gup_flags, struct frame_vector *vec);
void put_vaddr_frames(struct frame_vector *vec);
int frame_vector_to_pages(struct frame_vector *vec);
void frame_vector_to_pfns(struct frame_vector *vec);

static inline unsigned int frame_vector_count(struct frame_vector *vec)
{
	return vec->nr_frames;
}

static inline struct page **frame_vector_pages(struct frame_vector *vec)
{
	if (vec->is_pfns) {
		int err = frame_vector_to_pages(vec);

		if (err)
			return ERR_PTR(err);
	}
	return (struct page **)(vec->ptrs);
}

static inline unsigned long *frame_vector_pfns(struct frame_vector *vec)
{
	if (!vec->is_pfns)
		frame_vector_to_pfns(vec);
	return (unsigned long *)(vec->ptrs);
}

struct sysinfo;
void si_meminfo(struct sysinfo *val);

#endif /* _LINUX_MM_H */
