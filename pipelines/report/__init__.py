"""The report: one self-contained HTML file made from findings, with the plots that the notebooks draw too."""
