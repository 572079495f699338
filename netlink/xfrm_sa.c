/* SAs: added, changed, deleted, asked for, counted; read from dumps, answers and EXPIRE.
 *
 * Kernels up to 5.18 want an ICV's length apart (ALG_AUTH_TRUNC), and so do all others. */
#include "netlink/xfrm_wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>

/* ---- build ---- */

/* The three attribute structs begin alike: name, key length in bits. */
union alg {
    struct xfrm_algo crypt;
    struct xfrm_algo_auth auth;
    struct xfrm_algo_aead aead;
    uint8_t room[sizeof(struct xfrm_algo_auth) + NL_SA_KEY_MAX];
};

static void put_alg(struct nl_build *m, uint16_t attr, size_t head_len, const struct nl_sa_alg *a)
{
    union alg u;

    kd_assert(memchr(a->name, '\0', sizeof(a->name)) && a->key_len <= NL_SA_KEY_MAX);
    memset(&u, 0, sizeof(u));
    memcpy(u.crypt.alg_name, a->name, strlen(a->name));
    u.crypt.alg_key_len = a->key_len * 8u;
    if (attr == XFRMA_ALG_AUTH_TRUNC)
        u.auth.alg_trunc_len = a->icv_bits;
    if (attr == XFRMA_ALG_AEAD)
        u.aead.alg_icv_len = a->icv_bits;
    memcpy(u.room + head_len, a->key, a->key_len);
    nl_build_put(m, attr, &u, head_len + a->key_len);
    explicit_bzero(&u, sizeof(u));
}

static void put_algs(struct nl_build *m, const struct nl_sa *sa)
{
    if (!sa->integ.name[0]) {
        put_alg(m, XFRMA_ALG_AEAD, sizeof(struct xfrm_algo_aead), &sa->encr);
        return;
    }
    put_alg(m, XFRMA_ALG_CRYPT, sizeof(struct xfrm_algo), &sa->encr);
    put_alg(m, XFRMA_ALG_AUTH_TRUNC, sizeof(struct xfrm_algo_auth), &sa->integ);
}

static void put_encap(struct nl_build *m, const struct nl_sa *sa)
{
    struct xfrm_encap_tmpl t;

    memset(&t, 0, sizeof(t)); /* its padding goes to the kernel too */
    t.encap_type = 2;         /* UDP_ENCAP_ESPINUDP */
    t.encap_sport = htons(sa->encap_sport);
    t.encap_dport = htons(sa->encap_dport);
    nl_build_put(m, XFRMA_ENCAP, &t, sizeof(t));
    if (sa->mapping_max_s && sa->dir == NL_SA_IN)
        nl_build_u32(m, XFRMA_MTIMER_THRESH, sa->mapping_max_s);
}

static void put_offload(struct nl_build *m, const struct nl_sa *sa)
{
    unsigned flags = 0;

    if (sa->dst.family == 6)
        flags |= XFRM_OFFLOAD_IPV6;
    if (sa->dir == NL_SA_IN)
        flags |= XFRM_OFFLOAD_INBOUND;
    if (sa->offload == NL_OFFLOAD_PACKET)
        flags |= NL_XFRM_OFFLOAD_PACKET;
    nl_xoffload_put(m, sa->offload_ifindex, (uint8_t)flags);
}

static void put_used(struct nl_build *m, const struct nl_sa_used *u)
{
    struct xfrm_lifetime_cur c = {
        .bytes = u->bytes, .packets = u->packets, .add_time = u->add_s, .use_time = u->use_s};

    nl_build_put(m, XFRMA_LTIME_VAL, &c, sizeof(c));
}

static void put_options(struct nl_build *m, const struct nl_sa *sa)
{
    if (sa->encap)
        put_encap(m, sa);
    if (sa->if_id)
        nl_build_u32(m, XFRMA_IF_ID, sa->if_id);
    if (sa->mark_out_mask) {
        nl_build_u32(m, XFRMA_SET_MARK, sa->mark_out);
        nl_build_u32(m, XFRMA_SET_MARK_MASK, sa->mark_out_mask);
    }
    if (sa->offload != NL_OFFLOAD_NONE)
        put_offload(m, sa);
    if (sa->used.packets || sa->used.use_s)
        put_used(m, &sa->used);
    if (sa->dir_known && sa->dir != NL_SA_BOTH) {
        uint8_t dir = (uint8_t)sa->dir;
        nl_build_put(m, NL_XFRMA_SA_DIR, &dir, sizeof(dir));
        if (sa->pcpu_set)
            nl_build_u32(m, NL_XFRMA_SA_PCPU, sa->pcpu);
    }
}

