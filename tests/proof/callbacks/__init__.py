"""
Proof of what is read from strangers: whatever is posted, an event that the gateway signed comes of it, or a refusal.

`genuine` writes callbacks as the vendor's page says, and signs them with its own few lines; `mutating` spoils them;
`fuzzing` looks for errors that nobody declared, and for inputs that cost; `tampering` looks for forgeries; `peers`
gives the same inputs to verifiers of other webhooks; `guided` lets atheris look for new ways through the code. Every
input follows from a seed and a number.
"""
