"""How anything is measured here: contenders in processes of their own, interleaved rounds, ratios formed per round."""