static void put_fixed(struct xfrm_usersa_info *i, const struct nl_sa *sa)
{
    i->family = nl_af(sa->dst.family);
    nl_xaddr_put(&i->saddr, &sa->src);
    nl_xaddr_put(&i->id.daddr, &sa->dst);
    i->id.spi = htonl(sa->spi);
    i->id.proto = IPPROTO_ESP;
    i->mode = XFRM_MODE_TUNNEL;
    i->reqid = sa->reqid;
}

static bool put_sa(struct nl_buf *b, uint16_t type, uint16_t flags, uint32_t seq,
                   const struct nl_sa *sa)
{
    struct nl_build m;
    struct xfrm_usersa_info *i = nl_build_start(&m, type, flags, seq, sizeof(*i));
    bool ok;

    kd_assert(sa->src.family != 0 && sa->src.family == sa->dst.family);
    kd_assert(!sa->any_family || sa->sel.family == 0);
    put_fixed(i, sa);
    nl_xsel_put(&i->sel, &sa->sel);
    nl_xlife_put(&i->lft, &sa->life);
    i->replay_window = nl_xreplay_old(sa) ? (uint8_t)sa->window : 0; /* not both */
    i->flags = (sa->esn ? XFRM_STATE_ESN : 0) | (sa->any_family ? XFRM_STATE_AF_UNSPEC : 0);
    put_algs(&m, sa);
    nl_xreplay_put(&m, sa);
    put_options(&m, sa);
    ok = nl_build_end(&m, b);
    explicit_bzero(&m, sizeof(m));
    return ok;
}

bool nl_put_sa(struct nl_buf *b, uint32_t seq, const struct nl_sa *sa)
{
    return put_sa(b, XFRM_MSG_NEWSA, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, seq, sa);
}

bool nl_put_sa_update(struct nl_buf *b, uint32_t seq, const struct nl_sa *sa)
{
    return put_sa(b, XFRM_MSG_UPDSA, NLM_F_ACK | NLM_F_REPLACE, seq, sa);
}

static void put_id(struct xfrm_usersa_id *i, const struct nl_sa_id *id)
{
    i->family = nl_af(id->dst.family);
    nl_xaddr_put(&i->daddr, &id->dst);
    i->spi = htonl(id->spi);
    i->proto = IPPROTO_ESP;
}

static bool put_by_id(struct nl_buf *b, uint16_t type, uint32_t seq, const struct nl_sa_id *id)
{
    struct nl_build m;
    struct xfrm_usersa_id *i = nl_build_start(&m, type, NLM_F_ACK, seq, sizeof(*i));

    put_id(i, id);
    return nl_build_end(&m, b);
}

bool nl_put_sa_del(struct nl_buf *b, uint32_t seq, const struct nl_sa_id *id)
{
    return put_by_id(b, XFRM_MSG_DELSA, seq, id);
}

bool nl_put_sa_get(struct nl_buf *b, uint32_t seq, const struct nl_sa_id *id)
{
    return put_by_id(b, XFRM_MSG_GETSA, seq, id);
}

bool nl_put_spi_alloc(struct nl_buf *b, uint32_t seq, const struct nl_sa *sa, uint32_t min,
                      uint32_t max)
{
    struct nl_build m;
    struct xfrm_userspi_info *i = nl_build_start(&m, XFRM_MSG_ALLOCSPI, NLM_F_ACK, seq, sizeof(*i));

    kd_assert(min >= 256 && min <= max); /* RFC 4303 2.1: the lower ones are reserved */
    put_fixed(&i->info, sa);
    i->min = min;
    i->max = max;
    if (sa->if_id)
        nl_build_u32(&m, XFRMA_IF_ID, sa->if_id);
    return nl_build_end(&m, b);
}

