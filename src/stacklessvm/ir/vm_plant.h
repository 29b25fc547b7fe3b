/* Bugs put in on purpose, to show that the jobs that look for such bugs find them.
 *
 * -DVM_PLANT=PLANT_<bug> builds one in (tests/repo/test_plants.py); nobody else does.
 */
#ifndef VM_PLANT_H
#define VM_PLANT_H

#define PLANT_NONE 0
#define PLANT_OVERFLOW 1            /* one header more than there is room for */
#define PLANT_LEAK 2                /* lowered code outlives its code object */
#define PLANT_WRONG_HANDOVER 3      /* temporaries arrive in CPython as None */
#define PLANT_RACE 4                /* free chunks are counted without the GIL */

#ifndef VM_PLANT
#  define VM_PLANT PLANT_NONE
#endif

#endif
