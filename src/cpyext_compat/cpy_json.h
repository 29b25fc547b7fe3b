/* Words of the json module that differ between versions. */
#ifndef CPY_JSON_H
#define CPY_JSON_H

#include <Python.h>

/* 3.12 names the value: "Out of range float values are not JSON compliant: nan" */
#define CPY_NAN_MESSAGE_HAS_VALUE (PY_VERSION_HEX >= 0x030C0000)

#endif
