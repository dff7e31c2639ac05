// SPDX-License-Identifier: GPL-2.0-or-later
/// Add unsafe_follow_pfn() next to follow_pfn(): for callers that use the pfn
/// without knowing when the mapping goes away.
///
// Not reached: the prototype, which is in a header.
//
// Confidence: High
// Options: --no-includes
// Keywords: follow_pfn, unsafe_follow_pfn

virtual patch

@done@
@@
 unsafe_follow_pfn(...) { ... }

@define depends on patch && !done@
declarer name EXPORT_SYMBOL;
symbol follow_pfn;
@@
 EXPORT_SYMBOL(follow_pfn);
+/**
+ * unsafe_follow_pfn - look up a PFN that may change at any time
+ * @vma: memory mapping
+ * @address: user virtual address
+ * @pfn: location to store found PFN
+ *
+ * The same as follow_pfn(), for callers that go on using @pfn although
+ * nothing tells them when the mapping is changed or revoked: by then the
+ * memory may belong to somebody else. This warns once and taints the kernel,
+ * or is refused with CONFIG_STRICT_FOLLOW_PFN. Do not add callers: use an
+ * MMU notifier, or share the memory in another way, such as a dma-buf.
+ *
+ * Return: zero and the pfn at @pfn on success, -ve otherwise.
+ */
+int unsafe_follow_pfn(struct vm_area_struct *vma, unsigned long address,
+		      unsigned long *pfn)
+{
+	if (IS_ENABLED(CONFIG_STRICT_FOLLOW_PFN)) {
+		pr_info_ratelimited("%s: unsafe follow_pfn() refused, see CONFIG_STRICT_FOLLOW_PFN\n",
+				    current->comm);
+		return -EINVAL;
+	}
+
+	WARN_ONCE(1, "unsafe follow_pfn(), see CONFIG_STRICT_FOLLOW_PFN\n");
+	add_taint(TAINT_USER, LOCKDEP_STILL_OK);
+
+	return follow_pfn(vma, address, pfn);
+}
+EXPORT_SYMBOL(unsafe_follow_pfn);
