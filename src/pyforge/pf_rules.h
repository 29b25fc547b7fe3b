/* Text rules: each says yes, no, or not sure about a whole str.

   Yes and no are what Django's validator answers, by construction of its regular
   expressions; not sure is for the corners where Python's own tables decide. */
#ifndef PF_RULES_H
#define PF_RULES_H

#include "pf_state.h"

typedef enum { PF_NO = 0,
               PF_YES = 1,
               PF_UNSURE = 2 } PfVerdict;

PfVerdict pf_rule_email(PyObject *text, PyObject *allowlist); /* frozenset of str */
/* schemes: frozenset of str; known: what is known of it beforehand */
enum { PF_HTTP = 1,
       PF_HTTPS = 2,
       PF_LONG_SCHEME = 4 /* one of 32 letters or more */ };
PfVerdict pf_rule_url(PyObject *text, PyObject *schemes, int known);
void pf_rules_init(void);
PfVerdict pf_rule_domain(PyObject *text, int accept_idna);
PfVerdict pf_rule_ipv4(const char *s, Py_ssize_t n);
PfVerdict pf_rule_ipv6(const char *s, Py_ssize_t n);
/* The text ipaddress prints for it, its length; 0 when not sure. out: 40 bytes */
int pf_ipv6_canonical(const char *s, Py_ssize_t n, char *out);
PfVerdict pf_rule_no_nul(PyObject *text);
PfVerdict pf_rule_extension(PyObject *name, PyObject *allowed); /* frozenset or NULL */

#endif
