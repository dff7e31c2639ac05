// SPDX-License-Identifier: GPL-2.0-or-later
/// get_vaddr_frames() does without its gup_flags argument: drop it from the
/// prototype, the definition and every call, and with it the local variable
/// that only fed it.
///
// A variable stays when it is used for anything else, when setting it calls a
// function, or when it is set on a branch: then it is for a human to decide.
//
// Not reached: comments, strings, code under #if 0.
//
// Confidence: High
// Options: --no-includes
// Keywords: get_vaddr_frames

virtual patch

// Variables: first those whose declaration is the only place that sets them.
@init_calls@
type T;
identifier v, f;
position p;
@@
 T v@p = <+... f(...) ...+>;

@init_only_fed depends on patch@
type T;
identifier v;
expression start, nr, vec, E;
position p != init_calls.p;
@@
-	T v@p = E;
	<+... when != v
	get_vaddr_frames(start, nr,
-	                 v,
	                 vec)
	...+>

// Remember the names, for those that are set by a statement of their own.
@fed@
identifier v;
expression start, nr, vec;
@@
 get_vaddr_frames(start, nr, v, vec)

@call depends on patch@
expression start, nr, flags, vec;
@@
 get_vaddr_frames(start, nr,
-                 flags,
                  vec)

@set_calls@
identifier fed.v, f;
position p;
@@
 v@p = <+... f(...) ...+>

@set_in_branch@
identifier fed.v;
expression C, E;
statement S;
position p;
@@
(
 if (C) v@p = E; else S
|
 if (C) S else v@p = E;
)

@set_only depends on patch@
type T;
identifier fed.v;
expression E;
position p != { set_calls.p, set_in_branch.p };
@@
-	T v;
	... when != v
-	v@p = E;
	... when != v

@prototype depends on patch@
type T1, T2, T3, T4, T;
identifier start, nr, flags, vec;
@@
 T get_vaddr_frames(T1 start, T2 nr,
-                    T3 flags,
                     T4 vec);

@body depends on patch@
type T1, T2, T3, T4, T;
identifier start, nr, flags, vec;
@@
 T get_vaddr_frames(T1 start, T2 nr,
-                    T3 flags,
                     T4 vec)
 {
	...
 }
