"""The life of a model: training, registry, serving, drift, promotion; what an option is worth by it."""
