/* Inside the simulator's provider only: what sim.c and sim_box.c share. */
#ifndef KC_SIM_H
#define KC_SIM_H

#include "crypto/provider.h"

uint64_t kc_sim_be64(const uint8_t b[8]);
void kc_sim_put_be64(uint8_t b[8], uint64_t v);
/* out_len 16 to 64. */
void kc_sim_hash(const char *label, uint16_t id, struct kd_bytes key, const struct kd_bytes *parts,
                 size_t n, uint8_t *out, size_t out_len);

struct kc_box *kc_sim_box_new(const void *self, const struct kc_alg *encr,
                              const struct kc_alg *integ, const struct kc_secret *enc_key,
                              const struct kc_secret *int_key);
void kc_sim_box_free(struct kc_box *b);
bool kc_sim_box_seal(struct kc_box *b, const struct kc_packet *p, uint8_t *icv);
bool kc_sim_box_open(struct kc_box *b, const struct kc_packet *p, const uint8_t *icv);

#endif
