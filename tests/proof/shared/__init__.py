"""Guards of several processes, held against the policy of one."""
