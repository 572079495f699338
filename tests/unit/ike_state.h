/* What two engines and the network between them are, as one number: equal for states that can't be
 * told apart by anything but names (SPIs), nonces and the clock. Of nonces only the order counts.
 * For exploring: see test_ike_explore.c. */
#ifndef TESTS_IKE_STATE_H
#define TESTS_IKE_STATE_H

#include "ike/sa.h"
#include "ike_pair.h"

uint64_t state_hash(const struct pair *p);
/* A request of an established or closing SA of that side is unanswered; attempts: of one that is
 * being made as well. */
bool state_outstanding(const struct pair *p, int side, bool attempts);
/* IKE SAs of the side that are not gone. */
unsigned state_sas(const struct pair *p, int side);
/* Where two paths lead to one state, the same happens on both: all that is drawn from now on
 * depends on that number alone. */
void state_seed(struct pair *p, uint64_t seed);

#endif
