"""The page of a report: HTML from its parts, and the style and script that stand beside them."""
