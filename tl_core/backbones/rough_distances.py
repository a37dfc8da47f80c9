"""How far new photographs lie from eight of each class, by network: ``bench unknown``."""

# Cosine distances that 20, 19, ... 1 % of cats, dogs and pets exceed, in draws of 2 and 4 classes
ROUGH_DISTANCES: dict[str, tuple[float, ...]] = {
    "efficientnet_lite0": (
        *(0.569, 0.573, 0.577, 0.580, 0.584, 0.588, 0.592, 0.597, 0.601, 0.606),
        *(0.611, 0.617, 0.622, 0.629, 0.635, 0.643, 0.651, 0.662, 0.675, 0.696),
    ),
    "efficientnet_lite1": (
        *(0.572, 0.576, 0.579, 0.583, 0.587, 0.591, 0.596, 0.600, 0.604, 0.609),
        *(0.614, 0.619, 0.625, 0.630, 0.637, 0.644, 0.653, 0.664, 0.678, 0.698),
    ),
    "efficientnet_lite2": (
        *(0.542, 0.546, 0.550, 0.555, 0.559, 0.563, 0.568, 0.573, 0.578, 0.584),
        *(0.589, 0.595, 0.601, 0.607, 0.615, 0.624, 0.633, 0.645, 0.659, 0.681),
    ),
}