bool nl_put_sa_threshold(struct nl_buf *b, uint32_t seq, const struct nl_sa_id *id,
                         uint32_t packets)
{
    struct nl_build m;
    struct xfrm_aevent_id *i =
        nl_build_start(&m, XFRM_MSG_NEWAE, NLM_F_ACK | NLM_F_REPLACE, seq, sizeof(*i));

    put_id(&i->sa_id, id);
    nl_build_u32(&m, XFRMA_REPLAY_THRESH, packets);
    return nl_build_end(&m, b);
}

/* Without a fixed part: the kernel reads filters, which are attributes, right behind the header,
 * and logs what isn't one. */
bool nl_put_sa_dump(struct nl_buf *b, uint32_t seq)
{
    struct nl_build m;

    nl_build_start(&m, XFRM_MSG_GETSA, NLM_F_DUMP, seq, 0);
    return nl_build_end(&m, b);
}

/* ---- parse ---- */

/* head_len: of the struct before the key, whose first fields are struct xfrm_algo's. */
static bool get_alg(const struct nlattr *a, size_t head_len, struct nl_sa_alg *out)
{
    const struct xfrm_algo *x = nl_xattr(a, head_len);
    size_t key_len;

    if (!x || !memchr(x->alg_name, '\0', sizeof(x->alg_name)) || x->alg_key_len % 8)
        return false;
    key_len = x->alg_key_len / 8;
    if (key_len > NL_SA_KEY_MAX || !nl_xattr(a, head_len + key_len))
        return false;
    memcpy(out->name, x->alg_name, strlen(x->alg_name) + 1);
    out->key_len = (uint16_t)key_len;
    memcpy(out->key, (const uint8_t *)x + head_len, key_len);
    return true;
}

static bool get_icv(const struct nlattr *a, size_t at, struct nl_sa_alg *out)
{
    uint32_t bits;

    memcpy(&bits, (const uint8_t *)mnl_attr_get_payload(a) + at, sizeof(bits));
    out->icv_bits = (uint16_t)bits;
    return bits <= 512;
}

/* The truncated form is told beside the plain one, whatever was set. */
static bool get_integ(const struct nlattr *const *tb, struct nl_sa_alg *out)
{
    const struct nlattr *trunc = tb[XFRMA_ALG_AUTH_TRUNC];

    if (trunc)
        return get_alg(trunc, sizeof(struct xfrm_algo_auth), out) &&
               get_icv(trunc, offsetof(struct xfrm_algo_auth, alg_trunc_len), out);
    return !tb[XFRMA_ALG_AUTH] || get_alg(tb[XFRMA_ALG_AUTH], sizeof(struct xfrm_algo), out);
}

static bool get_algs(const struct nlattr *const *tb, struct nl_sa *sa)
{
    const struct nlattr *aead = tb[XFRMA_ALG_AEAD];

    if (aead)
        return get_alg(aead, sizeof(struct xfrm_algo_aead), &sa->encr) &&
               get_icv(aead, offsetof(struct xfrm_algo_aead, alg_icv_len), &sa->encr);
    return get_integ(tb, &sa->integ) &&
           (!tb[XFRMA_ALG_CRYPT] ||
            get_alg(tb[XFRMA_ALG_CRYPT], sizeof(struct xfrm_algo), &sa->encr));
}

static bool get_encap(const struct nlattr *a, struct nl_sa *sa)
{
    const struct xfrm_encap_tmpl *t = nl_xattr(a, sizeof(*t));

    if (!a)
        return true;
    if (!t)
        return false;
    sa->encap = true;
    sa->encap_sport = ntohs(t->encap_sport);
    sa->encap_dport = ntohs(t->encap_dport);
    return true;
}

static bool get_offload(const struct nlattr *a, struct nl_sa *sa)
{
    const struct xfrm_user_offload *o = nl_xattr(a, sizeof(*o));

    if (!a)
        return true;
    if (!o || o->ifindex < 0)
        return false;
    sa->offload = o->flags & NL_XFRM_OFFLOAD_PACKET ? NL_OFFLOAD_PACKET : NL_OFFLOAD_CRYPTO;
    sa->offload_ifindex = (uint32_t)o->ifindex;
    return true;
}

