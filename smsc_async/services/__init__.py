"""The account by noun: each module holds a noun's endpoints, its values and its verbs."""
