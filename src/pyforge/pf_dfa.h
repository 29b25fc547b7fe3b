/* Regular expressions of the safe subset as linear-time automata.

   Boolean `search` only: groups capture nothing and greediness does not matter. What
   isn't in the subset is refused with a reason, never approximated. */
#ifndef PF_DFA_H
#define PF_DFA_H

#include "pf_rules.h"

typedef struct PfDfa PfDfa; /* a Python object, immutable */

extern PyType_Spec pf_dfa_spec;

PfVerdict pf_dfa_search(PfDfa *dfa, PyObject *text);

#endif