static bool get_options(const struct nlattr *const *tb, struct nl_sa *sa)
{
    const uint8_t dir = tb[NL_XFRMA_SA_DIR] ? mnl_attr_get_u8(tb[NL_XFRMA_SA_DIR]) : NL_SA_BOTH;

    sa->if_id = nl_attr_u32(tb[XFRMA_IF_ID]);
    sa->mark_out = nl_attr_u32(tb[XFRMA_SET_MARK]);
    sa->mark_out_mask = nl_attr_u32(tb[XFRMA_SET_MARK_MASK]);
    sa->mapping_max_s = nl_attr_u32(tb[XFRMA_MTIMER_THRESH]);
    sa->pcpu_set = tb[NL_XFRMA_SA_PCPU] != NULL;
    sa->pcpu = nl_attr_u32(tb[NL_XFRMA_SA_PCPU]);
    if (dir > NL_SA_OUT)
        return false;
    sa->dir = (enum nl_sa_dir)dir;
    sa->dir_known = dir != NL_SA_BOTH;
    return get_encap(tb[XFRMA_ENCAP], sa) && get_offload(tb[XFRMA_OFFLOAD_DEV], sa);
}

static bool get_fixed(const struct xfrm_usersa_info *i, struct nl_sa *sa)
{
    sa->src = nl_xaddr_get(&i->saddr, i->family);
    sa->dst = nl_xaddr_get(&i->id.daddr, i->family);
    sa->spi = ntohl(i->id.spi);
    sa->proto = i->id.proto;
    sa->mode = i->mode;
    sa->reqid = i->reqid;
    sa->esn = i->flags & XFRM_STATE_ESN;
    sa->any_family = i->flags & XFRM_STATE_AF_UNSPEC;
    sa->window = i->replay_window;
    sa->dropped_replay = i->stats.replay;
    sa->dropped_auth = i->stats.integrity_failed;
    nl_xlife_get(&i->lft, &sa->life);
    nl_xused_get(&i->curlft, &sa->used);
    return sa->dst.family != 0 && nl_xsel_get(&i->sel, &sa->sel);
}

static const char *read_sa(const struct xfrm_usersa_info *i, const struct nlattr *const *tb,
                           struct nl_sa *sa)
{
    struct xfrm_lifetime_cur used;

    if (!get_fixed(i, sa))
        return "sa: bad family or prefix";
    /* In a request; the kernel's own messages have it in the fixed part. */
    if (nl_xattr_copy(tb[XFRMA_LTIME_VAL], &used, sizeof(used)))
        nl_xused_get(&used, &sa->used);
    if (!get_algs(tb, sa))
        return "sa: malformed algorithm";
    if (!get_options(tb, sa))
        return "sa: malformed option";
    return nl_xreplay_get(tb, &sa->window, &sa->replay) ? NULL : "sa: malformed replay state";
}

const char *nl_xfrm_sa(const struct nlmsghdr *h, struct nl_xfrm_event *ev)
{
    const struct nlattr *tb[NL_XFRMA_N];
    const struct xfrm_usersa_info *i = mnl_nlmsg_get_payload(h);

    if (!nl_xattrs(h, sizeof(*i), tb))
        return "sa: malformed attributes";
    return read_sa(i, tb, &ev->sa);
}

const char *nl_xfrm_sa_gone(const struct nlmsghdr *h, struct nl_xfrm_event *ev)
{
    const struct nlattr *tb[NL_XFRMA_N];
    struct xfrm_usersa_info i;

    if (!nl_xattrs(h, sizeof(struct xfrm_usersa_id), tb))
        return "sa: malformed attributes";
    if (!nl_xattr_copy(tb[XFRMA_SA], &i, sizeof(i)))
        return "sa: deleted, without which";
    return read_sa(&i, tb, &ev->sa);
}

const char *nl_xfrm_expire(const struct nlmsghdr *h, struct nl_xfrm_event *ev)
{
    const struct nlattr *tb[NL_XFRMA_N];
    const struct xfrm_user_expire *x = mnl_nlmsg_get_payload(h);

    if (!nl_xattrs(h, sizeof(*x), tb))
        return "expire: malformed attributes";
    ev->hard = x->hard != 0;
    return read_sa(&x->state, tb, &ev->sa);
}
