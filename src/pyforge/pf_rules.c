/* E-mail, URL, domain, IP and file-extension rules; see pf_rules.h. */
#include "pf_rules.h"

#include <string.h>

/* A str seen as characters; `kind` and `data` as in PyUnicode_READ. */
typedef struct {
    const void *data;
    int kind;
    Py_ssize_t from, to;
} Text;

static inline Text
text_of(PyObject *u)
{
    return (Text){PyUnicode_DATA(u), (int)PyUnicode_KIND(u), 0, PyUnicode_GET_LENGTH(u)};
}

static inline Py_UCS4
at(const Text *t, Py_ssize_t i)
{
    return PyUnicode_READ(t->kind, t->data, i);
}

static inline Text
part(const Text *t, Py_ssize_t from, Py_ssize_t to)
{
    return (Text){t->data, t->kind, from, to};
}

static Py_ssize_t
find(const Text *t, Py_UCS4 c)
{
    for (Py_ssize_t i = t->from; i < t->to; i++)
        if (at(t, i) == c)
            return i;
    return -1;
}

/* -- Character classes -------------------------------------------------------- */

enum { ALPHA = 1,
       NUMBER = 2,
       ATEXT = 4,
       HEX = 8,
       SCHEME = 16 };
#define D (NUMBER | ATEXT | HEX | SCHEME)
#define A (ALPHA | ATEXT | SCHEME)
#define H (A | HEX)
#define T ATEXT
#define S (ATEXT | SCHEME)
static const uint8_t classes[128] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, T, 0, T, T, T, T, T, 0, 0, T, S, 0, S, SCHEME, T, /*   !"#$%&'()*+,-./ */
    D, D, D, D, D, D, D, D, D, D, 0, 0, 0, T, 0, T,      /* 0-9 :;<=>? */
    0, H, H, H, H, H, H, A, A, A, A, A, A, A, A, A,      /* @A-O */
    A, A, A, A, A, A, A, A, A, A, A, 0, 0, 0, T, T,      /* P-Z [\]^_ */
    T, H, H, H, H, H, H, A, A, A, A, A, A, A, A, A,      /* `a-o */
    A, A, A, A, A, A, A, A, A, A, A, T, T, T, T, 0,      /* p-z {|}~ */
};
#undef D
#undef A
#undef H
#undef T
#undef S

static inline int
is(Py_UCS4 c, int mask)
{
    return c < 128 && (classes[c] & mask) != 0;
}

/* Characters that IGNORECASE folds into a-z: İ ı ſ K */
static inline int
folds_to_ascii(Py_UCS4 c)
{
    return c == 0x130 || c == 0x131 || c == 0x17f || c == 0x212a;
}

static inline int
is_wide_letter(Py_UCS4 c) /* \u00a1-\uffff */
{
    return c >= 0xa1 && c <= 0xffff;
}

static inline int
is_letter(Py_UCS4 c)
{
    return is(c, ALPHA) || is_wide_letter(c);
}

static inline int
is_alnum(Py_UCS4 c)
{
    return is(c, ALPHA | NUMBER) || is_wide_letter(c);
}

/* -- Host names --------------------------------------------------------------- */

static int
has_folding(const Text *t)
{
    for (Py_ssize_t i = t->from; i < t->to; i++)
        if (folds_to_ascii(at(t, i)))
            return 1;
    return 0;
}

static int
label_ends_well(const Text *t)
{
    return t->to > t->from && at(t, t->from) != '-' && at(t, t->to - 1) != '-';
}

/* Any label but the last: 1 to 63 letters, digits, dashes, none at the ends. */
static int
is_label(const Text *t)
{
    if (t->to - t->from > 63 || !label_ends_well(t))
        return 0;
    for (Py_ssize_t i = t->from; i < t->to; i++)
        if (!is_alnum(at(t, i)) && at(t, i) != '-')
            return 0;
    return 1;
}

static int
is_punycode(const Text *t)
{
    Py_ssize_t n = t->to - t->from;

    if (n < 5 || n > 63 || (at(t, t->from) | 32) != 'x' || (at(t, t->from + 1) | 32) != 'n'
        || at(t, t->from + 2) != '-' || at(t, t->from + 3) != '-')
        return 0;
    for (Py_ssize_t i = t->from + 4; i < t->to; i++)
        if (!is(at(t, i), ALPHA | NUMBER))
            return 0;
    return 1;
}

