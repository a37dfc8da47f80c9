"""Plain data of a visit, and what works for it beside the pages."""
