/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_SCHED_H
#define _LINUX_SCHED_H

struct mm_struct;

struct task_struct {
	struct mm_struct *mm;
	char comm[16];
};

extern struct task_struct *current_task;
#define current		current_task

#endif /* _LINUX_SCHED_H */
