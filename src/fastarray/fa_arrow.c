#include "fa_arrow.h"

int
fa_arrow_import(FaView *v, PyObject *obj, int flags)
{
    return 0;
}
