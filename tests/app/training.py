"""How the tests of the Teach it page fill its boxes, and wait for what it learns."""

from tests.app.conftest import fill_box, settled


def jobs(page):
    return [job for _label, job in page.session_state["visit"].runs["teach"].jobs]


def finished(page):
    """Wait for the page's runs and draw the page once more."""
    for job in jobs(page):
        assert job.wait(120)
        assert job.error is None
    return settled(page.run())


def taught(page, *modes):
    """Start these ways and wait for them."""
    page.button_group(key="mode").set_value(list(modes)).run()
    page.button(key="start").click().run()
    return finished(page)


def with_digits(page):
    """The page with the digits chosen, four of each to learn from."""
    page.selectbox(key="dataset").set_value("digits").run()
    page.select_slider(key="photos_per_class").set_value(4).run()
    return settled(page)


def two_boxes(page, labelled, *, by_itself=False):
    """Four photographs of things in one box and four others in the second."""
    page.toggle(key="by_itself").set_value(by_itself).run()
    files = [data for _label, data in labelled]
    page.text_input(key="class_1").set_value("others").run()
    fill_box(page, 0, files[:4])
    return settled(fill_box(page, 1, files[4:8]))
