"""The olfactory network of the fly larva: trained, evaluated, and every published experiment."""
