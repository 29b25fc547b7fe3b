/* Text → JSON string.

   Blocks of characters are tested 16 or 32 at a time; a block without anything to
   escape is copied as it stands. Room is asked for in blocks, never for the worst
   case of the whole text. Every escape comes from one table of 8-byte entries, so
   that dense escapes cost a store and an addition each. */
#include "pf_style.h"

#if defined(__x86_64__)
#  include <immintrin.h>
#  define PF_X86 1
#endif

typedef struct {
    char text[7];
    uint8_t len;
} Escape;

enum { BLOCK = 1024,
       LONGEST = 12 }; /* characters a turn; bytes per character */

static Escape esc_ascii[256]; /* \uXXXX from 0x7f on */
static Escape esc_utf8[128];
uint16_t pf_hex_pair[256];

typedef const uint8_t *(*CopyPlain)(const uint8_t *s, const uint8_t *e, char **p);
static CopyPlain copy_ascii, copy_utf8; /* set once, at import */

/* -- Tables ------------------------------------------------------------------- */

static void
set_escape(Escape *e, unsigned c)
{
    static const char digits[] = "0123456789abcdef";
    static const char from[] = "\"\\\n\r\t\b\f", to[] = "\"\\nrtbf";
    const char *at = c != 0 ? memchr(from, (int)c, sizeof from - 1) : NULL;

    if (at != NULL) {
        e->text[0] = '\\';
        e->text[1] = to[at - from];
        e->len = 2;
        return;
    }
    memcpy(e->text, "\\u00", 4);
    e->text[4] = digits[c >> 4];
    e->text[5] = digits[c & 15];
    e->len = 6;
}

static void
set_plain(Escape *e, unsigned c)
{
    e->text[0] = (char)c;
    e->len = 1;
}

/* -- Finding what must be escaped --------------------------------------------- */

/* A bit per byte that can't be copied. `ascii`: 0x7f and everything above too. */
#define ONES 0x0101010101010101ULL
#define HIGH 0x8080808080808080ULL

static inline int
word_is_plain(uint64_t x, int ascii)
{
    uint64_t quote = x ^ (ONES * '"'), slash = x ^ (ONES * '\\');
    uint64_t bad = ((x - ONES * 0x20) & ~x) | ((quote - ONES) & ~quote)
                   | ((slash - ONES) & ~slash);
    if (ascii)
        bad |= x | (x + ONES); /* 0x7f + 1 sets the top bit */
    return (bad & HIGH) == 0;
}

/* Copies the 1..15 bytes [s, e) when all are plain. */
static inline int
copy_tail(const uint8_t *s, const uint8_t *e, char *p, int ascii)
{
    size_t n = (size_t)(e - s);

    if (n >= 8) {
        uint64_t a, b;
        memcpy(&a, s, 8);
        memcpy(&b, e - 8, 8);
        memcpy(p, &a, 8);
        memcpy(p + n - 8, &b, 8);
        return word_is_plain(a, ascii) && word_is_plain(b, ascii);
    }
    if (n >= 4) {
        uint32_t a, b;
        memcpy(&a, s, 4);
        memcpy(&b, e - 4, 4);
        memcpy(p, &a, 4);
        memcpy(p + n - 4, &b, 4);
        return word_is_plain((uint64_t)a << 32 | b, ascii);
    }
    return 0;
}

/* The generic and the vector forms do the same: copy plain bytes from s to *p and
   stop at the first byte that isn't, or fewer than one vector before e. They may
   store up to 64 bytes beyond what they copied. */
static const uint8_t *
copy_words_ascii(const uint8_t *s, const uint8_t *e, char **p)
{
    for (; e - s >= 8; s += 8, *p += 8) {
        uint64_t x;
        memcpy(&x, s, 8);
        if (!word_is_plain(x, 1))
            break;
        memcpy(*p, &x, 8);
    }
    return s;
}

static const uint8_t *
copy_words_utf8(const uint8_t *s, const uint8_t *e, char **p)
{
    for (; e - s >= 8; s += 8, *p += 8) {
        uint64_t x;
        memcpy(&x, s, 8);
        if (!word_is_plain(x, 0))
            break;
        memcpy(*p, &x, 8);
    }
    return s;
}

