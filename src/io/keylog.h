/* The key log: the keys of IKE SAs and pairs, in Wireshark's formats, into files of root's, as long
 * as the connection that asked for it lasts. Needs control.keylog in the configuration. */
#ifndef IO_KEYLOG_H
#define IO_KEYLOG_H

#include "ike/keys_view.h"

struct io;
struct io_keylog;

/* Opens the files and writes what there is. out: an existing directory (then its files
 * ikev2_decryption_table and esp_sa, as in a Wireshark profile), or a file (then lines for tshark's
 * -o). tunnel: CORE_NO_TUNNEL for all. stream: of the follower it belongs to. Returns what that one
 * is told first (malloc'ed), or NULL with why and the remedy. */
char *io_keylog_start(struct io *io, const char *out, uint32_t tunnel, uint64_t stream, char *why,
                      size_t cap) KD_MUST_USE;
/* After each step: writes what is new. */
void io_keylog_scan(struct io *io);
void io_keylog_stop(struct io *io, uint64_t stream);
/* Where keys are being written; NULL: nowhere. */
const char *io_keylog_path(const struct io *io);

/* ---- keylog_rows.c: one row as text with its line feed, in buf (IO_KEYLOG_ROW); the caller wipes
 * it. False: Wireshark has no name for an algorithm, or a key is gone; then buf says so, as a
 * comment. ---- */

#define IO_KEYLOG_ROW 1024
bool io_keylog_ike_row(struct kc_ctx *crypto, const struct ike_sa_keys *k, char *buf);
bool io_keylog_esp_row(struct kc_ctx *crypto, const struct ike_child_keys *k, bool inbound,
                       char *buf);

#endif
