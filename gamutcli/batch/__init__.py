"""Thousands of pictures: which there are, which of them are done, and who works on the others.

One picture is a unit of work that can be repeated at will; what is here chooses and launches units and does no work on
pixels of its own.

    names      the pictures below folders, of globs and listings, each with its place below the output folder
    shard      the part of them that is this process's
    targets    where their results go
    history    what manifests of earlier runs say        manifest   what this one writes down
    decide     what is to be done with a unit: make it, check it, skip it, refuse it
    work       do it; called in another process          checking   is an output what this run would write
    pool       processes that do it                      memory     what a picture will take, and what there is
    cluster    nodes of Ray that do it                   nodes      which there are, and what they see
    on_node    the pool, on one of them
    run        all of it, in one story                   audit      what became of files that were delivered

Done is what an output says, together with what was written down of its source; a manifest is a report and never the
truth, and without one, outputs are compared with what their sources would give.
"""
