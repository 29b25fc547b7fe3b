/* The certified sum's kernel: 16 lanes of a 3-fold cascade of TwoSum.
 *
 * Included once per instruction set.  Each lane keeps s + c + d, where s and c are exact
 * up to the errors collected in d; with max |x| this gives fa_fsum.c an error bound for
 * what is lost in d.  At most FA_CHUNK_BYTES at a time; the tail that does not fill a
 * group of 16 goes to the first lanes.  At the end lane j joins lane j + 8, + 4, + 2, + 1
 * in the same way, whatever the width of a register.
 */
#define STEP(s, x, e)                                                                    \
    do {                                                                                 \
        V_f64 t_ = s + (x), z_ = FMSUB1(t_, s);                                          \
        e = FMSUB1(s, t_ - z_) + FMSUB1(x, z_);                                          \
        s = t_;                                                                          \
    } while (0)

#define STEP_ONE(s, x, e)                                                                \
    do {                                                                                 \
        double x_ = (x), t_ = s + x_, z_ = t_ - s;                                       \
        e = (s - (t_ - z_)) + (x_ - z_);                                                 \
        s = t_;                                                                          \
    } while (0)
/* s + c + d takes in x + y + z: the error of each sum goes one further */
#define JOIN(s, c, d, x, y, z, type, STEP_)                                              \
    do {                                                                                 \
        type e_, f_;                                                                     \
        STEP_(s, x, e_);                                                                 \
        STEP_(c, y, f_);                                                                 \
        d += z + f_;                                                                     \
        STEP_(c, e_, f_);                                                                \
        d += f_;                                                                         \
    } while (0)

static void KI(cascade)(const double *ptr, size_t n, FaCascade *r)
{
    enum { G = sizeof(V_f64) / sizeof(double), R = FA_FSUM_LANES / G };
    const S_f64 *p = ptr;
    V_f64 s[R], c[R], d[R], top = {0};
    const V_u64 magnitude = set_u64(~(uint64_t)0 >> 1);
    double last[FA_FSUM_LANES] = {0}, x[G], y[G], z[G];
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
            V_f64 v = ld_f64(from + k * G), e, f;
            top = max_f64((V_f64)((V_u64)v & magnitude), top);
            STEP(s[k], v, e);
            STEP(c[k], e, f);
            d[k] += f;
        }
    }
    UNROLL(4)
    for (size_t w = R / 2; w; w /= 2) {
        UNROLL(4)
        for (size_t k = 0; k < w; k++)
            JOIN(s[k], c[k], d[k], s[k + w], c[k + w], d[k + w], V_f64, STEP);
    }
    memcpy(x, s, sizeof x);
    memcpy(y, c, sizeof y);
    memcpy(z, d, sizeof z);
    UNROLL(4)
    for (size_t w = G / 2; w; w /= 2) {
        UNROLL(4)
        for (size_t j = 0; j < w; j++)
            JOIN(x[j], y[j], z[j], x[j + w], y[j + w], z[j + w], double, STEP_ONE);
    }
    r->s = x[0];
    r->c = y[0];
    r->d = z[0];
    r->amax = 0;
    for (size_t k = 0; k < G; k++)
        r->amax = top[k] > r->amax ? top[k] : r->amax;
}
#undef JOIN
#undef STEP_ONE
#undef STEP
