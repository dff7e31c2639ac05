// SPDX-License-Identifier: GPL-2.0-or-later
/// get_vaddr_frames() pins for as long as user space likes: use FOLL_LONGTERM,
/// and pin before the mmap lock is taken.
///
// pin_user_pages_locked() cannot do long-term pins, pin_user_pages_fast() can
// but may take the mmap lock itself. It also refuses what the function used to
// look at the area for: fsdax, VM_IO and VM_PFNMAP.
//
// Two bodies are known: as released in v5.10, with a follow_pfn() loop for
// areas that have no pages, and that of 5.10 stable, which lost the loop. Each
// is spelled out whole, so that any other body is left alone.
//
// Not reached: comments.
//
// Confidence: High
// Options: --no-includes
// Keywords: get_vaddr_frames, pin_user_pages_fast, FOLL_LONGTERM

virtual patch

// Without the loop nothing is left to be done under the lock.
@without_loop depends on patch disable bitor_comm, bitand_comm, paren, ptr_to_array@
identifier start, nr, gup_flags, vec, mmp, vma, ret, locked, out;
symbol current, true, false;
@@
 int get_vaddr_frames(unsigned long start, unsigned int nr,
		      unsigned int gup_flags, struct frame_vector *vec)
 {
-	struct mm_struct *mmp = current->mm;
-	struct vm_area_struct *vma;
-	int ret = 0;
-	int locked;
+	int ret;

	if (nr == 0)
		return 0;

	if (WARN_ON_ONCE(nr > vec->nr_allocated))
		nr = vec->nr_allocated;

	start = untagged_addr(start);

-	mmap_read_lock(mmp);
-	locked = 1;
-	vma = find_vma_intersection(mmp, start, start + 1);
-	if (!vma) {
-		ret = -EFAULT;
-		goto out;
-	}
-	if (vma_is_fsdax(vma)) {
-		ret = -EOPNOTSUPP;
-		goto out;
-	}
-	if (!(vma->vm_flags & (VM_IO | VM_PFNMAP))) {
+	/* May take the mmap lock itself, so it has to run without it. */
+	ret = pin_user_pages_fast(start, nr,
+				  FOLL_FORCE | FOLL_WRITE | FOLL_LONGTERM,
+				  (struct page **)(vec->ptrs));
+	if (ret > 0) {
		vec->got_ref = true;
		vec->is_pfns = false;
-		ret = pin_user_pages_locked(start, nr,
-			gup_flags, (struct page **)(vec->ptrs), &locked);
-		if (likely(ret > 0))
-			goto out;
+		vec->nr_frames = ret;
+		return ret;
	}

	vec->nr_frames = 0;
+	return ret ? ret : -EFAULT;
-out:
-	if (locked)
-		mmap_read_unlock(mmp);
-	if (!ret)
-		ret = -EFAULT;
-	if (ret > 0)
-		vec->nr_frames = ret;
-	return ret;
 }

// With the loop: it starts to count at 0 again when nothing was pinned.
@with_loop depends on patch disable bitor_comm, bitand_comm, paren, ptr_to_array@
identifier start, nr, gup_flags, vec, mmp, vma, ret, err, locked, out;
symbol current, true, false;
@@
 int get_vaddr_frames(unsigned long start, unsigned int nr,
		      unsigned int gup_flags, struct frame_vector *vec)
 {
	struct mm_struct *mmp = current->mm;
	struct vm_area_struct *vma;
-	int ret = 0;
-	int err;
-	int locked;
+	int ret;
+	int err;

	if (nr == 0)
		return 0;

	if (WARN_ON_ONCE(nr > vec->nr_allocated))
		nr = vec->nr_allocated;

	start = untagged_addr(start);

-	mmap_read_lock(mmp);
-	locked = 1;
+	/* May take the mmap lock itself, so it has to run without it. */
+	ret = pin_user_pages_fast(start, nr,
+				  FOLL_FORCE | FOLL_WRITE | FOLL_LONGTERM,
+				  (struct page **)(vec->ptrs));
+	if (ret > 0) {
+		vec->got_ref = true;
+		vec->is_pfns = false;
+		vec->nr_frames = ret;
+		return ret;
+	}
+
+	mmap_read_lock(mmp);
	vma = find_vma_intersection(mmp, start, start + 1);
	if (!vma) {
		ret = -EFAULT;
		goto out;
	}

-	if (vma_is_fsdax(vma)) {
-		ret = -EOPNOTSUPP;
-		goto out;
-	}
-
-	if (!(vma->vm_flags & (VM_IO | VM_PFNMAP))) {
-		vec->got_ref = true;
-		vec->is_pfns = false;
-		ret = pin_user_pages_locked(start, nr,
-			gup_flags, (struct page **)(vec->ptrs), &locked);
-		goto out;
-	}
-
	vec->got_ref = false;
	vec->is_pfns = true;
+	ret = 0;
	...
 out:
-	if (locked)
-		mmap_read_unlock(mmp);
+	mmap_read_unlock(mmp);
	if (!ret)
		ret = -EFAULT;
	if (ret > 0)
		vec->nr_frames = ret;
	return ret;
 }

// follow_pfn() itself refuses areas that are neither VM_IO nor VM_PFNMAP.
@next_area depends on with_loop@
identifier with_loop.vma;
@@
 vma
-    && vma->vm_flags & (VM_IO | VM_PFNMAP)

// Whoever jumps there holds the lock now.
@label depends on with_loop@
identifier with_loop.out;
@@
 get_vaddr_frames(...)
 {
	<...
-	goto out;
+	goto out_unlock;
	...>
-out:
+out_unlock:
	mmap_read_unlock(...);
	...
 }
