"""The paper's tables and figures, measured on a folder of pictures.

``pictures`` finds and opens them, ``folder`` keeps what was found of each, so that an interrupted experiment goes on
where it stopped, ``runner`` walks through them, ``recipe`` is the paper's own method, ``ours`` our pipeline, ``starts``
finds the weights that fits start from, and ``judging`` compares what they restore; ``markdown``, ``tables`` and
``plots`` write it down; the rest is a file an experiment, and what belongs to it.
"""
