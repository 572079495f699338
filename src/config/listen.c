/* gateway.listen: our outer addresses, each alone or with the way its packets take; and names of
 * interfaces, here and elsewhere. Not here: whether a device is there, which only the start shows.
 */
#include "config/cfg.h"

#include <stdio.h>
#include <stdlib.h>

/* As the kernel's dev_valid_name(), and no "lo", which nothing leaves by. */
static bool fits(const char *s)
{
    return !strpbrk(s, "/: %\t") && strcmp(s, ".") != 0 && strcmp(s, "..") != 0 &&
           strcmp(s, "lo") != 0;
}

void cfg_ifname(struct cfg *c, yaml_node_t *n, void *obj)
{
    static const struct cfg_key as_text = {
        .name = "interface", .type = CFG_TEXT, .size = CORE_NAME_MAX};
    struct cfg_val v;
    if (!cfg_val(c, n, &v) || !cfg_scalar(c, &as_text, &v, obj))
        return;
    if (!fits(v.s))
        cfg_error(c, v.at, "\"%s\"; allowed: a name without / : %% and blanks", v.s);
}

static void read_address(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct core_config *o = &c->out;
    struct cfg_val v;
    struct kd_addr a;
    (void)obj;
    if (!cfg_val(c, n, &v) || !cfg_read_addr(c, &v, &a))
        return;
    if (kd_addr_is_any(&a)) {
        cfg_error(c, v.at, "\"%s\"; allowed: the addresses themselves, each by its own", v.s);
        return;
    }
    for (uint32_t i = 0; i < o->n_listen; i++)
        if (kd_addr_eq(&o->listen[i], &a)) {
            cfg_error(c, v.at, "\"%s\" is already in the list", v.s);
            return;
        }
    o->listen[o->n_listen++] = a;
}

/* As `ip` takes them: 16, 0x10. */
static void read_mark(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct cfg_val v;
    char quote[CFG_QUOTE_MAX], *end;
    unsigned long long mark;
    if (!cfg_val(c, n, &v))
        return;
    mark = v.s[0] >= '0' && v.s[0] <= '9' ? strtoull(v.s, &end, 0) : 0;
    if (mark == 0 || *end || mark > UINT32_MAX)
        cfg_error(c, v.at, "%s; allowed: 1 to 0xffffffff", cfg_quote(&v, quote));
    else
        *(uint32_t *)obj = (uint32_t)mark;
}

static const struct cfg_key keys[] = {
    {.name = "address", .type = CFG_OWN, .required = true, .parse = read_address},
    {.name = "device", .type = CFG_OWN, CFG_AT(struct core_outer, device), .parse = cfg_ifname},
    {.name = "mark", .type = CFG_OWN, CFG_AT(struct core_outer, mark), .parse = read_mark},
};
static const struct cfg_table table = {"a listen address", false, KD_ARRAY_LEN(keys), keys};

void cfg_listen(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct core_config *o = &c->out;
    uint32_t at = o->n_listen;
    struct core_outer outer = {.mark = 0};
    if (n->type == YAML_MAPPING_NODE)
        cfg_map(c, n, &table, &outer, NULL);
    else
        read_address(c, n, obj);
    if (o->n_listen > at)
        o->outer[at] = outer;
}