/* The last label: 2 to 63 letters and dashes, or punycode. */
static int
is_top_label(const Text *t, int digits)
{
    Py_ssize_t n = t->to - t->from;

    if (n < 2 || n > 63 || !label_ends_well(t))
        return 0;
    for (Py_ssize_t i = t->from; i < t->to; i++) {
        Py_UCS4 c = at(t, i);
        if (!is_letter(c) && c != '-' && !(digits && is(c, NUMBER)))
            return is_punycode(t);
    }
    return 1;
}

/* hostname_re + domain_re + tld_re, whole text; `dot`: a last dot is allowed */
static PfVerdict
domain_name(const Text *t, int dot, int digits_in_top)
{
    Py_ssize_t start = t->from, end = t->to, labels = 0;
    Text label;

    if (has_folding(t))
        return PF_UNSURE;
    if (dot && end > start && at(t, end - 1) == '.')
        end--;
    for (Py_ssize_t i = start; i < end; i++) {
        if (at(t, i) != '.')
            continue;
        label = part(t, start, i);
        if (!is_label(&label))
            return PF_NO;
        labels++;
        start = i + 1;
    }
    label = part(t, start, end);
    return labels >= 1 && is_top_label(&label, digits_in_top) ? PF_YES : PF_NO;
}

PfVerdict
pf_rule_domain(PyObject *text, int accept_idna)
{
    Text t = text_of(text);

    if (t.to > 255 || (!accept_idna && !PyUnicode_IS_ASCII(text)))
        return PF_NO;
    return domain_name(&t, 1, !accept_idna);
}

/* -- IP addresses ------------------------------------------------------------- */

PfVerdict
pf_rule_ipv4(const char *s, Py_ssize_t n)
{
    int parts = 0, value = -1, digits = 0;

    for (Py_ssize_t i = 0; i <= n; i++) {
        if (i == n || s[i] == '.') {
            if (value < 0 || value > 255 || ++parts > 4)
                return PF_NO;
            value = -1;
            digits = 0;
            continue;
        }
        if (s[i] < '0' || s[i] > '9' || value == 0 || ++digits > 3)
            return PF_NO; /* value == 0: a leading zero */
        value = (value < 0 ? 0 : value * 10) + (s[i] - '0');
    }
    return parts == 4 ? PF_YES : PF_NO;
}

static PfVerdict ipv6_groups(const char *s, Py_ssize_t n, unsigned group[8]);

/* An IPv4 tail stands for two groups. */
static PfVerdict
ipv6_with_ipv4(const char *s, Py_ssize_t n, unsigned group[8])
{
    char buf[64];
    Py_ssize_t colon = n;
    unsigned part[4] = {0};
    int k = 0;

    while (colon > 0 && s[colon - 1] != ':')
        colon--;
    if (colon == 0 || pf_rule_ipv4(s + colon, n - colon) != PF_YES)
        return PF_NO;
    if (n > 39)
        return PF_UNSURE; /* some versions of Django refuse by length first */
    for (Py_ssize_t i = colon; i < n; i++) {
        if (s[i] == '.')
            k++;
        else
            part[k] = part[k] * 10 + (unsigned)(s[i] - '0');
    }
    memcpy(buf, s, (size_t)colon);
    n = colon + PyOS_snprintf(buf + colon, sizeof buf - (size_t)colon, "%x:%x", part[0] << 8 | part[1], part[2] << 8 | part[3]);
    return ipv6_groups(buf, n, group);
}

