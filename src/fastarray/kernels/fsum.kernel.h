/* The certified sum's kernel: 16 lanes of a 3-fold cascade of TwoSum.
 *
 * Included once per instruction set.  Each lane keeps s + c + d, where s and c are exact
 * up to the errors collected in d; with max |x| this gives fa_fsum.c an error bound for
 * what is lost in d.  At most FA_CHUNK_BYTES at a time; the tail that does not fill a
 * group of 16 goes to the first lanes.
 */
#define STEP(s, x, e)                                                                    \
    do {                                                                                 \
        V_f64 t_ = s + (x), z_ = FMSUB1(t_, s);                                          \
        e = FMSUB1(s, t_ - z_) + FMSUB1(x, z_);                                          \
        s = t_;                                                                          \
    } while (0)

static void KI(cascade)(const double *ptr, size_t n, FaCascade *r)
{
    enum { G = sizeof(V_f64) / sizeof(double), R = FA_FSUM_LANES / G };
    const S_f64 *p = ptr;
    V_f64 s[R], c[R], d[R], top = {0};
    const V_u64 magnitude = set_u64(~(uint64_t)0 >> 1);
    double last[FA_FSUM_LANES] = {0};
    OPAQUE_ONE;

    UNROLL(8)
    for (size_t k = 0; k < R; k++)
        s[k] = c[k] = d[k] = (V_f64){0};
    for (size_t i = 0; i < n; i += FA_FSUM_LANES) {
        const S_f64 *from = p + i;
        if (i + FA_FSUM_LANES > n) {
            memcpy(last, p + i, (n - i) * sizeof(double));
            from = last;
        }
        UNROLL(8)
        for (size_t k = 0; k < R; k++) {
            V_f64 x = ld_f64(from + k * G), e, f;
            top = max_f64((V_f64)((V_u64)x & magnitude), top);
            STEP(s[k], x, e);
            STEP(c[k], e, f);
            d[k] += f;
        }
    }
    memcpy(r->part, s, sizeof s);
    memcpy(r->part + FA_FSUM_LANES, c, sizeof c);
    memcpy(r->part + 2 * FA_FSUM_LANES, d, sizeof d);
    r->amax = 0;
    for (size_t k = 0; k < G; k++)
        r->amax = top[k] > r->amax ? top[k] : r->amax;
}
#undef STEP
