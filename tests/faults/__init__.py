"""Faults while writing: killed at any moment, without room, without a folder, with others at the same name.

    scenes.py    commands, and the folders in which they run
    runs.py      a command in a process of its own, forked from one that has everything imported
    moments.py   signals at random moments
    places.py    full disks, folders that cannot be written to, or that vanish
    races.py     several writers of one name
    batches.py   batches whose worker is killed, that are killed themselves, or that have no room

`make faults` tries some hundreds of moments; test_faults.py a few, always the same.
"""