/* Eight groups; no scope. */
static PfVerdict
ipv6_groups(const char *s, Py_ssize_t n, unsigned group[8])
{
    int count = 0, gap = -1, digits = 0;
    unsigned value = 0;
    Py_ssize_t i = 0;

    if (memchr(s, '%', (size_t)n) != NULL)
        return PF_UNSURE;
    if (memchr(s, '.', (size_t)n) != NULL)
        return ipv6_with_ipv4(s, n, group);
    if (n < 2 || n > 39)
        return PF_NO;
    if (s[0] == ':' && s[i++ + 1] != ':')
        return PF_NO; /* i now at the second colon of a leading :: */
    for (; i <= n; i++) {
        if (i < n && s[i] != ':') {
            unsigned char c = (unsigned char)s[i];
            if (c >= 128 || !(classes[c] & HEX) || ++digits > 4)
                return PF_NO;
            value = value << 4 | (c <= '9' ? c - 48u : (c | 32u) - 'a' + 10u);
            continue;
        }
        if (digits > 0) {
            if (count == 8)
                return PF_NO;
            group[count++] = value;
            value = 0;
            digits = 0;
            if (i < n && i + 1 == n)
                return PF_NO; /* a single colon at the end */
        }
        else if (i < n) { /* the second colon of a pair */
            if (gap >= 0)
                return PF_NO;
            gap = count;
            if (i + 1 == n)
                break;
        }
        else {
            return PF_NO;
        }
    }
    if (gap < 0)
        return count == 8 ? PF_YES : PF_NO;
    if (count > 7)
        return PF_NO;
    memmove(group + 8 - (count - gap), group + gap, (size_t)(count - gap) * sizeof *group);
    memset(group + gap, 0, (size_t)(8 - count) * sizeof *group);
    return PF_YES;
}

PfVerdict
pf_rule_ipv6(const char *s, Py_ssize_t n)
{
    unsigned group[8];
    return ipv6_groups(s, n, group);
}

int
pf_ipv6_canonical(const char *s, Py_ssize_t n, char *out)
{
    unsigned group[8];
    int best = -1, best_len = 1, run = 0;
    char *p = out;

    if (ipv6_groups(s, n, group) != PF_YES || memchr(s, '.', (size_t)n) != NULL)
        return 0;
    if (group[0] == 0 && group[1] == 0 && group[2] == 0 && group[3] == 0 && group[4] == 0
        && group[5] == 0xffff)
        return 0; /* mapped IPv4: printed differently from version to version */
    for (int i = 0; i < 8; i++) {
        run = group[i] == 0 ? run + 1 : 0;
        if (run > best_len) {
            best_len = run;
            best = i - run + 1;
        }
    }
    for (int i = 0; i < 8; i++) {
        if (i == best) {
            *p++ = ':';
            if (i == 0)
                *p++ = ':';
            i += best_len - 1;
            continue;
        }
        p += PyOS_snprintf(p, 6, "%x", group[i]);
        if (i < 7)
            *p++ = ':';
    }
    return (int)(p - out);
}

/* A span of a str as ASCII bytes in buf; -1 when it isn't ASCII or too long. */
static Py_ssize_t
ascii_span(const Text *t, char *buf, Py_ssize_t size)
{
    if (t->to - t->from > size)
        return -1;
    for (Py_ssize_t i = t->from; i < t->to; i++) {
        if (at(t, i) >= 128)
            return -1;
        buf[i - t->from] = (char)at(t, i);
    }
    return t->to - t->from;
}

/* -- The common case: ASCII bytes, accepted in one pass or left to the rules -------- */

enum { LABEL = 1,
       FAST_ATEXT = 2,
       DIGIT = 4,
       PATH = 8 };
static uint8_t fast[256];

void
pf_rules_init(void)
{
    for (int c = 0; c < 128; c++) {
        fast[c] = (uint8_t)(((classes[c] & (ALPHA | NUMBER)) || c == '-' ? LABEL : 0)
                            | (classes[c] & ATEXT ? FAST_ATEXT : 0)
                            | (classes[c] & NUMBER ? DIGIT : 0)
                            | (c > ' ' && c < 127 ? PATH : 0));
    }
}

/* Labels and a last one without digits; stops at the first other byte. NULL: not so */
static const uint8_t *
fast_host(const uint8_t *p, const uint8_t *e)
{
    const uint8_t *start = p, *label = p;
    int labels = 0;
    unsigned digits = 0;

    for (;;) {
        for (digits = 0; p < e && (fast[*p] & LABEL); p++)
            digits |= fast[*p];
        if (p == label || p - label > 63 || *label == '-' || p[-1] == '-')
            return NULL;
        labels++;
        if (p == e || *p != '.')
            break;
        label = ++p;
    }
    if (labels < 2 || p - label < 2 || (digits & DIGIT) || p - start > 253)
        return NULL;
    return p;
}

