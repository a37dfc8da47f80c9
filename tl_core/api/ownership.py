"""What a spec names of a visitor's must be theirs who asks: models, photographs, corrections."""

from tl_core.backbones.catalogue import row_of
from tl_core.compute import Networks
from tl_core.images.photo_store import PhotoStore
from tl_core.specs.base import OWN, Spec, keys_in, photo_keys


class Ownership:
    """Knows whose models and photographs there are; thread-safe."""

    def __init__(self, networks: Networks, photos: PhotoStore) -> None:
        self._networks = networks
        self._photos = photos

    def require(self, spec: Spec, owner: str) -> None:
        """Refuse a spec that names what another visitor has, as if it were not there.

        Raises:
            UserError: If it names another's model, or a photograph that only others have dropped.
        """
        models = keys_in(spec, OWN)
        if models:
            models -= {model.key for model in self._networks.own_models(owner)}
        for key in models:
            row_of(key, self._networks.rows)
        for key in photo_keys(spec):
            self._photos.require_not_anothers(key, owner)
