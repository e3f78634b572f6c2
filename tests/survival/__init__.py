"""Other people's tools, run over files that gamut wrote: does the payload survive, and does gamut tell the truth?"""
