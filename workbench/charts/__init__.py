"""Every figure, once, from outcomes.

`words` says numbers, `findings` says sentences, `reduce` brings columns to what a screen shows; each figure is a function of an
outcome that returns an Altair chart, and beside it a `*_data` function returns what is drawn as a pandas frame.
pandas and Altair are imported when a figure is made, not before.
"""
