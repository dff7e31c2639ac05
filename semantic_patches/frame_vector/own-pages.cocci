// SPDX-License-Identifier: GPL-2.0-or-later
/// A driver that keeps a struct frame_vector only to hold pinned pages can
/// keep the page array itself, and pin with pin_user_pages_fast().
///
// Converts a vector that is a member of a structure: the member, the place
// that fills it, and the place that dirties and releases it. Each may be in
// a file of its own, so no rule needs to see another file.
//
// A file is left alone, as a whole, when it fills a vector in a way not
// understood here, or wants its pfns: half a conversion would not compile.
//
// Not reached: Kconfig, comments, strings, the alignment of the new members.
//
// Confidence: High
// Options: --no-includes
// Keywords: frame_vector, get_vaddr_frames, pin_user_pages_fast

virtual patch

// The place that fills the vector, with its test for a short pin.
@site depends on patch@
identifier F, VEC;
expression E, START, FLAGS, ERR;
local idexpression N;
idexpression RET;
statement S;
position p;
@@
 F(...)
 {
 	<+...
 	RET = get_vaddr_frames@p(START, N, FLAGS, E->VEC);
 	if (RET != N) {
 		...
 		if (RET < 0) S
 		RET = ERR;
 		...
 	}
 	...+>
 }

// What else is understood, each use with its place.
@to_pages depends on patch@
identifier VEC;
expression E, START, FLAGS, ERR;
local idexpression N;
idexpression RET;
statement S, S1;
position p;
@@
 RET = get_vaddr_frames(START, N, FLAGS, E->VEC);
 if (RET != N) {
 	...
 	if (RET < 0) S
 	RET = ERR;
 	...
 }
(
 if (frame_vector_to_pages@p(E->VEC) < 0) S1
|
 if (frame_vector_to_pages@p(E->VEC)) S1
)

@create depends on patch@
identifier VEC;
expression E, N;
statement S;
position p;
@@
 E->VEC = frame_vector_create@p(N);
(
 if (!E->VEC) S
|
 if (E->VEC == NULL) S
)

@use depends on patch@
identifier VEC;
expression E;
position p;
@@
(
 put_vaddr_frames@p(E->VEC)
|
 frame_vector_destroy@p(E->VEC)
|
 frame_vector_pages@p(E->VEC)
|
 frame_vector_count@p(E->VEC)
)

@other depends on patch@
position p != { site.p, to_pages.p, create.p, use.p };
@@
(
 get_vaddr_frames@p(...)
|
 put_vaddr_frames@p(...)
|
 frame_vector_create@p(...)
|
 frame_vector_destroy@p(...)
|
 frame_vector_pages@p(...)
|
 frame_vector_count@p(...)
|
 frame_vector_pfns@p(...)
|
 frame_vector_to_pages@p(...)
|
 frame_vector_to_pfns@p(...)
)

// The vector in any other place, such as a test whether there is one.
@known depends on patch@
identifier VEC;
expression E, START, N, FLAGS;
statement S;
position p;
@@
(
 get_vaddr_frames(START, N, FLAGS, E->VEC@p)
|
 put_vaddr_frames(E->VEC@p)
|
 frame_vector_destroy(E->VEC@p)
|
 frame_vector_pages(E->VEC@p)
|
 frame_vector_count(E->VEC@p)
|
 frame_vector_to_pages(E->VEC@p)
)

@known_create depends on patch@
identifier VEC;
expression E, N;
statement S;
position p, q;
@@
 E->VEC@p = frame_vector_create(N);
(
 if (!E->VEC@q) S
|
 if (E->VEC@q == NULL) S
)

@bare depends on patch@
identifier use.VEC;
expression E;
position p != { known.p, known_create.p, known_create.q };
@@
 E->VEC@p

@twice depends on patch@
identifier S, V1, V2;
@@
 struct S {
 	...
 	struct frame_vector *V1;
 	...
 	struct frame_vector *V2;
 	...
 };

@member depends on patch && !other && !bare && !twice@
identifier S, VEC;
@@
 struct S {
 	...
-	struct frame_vector *VEC;
+	struct page **pages;
+	unsigned int npages;
 	...
 };

// Labels first, while the calls that tell what they are for still stand.
// A label and its gotos have to change in one rule, since code after a label
// that nothing jumps to is not seen by the next. Only the name inside the
// goto is replaced: a whole new statement would be put in braces.
@put_err depends on patch && !other && !bare && !twice@
identifier site.F, site.VEC, L =~ "^err";
expression E;
@@
 F(...)
 {
 	<+...
L:
 	put_vaddr_frames(E->VEC);
 	...+>
 }

@@
identifier site.F, put_err.L;
@@
 F(...)
 {
 	<...
(
 	goto
-		L
+		err_unpin_pages
 		;
|
-L:
+err_unpin_pages:
)
 	...>
 }

@put depends on patch && !other && !bare && !twice@
identifier site.F, site.VEC, L !~ "^err";
expression E;
@@
 F(...)
 {
 	<+...
L:
 	put_vaddr_frames(E->VEC);
 	...+>
 }

@@
identifier site.F, put.L;
@@
 F(...)
 {
 	<...
(
 	goto
-		L
+		unpin_pages
 		;
|
-L:
+unpin_pages:
)
 	...>
 }