static int
fast_email(PyObject *text)
{
    const uint8_t *p = PyUnicode_DATA(text), *e = p + PyUnicode_GET_LENGTH(text), *atom = p;

    if (e - p > 320)
        return 0;
    for (;; p++) {
        while (p < e && (fast[*p] & FAST_ATEXT))
            p++;
        if (p == e || p == atom)
            return 0;
        if (*p == '@')
            return fast_host(p + 1, e) == e;
        if (*p != '.')
            return 0;
        atom = p + 1;
    }
}

/* http and https; `known` says which of them the validator allows */
static int
fast_url(PyObject *text, int known)
{
    const uint8_t *p = PyUnicode_DATA(text), *e = p + PyUnicode_GET_LENGTH(text);

    if (e - p > 2048 || e - p < 12)
        return 0;
    if ((known & PF_HTTPS) && memcmp(p, "https://", 8) == 0)
        p += 8;
    else if ((known & PF_HTTP) && memcmp(p, "http://", 7) == 0)
        p += 7;
    else
        return 0;
    if ((p = fast_host(p, e)) == NULL)
        return 0;
    if (p < e && *p != '/' && *p != '?' && *p != '#')
        return 0;
    while (p < e && (fast[*p] & PATH))
        p++;
    return p == e;
}

/* -- E-mail ------------------------------------------------------------------- */

static int
is_dot_atom(const Text *t)
{
    Py_ssize_t start = t->from;

    for (Py_ssize_t i = t->from; i <= t->to; i++) {
        if (i == t->to || at(t, i) == '.') {
            if (i == start)
                return 0;
            start = i + 1;
        }
        else if (!is(at(t, i), ATEXT)) {
            return 0;
        }
    }
    return 1;
}

/* "…" with the control characters and pairs that EmailValidator lists */
static int
is_quoted_string(const Text *t)
{
    Py_ssize_t i = t->from + 1, end = t->to - 1;

    if (t->to - t->from < 2 || at(t, t->from) != '"' || at(t, end) != '"')
        return 0;
    for (; i < end; i++) {
        Py_UCS4 c = at(t, i);
        int pair = c == '\\';
        if (pair && (++i == end))
            return 0;
        c = at(t, i);
        if (c == 0 || c == '\n' || c == '\r' || c > 0x7f)
            return 0;
        if (!pair && (c == '\t' || c == ' ' || c == '"' || c == '\\'))
            return 0;
    }
    return 1;
}

static PfVerdict
is_address_literal(const Text *t)
{
    char buf[64];
    Text inner = part(t, t->from + 1, t->to - 1);
    Py_ssize_t n;

    if (t->to - t->from < 3 || at(t, t->from) != '[' || at(t, t->to - 1) != ']')
        return PF_NO;
    if ((n = ascii_span(&inner, buf, sizeof buf)) < 0)
        return PF_UNSURE;
    return pf_rule_ipv4(buf, n) == PF_YES ? PF_YES : pf_rule_ipv6(buf, n);
}

static PfVerdict
in_allowlist(const Text *t, PyObject *text, PyObject *allowlist)
{
    PyObject *domain = PyUnicode_Substring(text, t->from, t->to);
    int r = domain == NULL ? -1 : PySet_Contains(allowlist, domain);

    Py_XDECREF(domain);
    if (r < 0)
        PyErr_Clear();
    return r == 1 ? PF_YES : PF_NO;
}

PfVerdict
pf_rule_email(PyObject *text, PyObject *allowlist)
{
    Text t = text_of(text), user, domain;
    Py_ssize_t cut = -1;
    PfVerdict v;

    if (PyUnicode_IS_ASCII(text) && fast_email(text))
        return PF_YES;
    if (t.to == 0 || t.to > 320)
        return PF_NO;
    for (Py_ssize_t i = t.to - 1; i >= 0 && cut < 0; i--)
        if (at(&t, i) == '@')
            cut = i;
    if (cut < 0)
        return PF_NO;
    user = part(&t, 0, cut);
    domain = part(&t, cut + 1, t.to);
    if (!is_dot_atom(&user)) {
        if (has_folding(&user))
            return PF_UNSURE;
        if (!is_quoted_string(&user))
            return PF_NO;
    }
    v = domain_name(&domain, 0, 0);
    if (v == PF_NO && domain.to > domain.from && at(&domain, domain.from) == '[')
        v = is_address_literal(&domain);
    return v == PF_NO ? in_allowlist(&domain, text, allowlist) : v;
}

