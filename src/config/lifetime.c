/* lifetime: how long an IKE SA and a child live: time, bytes, packets. Ours alone, never negotiated
 * (RFC 7296 2.8). */
#include "config/cfg.h"

#define AZURE_BYTES UINT64_C(102400000000) /* 102,400,000 KB (facts/azure.md 1.2) */
#define BYTES_MIN   UINT64_C(1000000)      /* less would be a rekey a millisecond at full speed */
#define BYTES_MAX   (UINT64_C(1) << 60)
#define UNSET       UINT64_MAX

static const struct {
    const char *name;
    uint64_t bytes;
} units[] = {
    {"KB", 1000},         {"MB", 1000000},      {"GB", 1000000000}, {"TB", UINT64_C(1000000000000)},
    {"KiB", 1024},        {"MiB", 1024 * 1024}, {"GiB", 1 << 30},   {"TiB", UINT64_C(1) << 40},
};

static bool size_of(const struct cfg_val *v, uint64_t *out)
{
    size_t digits = strspn(v->s, "0123456789");
    uint64_t n;
    if (!cfg_number(v->s, digits, BYTES_MAX, &n))
        return false;
    for (size_t i = 0; i < KD_ARRAY_LEN(units); i++)
        if (strcmp(v->s + digits, units[i].name) == 0 && n <= BYTES_MAX / units[i].bytes) {
            *out = n * units[i].bytes;
            return *out >= BYTES_MIN;
        }
    return false;
}

static void read_bytes(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct cfg_val v;
    char quote[CFG_QUOTE_MAX];
    uint64_t bytes = 0;
    if (!cfg_val(c, n, &v))
        return;
    if (strcmp(v.s, "none") != 0 && !size_of(&v, &bytes))
        cfg_error(c, v.at,
                  "%s; allowed: 1MB or more, with a unit (KB, MB, GB, TB; KiB, MiB, GiB, TiB), or "
                  "none",
                  cfg_quote(&v, quote));
    *(uint64_t *)obj = bytes;
}

static const struct cfg_word none_words[] = {{"none", 0}, {NULL, 0}};

#define T struct ike_conn_config
static const struct cfg_key keys[] = {
    {.name = "ike", .type = CFG_DURATION, CFG_AT(T, ike_life_us), .unit = 1, .min = KD_S(5),
     .max = KD_S(30 * 86400), .def = "28800s"},
    {.name = "esp", .type = CFG_DURATION, CFG_AT(T, child_life_us), .unit = 1, .min = KD_S(5),
     .max = KD_S(30 * 86400), .def = "27000s"},
    {.name = "esp-bytes", .type = CFG_OWN, CFG_AT(T, child_life_bytes), .parse = read_bytes},
    {.name = "esp-packets", .type = CFG_UINT, CFG_AT(T, child_life_packets), .min = 1000,
     .max = UINT64_C(1) << 48, .words = none_words, .def = "none"},
};
#undef T
static const struct cfg_table table = {"lifetime", false, KD_ARRAY_LEN(keys), keys};

void cfg_lifetime(struct cfg *c, yaml_node_t *n, void *obj)
{
    cfg_map(c, n, &table, obj, NULL);
}

void cfg_lifetime_before(struct cfg *c, struct ike_conn_config *k)
{
    k->child_life_bytes = UNSET;
    cfg_defaults(c, &table, k);
}

void cfg_lifetime_after(struct ike_conn_config *k, bool azure)
{
    if (k->child_life_bytes == UNSET)
        k->child_life_bytes = azure ? AZURE_BYTES : 0;
}
