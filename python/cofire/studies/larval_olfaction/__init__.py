"""The trained olfactory network of the fly larva: training, evaluation and every published experiment."""
