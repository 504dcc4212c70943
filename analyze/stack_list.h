/* Stacks of any segments, numbered; at the end those that are wanted become paths of a tree. */
#ifndef ANALYZE_STACK_LIST_H
#define ANALYZE_STACK_LIST_H

#include "analyze/sched_track.h"
#include "render/tree.h"

struct stack_list {
	struct stack_at *stacks; /* owned */
	uint64_t *weights;       /* owned; 0: not wanted */
	uint32_t n, cap;
	struct segment **segments; /* owned */
	struct map *by_stack;      /* owned; one for each of them */
	uint32_t n_segments;
};

void stack_list_done(struct stack_list *l);

/* Its number, from 1 on; 0 for no stack. */
uint32_t stack_list_add(struct stack_list *l, struct segment *s, uint32_t stack);

/* Says that a stack (0: none) is wanted, with so much more weight. */
void stack_list_want(struct stack_list *l, uint32_t number, uint64_t weight);

/* Adds those that are wanted to a tree. Their nodes by number, the caller's to free; names that were made up
 * are in scratch, which must live as long as the tree. */
uint32_t *stack_list_fold(const struct stack_list *l, struct tree *tree, struct arena *scratch);

#endif