#ifdef PF_X86
static inline unsigned
special16(__m128i v, int ascii)
{
    __m128i m = _mm_or_si128(
        _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
                     _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))),
        _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v));
    if (ascii)
        m = _mm_or_si128(m, _mm_cmpeq_epi8(_mm_max_epu8(v, _mm_set1_epi8(0x7f)), v));
    return (unsigned)_mm_movemask_epi8(m);
}

#  define COPY_SSE2(name, ascii) \
      static const uint8_t *name(const uint8_t *s, const uint8_t *e, char **p) \
      { \
          char *q = *p; \
          for (; e - s >= 16; s += 16, q += 16) { \
              __m128i v = _mm_loadu_si128((const __m128i *)s); \
              unsigned m = special16(v, ascii); \
              _mm_storeu_si128((__m128i *)q, v); \
              if (m != 0) { \
                  unsigned k = (unsigned)__builtin_ctz(m); \
                  *p = q + k; \
                  return s + k; \
              } \
          } \
          *p = q; \
          return s; \
      }
COPY_SSE2(copy_sse2_ascii, 1)
COPY_SSE2(copy_sse2_utf8, 0)

#  define AVX2 __attribute__((target("avx2,bmi")))

/* All bits set in the bytes that can't be copied. */
AVX2 static inline __m256i
special32(__m256i v, int ascii)
{
    __m256i m = _mm256_or_si256(
        _mm256_or_si256(_mm256_cmpeq_epi8(v, _mm256_set1_epi8('"')),
                        _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\'))),
        _mm256_cmpeq_epi8(_mm256_min_epu8(v, _mm256_set1_epi8(0x1f)), v));
    if (ascii)
        m = _mm256_or_si256(
            m, _mm256_cmpeq_epi8(_mm256_max_epu8(v, _mm256_set1_epi8(0x7f)), v));
    return m;
}

#  define COPY_AVX2(name, ascii, rest) \
      AVX2 static const uint8_t *name(const uint8_t *s, const uint8_t *e, char **p) \
      { \
          char *q = *p; \
          for (; e - s >= 64; s += 64, q += 64) { \
              __m256i v = _mm256_loadu_si256((const __m256i *)s); \
              __m256i u = _mm256_loadu_si256((const __m256i *)(s + 32)); \
              __m256i a = special32(v, ascii), b = special32(u, ascii), both = _mm256_or_si256(a, b); \
              _mm256_storeu_si256((__m256i *)q, v); \
              _mm256_storeu_si256((__m256i *)(q + 32), u); \
              if (!_mm256_testz_si256(both, both)) { \
                  uint64_t m = (uint32_t)_mm256_movemask_epi8(a) \
                               | (uint64_t)(uint32_t)_mm256_movemask_epi8(b) << 32; \
                  unsigned k = (unsigned)__builtin_ctzll(m); \
                  *p = q + k; \
                  return s + k; \
              } \
          } \
          *p = q; \
          return rest(s, e, p); \
      }
COPY_AVX2(copy_avx2_ascii, 1, copy_sse2_ascii)
COPY_AVX2(copy_avx2_utf8, 0, copy_sse2_utf8)
#endif

static const char *isa = "generic";

void
pf_text_init(void)
{
    static const char digits[] = "0123456789abcdef";

    for (unsigned c = 0; c < 256; c++) {
        pf_hex_pair[c] = (uint16_t)((unsigned)digits[c >> 4]
                                    | (unsigned)digits[c & 15] << 8);
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
            set_plain(&esc_ascii[c], c);
        else
            set_escape(&esc_ascii[c], c);
    }
    for (unsigned c = 0; c < 128; c++)
        esc_utf8[c] = esc_ascii[c];
    set_plain(&esc_utf8[0x7f], 0x7f);
    copy_ascii = copy_words_ascii;
    copy_utf8 = copy_words_utf8;
#ifdef PF_X86
    copy_ascii = copy_sse2_ascii;
    copy_utf8 = copy_sse2_utf8;
    isa = "sse2";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi")) {
        copy_ascii = copy_avx2_ascii;
        copy_utf8 = copy_avx2_utf8;
        isa = "avx2";
    }
#endif
}

