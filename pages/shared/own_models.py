"""The models that a visitor has taught or loaded, as lists name them."""

from pages.shared.visit import the_lab, the_visit


def own_models() -> dict[str, str]:
    """Their names by key, oldest first, without those that a newer one has replaced."""
    visit = the_visit()
    models = the_lab().models.of(visit.id)
    return {key: label for key, label in models.items() if key not in visit.outlived}
