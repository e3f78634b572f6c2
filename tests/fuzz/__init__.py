"""Fuzzing: files that are wrong in a way that somebody had to think of, and what gamutcli makes of them.

    chance.py       numbers and bytes that programs trip over
    formats/        files taken apart into pieces and put together again, lengths and checksums right
    content/        what lies in files: payloads, XMP, EXIF, profiles
    seeds.py        whole files that mutants are made of
    targets.py      what is mutated, and what is tried with the mutants
    operations.py   what is tried
    verdict.py      what is a finding
    child.py        a process under limits that tries mutants, one after the other
    parent.py       starts children, counts, keeps findings

`make fuzz` runs it for ten minutes, `python -m tests.fuzz --help` says what else there is; test_fuzz.py is its
short form.
"""
