/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The parts of the kernel's types that our programs touch. preserve_access_index makes libbpf find the
 * fields where the running kernel has them (CO-RE), so order and padding here mean nothing. */
#ifndef BPF_KERNEL_H
#define BPF_KERNEL_H

#include "specs/events/event.h"

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef int bool_t;
#define bool _Bool
#define true 1
#define false 0

#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define RELOCATABLE __attribute__((preserve_access_index))

struct kernfs_node {
	u64 id;
} RELOCATABLE;

struct cgroup {
	int level;
	struct kernfs_node *kn;
	struct cgroup *ancestors[]; /* since 6.1 */
} RELOCATABLE;

/* Before 6.1. */
struct cgroup___ids {
	int level;
	u64 ancestor_ids[];
} RELOCATABLE;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
} RELOCATABLE;

enum cgroup_subsys_id { perf_event_cgrp_id = 1 };

struct css_set {
	struct cgroup_subsys_state *subsys[16];
	struct cgroup *dfl_cgrp;
} RELOCATABLE;

struct thread_info {
	u32 cpu; /* on x86-64 since 5.16 */
} RELOCATABLE;

struct task_struct {
	struct thread_info thread_info;
	unsigned int __state;
	unsigned int flags;
	int prio;
	int pid;
	int tgid;
	char comm[16];
	struct css_set *cgroups;
} RELOCATABLE;

/* Before 5.14. */
struct task_struct___old {
	long state;
} RELOCATABLE;

/* Before 5.16, and other processors. */
struct task_struct___cpu {
	u32 cpu;
} RELOCATABLE;

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
} RELOCATABLE;

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} RELOCATABLE;

#endif