const char *
pf_text_isa(void)
{
    return isa;
}

/* -- One-byte source ---------------------------------------------------------- */

/* Writes [s, e) byte by byte, at most BLOCK of them; room is there. */
static inline char *
put_bytes(const uint8_t *s, const uint8_t *e, char *p, const Escape *table, int ascii)
{
    for (; s < e; s++) {
        if (!ascii && *s >= 0x80) {
            *p++ = (char)*s;
            continue;
        }
        memcpy(p, &table[*s], 8);
        p += table[*s].len;
    }
    return p;
}

/* The body of a string whose bytes are copied as they are unless special:
   ASCII text, UTF-8 text written as UTF-8, Latin-1 written with \u00XX. */
static inline int
write_bytes(PfOut *o, const uint8_t *s, size_t n, int ascii)
{
    const Escape *table = ascii ? esc_ascii : esc_utf8;
    CopyPlain copy = ascii ? copy_ascii : copy_utf8;
    const uint8_t *end = s + n;

    while (s < end) {
        const uint8_t *stop = end - s > BLOCK ? s + BLOCK : end;
        char *p;
        if (pf_out_room(o, (size_t)(stop - s) * 6 + 64) < 0)
            return -1;
        p = o->p;
        while (stop - s >= 16) {
            s = copy(s, stop, &p);
            if (stop - s < 16)
                break;
            p = put_bytes(s, s + 16, p, table, ascii); /* one escape seldom comes alone */
            s += 16;
        }
        if (s < stop && stop - s < 16 && copy_tail(s, stop, p, ascii))
            p += stop - s;
        else
            p = put_bytes(s, stop, p, table, ascii);
        s = stop;
        o->p = p;
    }
    return 0;
}

/* The rest of a short text, from a character that must be escaped, and the quote. */
static int
finish_short(PfOut *o, const uint8_t *s, const uint8_t *e, int ascii)
{
    const Escape *table = ascii ? esc_ascii : esc_utf8;
    char *p;

    if (pf_out_room(o, (size_t)(e - s) * 6 + 64) < 0)
        return -1;
    p = put_bytes(s, s + 1, o->p, table, ascii);
    s++;
#ifdef PF_X86
    while (e - s >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)s);
        unsigned m = special16(v, ascii), k = m != 0 ? (unsigned)__builtin_ctz(m) : 16;
        _mm_storeu_si128((__m128i *)p, v);
        p += k, s += k;
        if (m != 0)
            p = put_bytes(s, s + 1, p, table, ascii), s++;
    }
#endif
    if (copy_tail(s, e, p, ascii))
        p += e - s;
    else
        p = put_bytes(s, e, p, table, ascii);
    *p++ = '"';
    o->p = p;
    return 0;
}

/* A short text in one go: quotes included, and room for what escapes may add only when
   there are some. */
static inline int
write_short(PfOut *o, const uint8_t *s, size_t n, int ascii)
{
    const uint8_t *e = s + n;
    char *p;

    if (pf_out_room(o, n + 128) < 0)
        return -1;
    p = o->p;
    *p++ = '"';
#ifdef PF_X86
    for (; e - s >= 16; p += 16, s += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)s);
        unsigned m = special16(v, ascii);
        _mm_storeu_si128((__m128i *)p, v);
        if (m != 0) {
            unsigned k = (unsigned)__builtin_ctz(m);
            o->p = p + k;
            return finish_short(o, s + k, e, ascii);
        }
    }
#endif
    o->p = p;
    if (e - s >= 16)
        return finish_short(o, s, e, ascii);
    if (copy_tail(s, e, p, ascii))
        p += e - s;
    else
        p = put_bytes(s, e, p, ascii ? esc_ascii : esc_utf8, ascii);
    *p++ = '"';
    o->p = p;
    return 0;
}

static int
write_quoted(PfOut *o, const uint8_t *s, size_t n, int ascii)
{
    if (n <= 128)
        return write_short(o, s, n, ascii);
    return pf_out_char(o, '"') < 0 || write_bytes(o, s, n, ascii) < 0 ? -1
                                                                      : pf_out_char(o, '"');
}

/* -- Wide source -------------------------------------------------------------- */

