// SPDX-License-Identifier: GPL-2.0-or-later
/// Pages that are kept for as long as user space likes have to come from
/// get_user_pages_longterm(): it refuses those of a DAX mapping of a file.
///
// For Linux 4.15 to 5.1, where that function is, with the same arguments as
// get_user_pages(). Pages are taken to be kept when their array is a member of
// a structure that outlives the function, or a local pointer that is stored in
// one. They are not when
// - the structure is a local variable, or
// - the function lets go of the pages itself, other than for an error.
//
// How long a structure lives, no rule can tell: choose the paths by hand.
//
// Not reached: get_user_pages_fast() and get_user_pages_remote(), which have
// no such form, function pointers, strings.
//
// Confidence: Moderate
// Options: --no-includes
// Keywords: get_user_pages, get_user_pages_longterm

virtual patch

// A structure on the stack.
@stack@
local idexpression S;
identifier M;
expression start, nr, flags, vmas;
position p;
@@
(
 get_user_pages@p(start, nr, flags, S.M, vmas)
|
 get_user_pages@p(start, nr, flags, &S.M[...], vmas)
)

// Let go of where they were taken. An early return is no way around it.
@brief@
expression start, nr, flags, vmas, pages, I, E1, E2, E3;
position p;
@@
 get_user_pages@p(start, nr, flags, pages, vmas)
 ...
(
 release_pages(pages, ...);
|
 for (E1; E2; E3) {
 	<+...
 	put_page(pages[I]);
 	...+>
 }
|
 for (E1; E2; E3)
 	put_page(pages[I]);
|
 while (E1) {
 	<+...
 	put_page(pages[I]);
 	...+>
 }
|
 while (E1)
 	put_page(pages[I]);
)

@member@
expression start, nr, flags, vmas, E, I;
identifier M;
position p;
@@
 get_user_pages@p(start, nr, flags,
		  \( E->M \| E.M \| E->M + I \| E.M + I \| &E->M[I] \| &E.M[I] \),
		  vmas)

// A local pointer that is stored in a structure, before or afterwards.
@before exists@
local idexpression struct page **P;
expression start, nr, flags, vmas, E, E1;
identifier M;
position p;
@@
 E->M = P;
 ... when != P = E1
 get_user_pages@p(start, nr, flags, P, vmas)

@after exists@
local idexpression struct page **P;
expression start, nr, flags, vmas, E, E1;
identifier M;
position p;
@@
 get_user_pages@p(start, nr, flags, P, vmas)
 ... when != P = E1
 E->M = P;

@other@
expression start, nr, flags, vmas, pages;
position p != { member.p, before.p, after.p };
@@
 get_user_pages@p(start, nr, flags, pages, vmas)

@depends on patch@
expression start, nr, flags, vmas, pages;
position p != { stack.p, brief.p, other.p };
@@
-get_user_pages@p(start, nr, flags, pages, vmas)
+get_user_pages_longterm(start, nr, flags, pages, vmas)