@destroy_err depends on patch && !other && !bare && !twice@
identifier site.F, site.VEC, L =~ "^err";
expression E;
@@
 F(...)
 {
 	<+...
L:
 	frame_vector_destroy(E->VEC);
 	...+>
 }

@@
identifier site.F, destroy_err.L;
@@
 F(...)
 {
 	<...
(
 	goto
-		L
+		err_free_pages
 		;
|
-L:
+err_free_pages:
)
 	...>
 }

@destroy depends on patch && !other && !bare && !twice@
identifier site.F, site.VEC, L !~ "^err";
expression E;
@@
 F(...)
 {
 	<+...
L:
 	frame_vector_destroy(E->VEC);
 	...+>
 }

@@
identifier site.F, destroy.L;
@@
 F(...)
 {
 	<...
(
 	goto
-		L
+		free_pages
 		;
|
-L:
+free_pages:
)
 	...>
 }

// The error path of the function that pins: the member that holds the count
// is not set yet, but N is the number of pages pinned.
@depends on patch && !other && !bare && !twice@
identifier site.F, site.VEC;
expression E;
local idexpression site.N;
@@
 F(...)
 {
 	<...
-	put_vaddr_frames(E->VEC);
+	unpin_user_pages(E->pages, N);
 	...>
 }

// RET = ERR is written anew, so that N = RET does not hang on the branch
// before it, which would then be put in braces.
@depends on patch && !other && !bare && !twice@
identifier VEC;
expression E, START, FLAGS, ERR;
local idexpression N;
idexpression RET;
statement S, S1;
@@
-	RET = get_vaddr_frames(START, N, FLAGS, E->VEC);
+	RET = pin_user_pages_fast(START, N, FLAGS, E->pages);
 	if (RET != N) {
 		...
 		if (RET < 0) S
-		RET = ERR;
+		N = RET;
+		RET = ERR;
 		...
 	}
(
-	if (frame_vector_to_pages(E->VEC) < 0) S1
+	E->npages = N;
|
-	if (frame_vector_to_pages(E->VEC)) S1
+	E->npages = N;
)

@depends on patch && !other && !bare && !twice@
identifier VEC;
expression E, START, FLAGS, ERR;
local idexpression N;
idexpression RET;
statement S;
@@
-	RET = get_vaddr_frames(START, N, FLAGS, E->VEC);
+	RET = pin_user_pages_fast(START, N, FLAGS, E->pages);
 	if (RET != N) {
 		...
 		if (RET < 0) S
-		RET = ERR;
+		N = RET;
+		RET = ERR;
 		...
 	}
+	E->npages = N;

// The release: the dirty loop goes in a step of its own, before what is
// around it, and then the variables that only it needed.
@loop depends on patch && !other && !bare && !twice@
identifier VEC, PAGES, i;
expression E;
position p;
@@
 PAGES = frame_vector_pages(E->VEC);
 if (!IS_ERR(PAGES)) {
 	...
 	for@p (i = 0; i < frame_vector_count(E->VEC); i++)
 		set_page_dirty_lock(PAGES[i]);
 }
 put_vaddr_frames(E->VEC);

@@
identifier loop.VEC, loop.PAGES, loop.i;
expression loop.E;
position loop.p;
@@
-for@p (i = 0; i < frame_vector_count(E->VEC); i++)
-	set_page_dirty_lock(PAGES[i]);

@dirty@
identifier loop.VEC, loop.PAGES, F;
expression loop.E;
statement S;
@@
 F(...)
 {
 	<+...
-	PAGES = frame_vector_pages(E->VEC);
+	unpin_user_pages_dirty_lock(E->pages, E->npages, true);
-	if (!IS_ERR(PAGES)) S
-	put_vaddr_frames(E->VEC);
 	...+>
 }

@@
identifier loop.PAGES, dirty.F;
@@
 F(...)
 {
 	...
-	struct page **PAGES;
 	... when != PAGES
 }

@@
identifier loop.i, dirty.F;
type T;
@@
 F(...)
 {
 	...
-	T i;
 	... when != i
 }

@depends on patch && !other && !bare && !twice@
identifier VEC;
expression E;
@@
-	put_vaddr_frames(E->VEC);
+	unpin_user_pages(E->pages, E->npages);

// No pages at all: frame_vector_create() returned NULL then, an array of no
// elements is ZERO_SIZE_PTR.
@depends on patch && !other && !bare && !twice@
identifier VEC;
expression E, N;
statement S;
@@
-	E->VEC = frame_vector_create(N);
+	E->pages = kvmalloc_array(N, sizeof(*E->pages), GFP_KERNEL);
 	if (
(
-		!E->VEC
+		ZERO_OR_NULL_PTR(E->pages)
|
-		E->VEC == NULL
+		ZERO_OR_NULL_PTR(E->pages)
)
 	   ) S

@depends on patch && !other && !bare && !twice@
identifier VEC;
expression E;
@@
(
-	frame_vector_destroy(E->VEC)
+	kvfree(E->pages)
|
-	frame_vector_pages(E->VEC)
+	E->pages
|
-	frame_vector_count(E->VEC)
+	E->npages
)
