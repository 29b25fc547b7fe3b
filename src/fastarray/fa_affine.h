/* Which elements x keep x op constant inside the element type: always one range. */
#ifndef FA_AFFINE_H
#define FA_AFFINE_H

#include "fa_types.h"

/* op is FA_ADD, FA_SUB or FA_MUL; t an integer type; k may be any value or, beyond 64
 * bits, any of its sign and of magnitude above 2**64.  Without check: the whole type. */
FaAffine fa_affine(int op, FaDtype t, FaI128 k, int check);

#endif