/* An escape as one number: its text in memory order, its length in the top byte. What a
   character of mixed text becomes can't be predicted, so it is chosen without a branch. */
static inline uint64_t
choose(int first, uint64_t a, uint64_t b)
{
    uint64_t m = 0 - (uint64_t)(first != 0);
    return (a & m) | (b & ~m);
}

static inline char *
put_escape(char *p, uint64_t x)
{
    memcpy(p, &x, 8);
    return p + (x >> 56);
}

static inline uint64_t
escape_of(const Escape *table, unsigned c)
{
    uint64_t x;
    memcpy(&x, &table[c & 127], 8);
    return x;
}

static inline uint64_t
u4(unsigned c) /* \uXXXX */
{
    return (uint64_t)'\\' | (uint64_t)'u' << 8 | (uint64_t)pf_hex_pair[c >> 8 & 255] << 16
           | (uint64_t)pf_hex_pair[c & 255] << 32 | (uint64_t)6 << 56;
}

static inline uint64_t
utf8_2(unsigned c) /* 0x80 to 0x7ff */
{
    return 0xc0 | c >> 6 | (0x80 | (c & 63)) << 8 | (uint64_t)2 << 56;
}

static inline uint64_t
utf8_3(unsigned c) /* 0x800 to 0xffff */
{
    return 0xe0 | c >> 12 | (0x80 | (c >> 6 & 63)) << 8 | (0x80 | (c & 63)) << 16
           | (uint64_t)3 << 56;
}

static inline char *
put_wide_ascii(char *p, Py_UCS4 c)
{
    if (c >= 0x10000) {
        c -= 0x10000;
        p = put_escape(p, u4(0xd800 | c >> 10));
        return put_escape(p, u4(0xdc00 | (c & 0x3ff)));
    }
    return put_escape(p, choose(c < 0x80, escape_of(esc_ascii, c), u4(c)));
}

/* NULL for a lone surrogate, which UTF-8 can't hold. */
static inline char *
put_wide_utf8(char *p, Py_UCS4 c, int escape_lines)
{
    if (c >= 0x10000) {
        p[0] = (char)(0xf0 | c >> 18);
        p[1] = (char)(0x80 | (c >> 12 & 63));
        p[2] = (char)(0x80 | (c >> 6 & 63));
        p[3] = (char)(0x80 | (c & 63));
        return p + 4;
    }
    if ((c & 0xf800) == 0xd800)
        return NULL;
    if ((c | 1) == 0x2029 && escape_lines)
        return put_escape(p, u4(c));
    return put_escape(p, choose(c < 0x80, escape_of(esc_utf8, c),
                                choose(c < 0x800, utf8_2(c), utf8_3(c))));
}

/* Eight UCS2 characters of one kind, whose texts are all of one length. Returns that
   length together, 0 when they differ. */
static inline int
put_eight(const Py_UCS2 *s, char *p, int ascii, int escape_lines)
{
#ifdef PF_X86
    const __m128i v = _mm_loadu_si128((const __m128i *)s), zero = _mm_setzero_si128();
    const __m128i low = _mm_set1_epi16(ascii ? 0x80 : 0x800);

    if (_mm_movemask_epi8(_mm_cmpeq_epi16(_mm_subs_epu16(low, v), zero)) == 0xffff) {
        const __m128i top = _mm_and_si128(v, _mm_set1_epi16((short)0xf800));
        if (!ascii
            && (escape_lines
                || _mm_movemask_epi8(_mm_cmpeq_epi16(top, _mm_set1_epi16((short)0xd800))) != 0))
            return 0;
        for (int i = 0; i < 8; i++)
            p = put_escape(p, ascii ? u4(s[i]) : utf8_3(s[i]));
        return ascii ? 48 : 24;
    }
    if (_mm_movemask_epi8(_mm_cmpeq_epi16(_mm_and_si128(v, _mm_set1_epi16((short)0xff80)), zero))
        == 0xffff) {
        const __m128i packed = _mm_packus_epi16(v, v);
        if ((special16(packed, 1) & 0xff) == 0) {
            _mm_storel_epi64((__m128i *)p, packed);
            return 8;
        }
    }
#endif
    return 0;
}

