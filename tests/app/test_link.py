def test_a_link_from_one_page_to_another_brings_its_choices(open_page):
    page = open_page("backbones")
    page.query_params["sample"] = "sample:coffee"
    page.query_params["epsilon"] = "8"
    page.switch_page("pages/attack.py").run()
    assert page.button_group(key="sample").value == "sample:coffee"
    assert page.select_slider(key="epsilon").value == 8


def test_what_is_chosen_on_a_page_wins_over_the_address_it_was_opened_with(open_page):
    page = open_page("backbones")
    page.query_params["epsilon"] = "8"
    page.switch_page("pages/attack.py").run()
    page.select_slider(key="epsilon").set_value(2).run()
    page.run()
    assert page.select_slider(key="epsilon").value == 2
    assert page.query_params["epsilon"] == "2"
