"""Tools that make files of the project; none of them is part of the installed package."""
