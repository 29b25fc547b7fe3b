/* DLPack tensors on the CPU as views. */
#ifndef FA_DLPACK_H
#define FA_DLPACK_H

#include "fa_view.h"

/* 1: v holds obj's tensor; 0: obj has none to offer; -1: error. */
int fa_dlpack_import(FaView *v, PyObject *obj, int flags);

#endif
