/* A path measured by numbered packets: loss, outages, round trips, loss told apart by direction
 * where the far end counts, and the hops by TTL. Pure: the caller sends, receives and has the
 * clock. */
#ifndef PROBE_PROBE_H
#define PROBE_PROBE_H

#include "base/addr.h"
#include "base/bytes.h"
#include "base/attr.h"

/* ---- packets ---- */

struct probe;

#define PROBE_WINDOW_MAX 65536u /* packets not judged yet: timeout over interval at the most */

struct probe_params {
    uint64_t interval_us; /* between packets */
    uint64_t timeout_us;  /* an answer that took longer counts as lost */
    /* Told of each packet when it is judged, in the order of sending; may be NULL. rtt_us: of an
     * answered one. */
    void (*judged)(void *arg, uint64_t sent_us, bool answered, uint64_t rtt_us);
    void *arg;
};

/* NULL: out of memory, or more than PROBE_WINDOW_MAX intervals in the timeout. */
struct probe *probe_new(const struct probe_params *p) KD_MUST_USE;
void probe_free(struct probe *p); /* NULL is ignored */

/* The number of the packet that leaves now: 0, 1, 2 ... What could not be sent stays unanswered. */
uint64_t probe_sent(struct probe *p, uint64_t now_us);

/* An answer to packet seq. count: how many of ours the far end had received when it answered, this
 * one included; 0: it doesn't count. Unknown and answered numbers are told apart and change nothing
 * else. */
void probe_answered(struct probe *p, uint64_t seq, uint64_t count, uint64_t now_us);

/* A run of lost packets, between two that were answered. */
struct probe_outage {
    uint64_t first_seq, lost;
    uint64_t last_good_us,
        first_good_us; /* when the packets around it left; first_good_us 0: it goes on */
    bool counted;      /* the far end told how many of them reached it: */
    uint64_t lost_out, lost_back;
};

/* Judges what can be judged by now. True when an outage ended by that: *out (one a call; call
 * again).
 */
bool probe_judge(struct probe *p, uint64_t now_us, struct probe_outage *out);
/* The packet that is judged next, or KD_NEVER: when probe_judge() has something to do. */
uint64_t probe_deadline(const struct probe *p);

struct probe_summary {
    uint64_t sent, answered, lost; /* the rest is not judged yet */
    uint64_t late, duplicate, strange, reordered;
    uint64_t lost_out, lost_back; /* of the lost ones, where the far end counts */
    bool counted;
    uint64_t outages;
    struct probe_outage longest; /* lost 0: there was none */
    bool open;                   /* the last packets judged were lost: the outage goes on */
    uint64_t open_since_us;      /* ... since this packet, the last good one; 0: there was none */
    /* Packets that are not judged yet though later ones are answered: lost, unless a slower way
     * still brings their answers. The longest run of them, with what was lost just before. */
    struct probe_outage passed;   /* lost 0: there is none */
    uint64_t n_passed, passed_us; /* how many; when the last of them left */
    uint64_t newest_good_us;      /* when the last packet that is answered left; 0: none is */
    uint64_t
        waiting_us;  /* since then the oldest that isn't answered is under way, or lost; 0: none */
    uint64_t now_us; /* as of when all this is */
    uint64_t rtt_min_us, rtt_mean_us, rtt_p50_us, rtt_p95_us, rtt_max_us; /* p: to 3 % */
};
/* longest covers an outage that goes on as well, up to now. */
void probe_summarize(const struct probe *p, uint64_t now_us, struct probe_summary *out);

/* ---- path: packets that die on the way name the routers ---- */

#define PROBE_HOPS_MAX 32

struct probe_path {
    uint8_t n;    /* hops asked: up to the destination, or the last that answered */
    bool reached; /* hop[n - 1] is the destination */
    struct kd_addr hop[PROBE_HOPS_MAX]; /* family 0: silent, which is a hop, too */
};

/* Two rounds of asking tell of the same way: a hop silent in one of them is no difference. */
bool probe_path_same(const struct probe_path *a, const struct probe_path *b);
/* The way in use, as rounds tell of it. */
struct probe_way {
    bool known;
    struct probe_path path;
    uint64_t since_us;
    unsigned rounds;    /* since then */
    unsigned silent;    /* in a row, in which a hop said nothing that had spoken */
    uint64_t silent_us; /* since when */
};

enum probe_news {
    PROBE_WAY_SAME,
    PROBE_WAY_FULLER,  /* the same, a hop of which is known that wasn't */
    PROBE_WAY_ANOTHER, /* than before, or the first */
};

/* A round that began at at_us. A router may miss a round, so a hop that falls silent, or one that
 * speaks after long silence, makes another way only when it lasts three rounds and two seconds; one
 * that didn't get there tells of loss, not of the way. */
enum probe_news probe_way_seen(struct probe_way *w, const struct probe_path *seen, uint64_t at_us);
/* "10.1.11.1 192.168.11.0 * 10.17.11.132", at most cap bytes; returns buf. */
const char *probe_path_text(const struct probe_path *p, char *buf, size_t cap);

/* ---- reflector: the far end that counts ---- */

#define PROBE_UDP_LEN 48 /* request and answer are of one size */

struct probe_packet {
    bool answer;
    uint64_t session; /* random, the sender's */
    uint64_t seq, count;
};

void probe_packet_put(uint8_t buf[PROBE_UDP_LEN], const struct probe_packet *p);
bool probe_packet_get(struct kd_bytes b, struct probe_packet *out) KD_MUST_USE;

#define PROBE_SESSIONS_MAX 64 /* the one heard last goes when another comes */

struct probe_reflector {
    struct probe_session {
        struct kd_endpoint from;
        uint64_t session, received, heard_us;
    } s[PROBE_SESSIONS_MAX];
};

/* The answer to a datagram, of its length, in place; false: it is none of ours, say nothing. */
bool probe_reflect(struct probe_reflector *r, const struct kd_endpoint *from, uint64_t now_us,
                   uint8_t *buf, size_t len);

#endif
