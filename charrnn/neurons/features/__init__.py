"""Text -> the signals a unit might track: one value per character."""

from charrnn.neurons.features.feature import Feature
from charrnn.neurons.features.registry import FEATURES, feature_named

__all__ = ["FEATURES", "Feature", "feature_named"]