/* -- URL ---------------------------------------------------------------------- */

/* Does NFKC of a host character stay free of / ? # @ : ? Blocks where it always does;
   the rest is left to urlsplit. */
static int
is_plain_in_host(Py_UCS4 c)
{
    return c < 0x2000 || (c >= 0x2110 && c < 0x3200 && c != 0x2a74)
           || (c >= 0x3400 && c < 0xfe00);
}

static PfVerdict
host_is_splittable(const Text *t)
{
    for (Py_ssize_t i = t->from; i < t->to; i++)
        if (!is_plain_in_host(at(t, i)))
            return PF_UNSURE;
    return PF_YES;
}

static int
equals_ignoring_case(const Text *t, const char *word, Py_ssize_t n)
{
    if (t->to - t->from != n)
        return 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        Py_UCS4 c = at(t, t->from + i);
        if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != (Py_UCS4)word[i])
            return 0;
    }
    return 1;
}

/* ipv4_re: leading zeros are refused as in ipaddress, 0-255 each */
static PfVerdict
host_name(const Text *t)
{
    char buf[16];
    Py_ssize_t n = ascii_span(t, buf, 15);
    PfVerdict v;

    if (n > 0 && pf_rule_ipv4(buf, n) == PF_YES)
        return PF_YES;
    if (equals_ignoring_case(t, "localhost", 9))
        return PF_YES;
    v = domain_name(t, 1, 0);
    return v == PF_YES && t->to - t->from > 253 ? PF_NO : v;
}

static int
is_space(Py_UCS4 c)
{
    return Py_UNICODE_ISSPACE(c);
}

/* (?::[0-9]{1,5})?(?:[/?#][^\s]*)? from i to the end */
static int
is_port_and_path(const Text *t, Py_ssize_t i)
{
    if (i < t->to && at(t, i) == ':') {
        Py_ssize_t start = ++i;
        while (i < t->to && is(at(t, i), NUMBER))
            i++;
        if (i == start || i - start > 5)
            return 0;
    }
    if (i == t->to)
        return 1;
    if (at(t, i) != '/' && at(t, i) != '?' && at(t, i) != '#')
        return 0;
    for (; i < t->to; i++)
        if (is_space(at(t, i)))
            return 0;
    return 1;
}

static PfVerdict
bracket_host(const Text *t, int after_user)
{
    char buf[64];
    Py_ssize_t close = find(t, ']');
    Text inner;
    Py_ssize_t n;

    if (close < 0)
        return PF_NO;
    if (after_user || !is_port_and_path(t, close + 1))
        return PF_UNSURE;
    inner = part(t, t->from + 1, close);
    if ((n = ascii_span(&inner, buf, sizeof buf)) < 0)
        return PF_UNSURE;
    return n == 0 ? PF_NO : pf_rule_ipv6(buf, n);
}

/* Host, port and path: t starts at the host. */
static PfVerdict
authority(const Text *t, int after_user)
{
    Py_ssize_t end = t->from;
    Text host;
    PfVerdict v;

    if (end < t->to && at(t, end) == '[')
        return bracket_host(t, after_user);
    while (end < t->to && at(t, end) != ':' && at(t, end) != '/' && at(t, end) != '?'
           && at(t, end) != '#')
        end++;
    host = part(t, t->from, end);
    if (!is_port_and_path(t, end))
        return PF_NO;
    v = host_name(&host);
    return v == PF_YES ? host_is_splittable(&host) : v;
}

/* [^\s:@/]+(?::[^\s:@/]*)? just before the first @; UNSURE when urlsplit would cut
   the netloc elsewhere or look into it */