static int
surrogate_error(PyObject *text)
{
    PyObject *bytes = PyUnicode_AsUTF8String(text);
    Py_XDECREF(bytes);
    if (bytes != NULL)
        PyErr_SetString(PyExc_SystemError, "surrogate seen and then not");
    return -1;
}

enum { ASCII = 1,
       UTF8 = 2 };

#define WRITE_WIDE(name, type, put, eight) \
    static int name(PfOut *o, PyObject *text, int lines) \
    { \
        const type *s = PyUnicode_DATA(text), *end = s + PyUnicode_GET_LENGTH(text); \
        if (pf_out_char(o, '"') < 0) \
            return -1; \
        while (s < end) { \
            const type *stop = end - s > BLOCK ? s + BLOCK : end; \
            char *p; \
            if (pf_out_room(o, (size_t)(stop - s) * LONGEST + 16) < 0) \
                return -1; \
            p = o->p; \
            while (s < stop) { \
                int done = eight != 0 && stop - s >= 8 \
                               ? put_eight((const Py_UCS2 *)s, p, eight == ASCII, lines) \
                               : 0; \
                if (done != 0) { \
                    p += done, s += 8; \
                    continue; \
                } \
                const type *few = stop - s > 8 ? s + 8 : stop; \
                for (; s < few; s++) \
                    put \
            } \
            o->p = p; \
        } \
        return pf_out_char(o, '"'); \
    }

#define PUT_ASCII p = put_wide_ascii(p, *s);
#define PUT_UTF8 \
    if ((p = put_wide_utf8(p, *s, lines)) == NULL) \
        return surrogate_error(text);
WRITE_WIDE(write_ucs2_ascii, Py_UCS2, PUT_ASCII, ASCII)
WRITE_WIDE(write_ucs4_ascii, Py_UCS4, PUT_ASCII, 0)
WRITE_WIDE(write_ucs1_utf8, Py_UCS1, PUT_UTF8, 0)
WRITE_WIDE(write_ucs2_utf8, Py_UCS2, PUT_UTF8, UTF8)
WRITE_WIDE(write_ucs4_utf8, Py_UCS4, PUT_UTF8, 0)
#undef PUT_ASCII
#undef PUT_UTF8

/* -- Entry points ------------------------------------------------------------- */

int
pf_write_str(PfWriter *w, PyObject *text)
{
    size_t n = (size_t)PyUnicode_GET_LENGTH(text);
    int ascii = w->style->ascii, lines = w->style->escape_lines;

    if (PyUnicode_IS_ASCII(text))
        return write_quoted(&w->out, PyUnicode_DATA(text), n, ascii);
    switch (PyUnicode_KIND(text)) {
    case PyUnicode_1BYTE_KIND:
        return ascii ? write_quoted(&w->out, PyUnicode_DATA(text), n, 1)
                     : write_ucs1_utf8(&w->out, text, lines);
    case PyUnicode_2BYTE_KIND:
        return ascii ? write_ucs2_ascii(&w->out, text, lines)
                     : write_ucs2_utf8(&w->out, text, lines);
    default:
        return ascii ? write_ucs4_ascii(&w->out, text, lines)
                     : write_ucs4_utf8(&w->out, text, lines);
    }
}

int
pf_write_ascii(PfWriter *w, const char *s, size_t n)
{
    return write_quoted(&w->out, (const uint8_t *)s, n, w->style->ascii);
}

static int
is_ascii(const char *s, size_t n)
{
    size_t i = 0;
    uint64_t x;

    for (; i + 8 <= n; i += 8) {
        memcpy(&x, s + i, 8);
        if (x & HIGH)
            return 0;
    }
    for (; i < n; i++)
        if (s[i] & 0x80)
            return 0;
    return 1;
}

int
pf_write_utf8(PfWriter *w, const char *s, size_t n)
{
    PyObject *text;
    int r;

    if (is_ascii(s, n) || (!w->style->ascii && !w->style->escape_lines))
        return write_quoted(&w->out, (const uint8_t *)s, n, w->style->ascii);
    if ((text = PyUnicode_DecodeUTF8(s, (Py_ssize_t)n, "strict")) == NULL)
        return -1;
    r = pf_write_str(w, text);
    Py_DECREF(text);
    return r;
}
