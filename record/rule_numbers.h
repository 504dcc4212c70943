/* Numbers for the rules by which the kernel walks stacks (specs/walk.h): each different rule has one, which rows
 * refer to, and which it loses when the last image that has it is gone. */
#ifndef RECORD_RULE_NUMBERS_H
#define RECORD_RULE_NUMBERS_H

#include <stdint.h>

#include "specs/walk.h"

struct rule_numbers;

/* Rules are written to `rules`, borrowed: the elements of a BPF map, `max` of them, of which the first stays as it
 * is. */
struct rule_numbers *rule_numbers_new(void *rules, uint32_t max);
void rule_numbers_free(struct rule_numbers *r);

/* The rule's number, the same for those that are equal, once more; 0: all are in use. */
uint16_t rule_numbers_get(struct rule_numbers *r, const struct walk_rule *rule);

/* Gives it back as often as it was got; 0 is ignored. The rule stays in its place for as long as may be, as a
 * walk may be under way that has just met it. */
void rule_numbers_drop(struct rule_numbers *r, uint16_t number);

/* How many are in use. */
uint32_t rule_numbers_used(const struct rule_numbers *r);

#endif