static PfVerdict
user_info(const Text *t)
{
    Py_ssize_t colons = 0;
    int odd = 0;

    if (t->from == t->to || at(t, t->from) == ':')
        return PF_NO;
    for (Py_ssize_t i = t->from; i < t->to; i++) {
        Py_UCS4 c = at(t, i);
        colons += c == ':';
        if (is_space(c) || c == '/' || colons > 1)
            return PF_NO;
        odd |= c == '?' || c == '#' || c == '[' || c == ']' || !is_plain_in_host(c);
    }
    return odd ? PF_UNSURE : PF_YES;
}

static PfVerdict
scheme_of(const Text *t, PyObject *schemes, int known, Py_ssize_t *rest)
{
    char buf[33];
    Py_ssize_t n = 0;
    PyObject *scheme;
    int r;

    while (n < t->to && n < 32 && is(at(t, n), SCHEME)) {
        Py_UCS4 c = at(t, n);
        buf[n++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    if (n == 32)
        return known & PF_LONG_SCHEME ? PF_UNSURE : PF_NO;
    if (n < t->to && folds_to_ascii(at(t, n)))
        return PF_UNSURE;
    if (t->to - n < 3 || at(t, n) != ':' || at(t, n + 1) != '/' || at(t, n + 2) != '/')
        return PF_NO;
    *rest = n + 3;
    scheme = PyUnicode_FromStringAndSize(buf, n);
    r = scheme == NULL ? -1 : PySet_Contains(schemes, scheme);
    Py_XDECREF(scheme);
    if (r < 0) {
        PyErr_Clear();
        return PF_UNSURE;
    }
    return r ? PF_YES : PF_NO;
}

PfVerdict
pf_rule_url(PyObject *text, PyObject *schemes, int known)
{
    Text t = text_of(text), user;
    Py_ssize_t cut;
    PfVerdict v, u;

    if (known && PyUnicode_IS_ASCII(text) && fast_url(text, known))
        return PF_YES;
    if (t.to > 2048)
        return PF_NO;
    for (Py_ssize_t i = 0; i < t.to; i++)
        if (at(&t, i) == '\t' || at(&t, i) == '\r' || at(&t, i) == '\n')
            return PF_NO;
    if ((v = scheme_of(&t, schemes, known, &t.from)) != PF_YES)
        return v;
    v = authority(&t, 0);
    cut = v == PF_YES ? -1 : find(&t, '@');
    if (cut < 0)
        return v;
    user = part(&t, t.from, cut);
    if ((u = user_info(&user)) == PF_NO)
        return v;
    t.from = cut + 1;
    v = authority(&t, 1) == PF_NO && v == PF_NO ? PF_NO : u == PF_YES ? authority(&t, 1)
                                                                      : PF_UNSURE;
    return v;
}

/* -- The rest ----------------------------------------------------------------- */

PfVerdict
pf_rule_no_nul(PyObject *text)
{
    Py_ssize_t n = PyUnicode_GET_LENGTH(text);
    return PyUnicode_FindChar(text, 0, 0, n, 1) >= 0 ? PF_NO : PF_YES;
}

/* Path(name).suffix[1:].lower() in allowed; plain names only */
PfVerdict
pf_rule_extension(PyObject *name, PyObject *allowed)
{
    char buf[16];
    Text t = text_of(name);
    Py_ssize_t dot = -1, n;
    PyObject *ext;
    int r;

    if (allowed == NULL)
        return PF_YES;
    for (Py_ssize_t i = t.to - 1; i > 0 && dot < 0; i--) {
        if (at(&t, i) == '/')
            return PF_UNSURE;
        if (at(&t, i) == '.')
            dot = i;
    }
    if (dot <= 0 || dot + 1 == t.to || at(&t, dot - 1) == '.' || at(&t, dot - 1) == '/')
        return PF_UNSURE;
    t.from = dot + 1;
    if ((n = ascii_span(&t, buf, sizeof buf)) < 0)
        return PF_UNSURE;
    for (Py_ssize_t i = 0; i < n; i++)
        if (buf[i] >= 'A' && buf[i] <= 'Z')
            buf[i] = (char)(buf[i] + 32);
    ext = PyUnicode_FromStringAndSize(buf, n);
    r = ext == NULL ? -1 : PySet_Contains(allowed, ext);
    Py_XDECREF(ext);
    if (r < 0)
        PyErr_Clear();
    return r < 0 ? PF_UNSURE : r ? PF_YES
                                 : PF_NO;
}
