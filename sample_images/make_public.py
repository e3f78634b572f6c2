"""Make the public set: fourteen wide-gamut pictures on which the README's main table is measured.

Use: python sample_images/make_public.py FOLDER     (14 pictures, 30 MB, one or two minutes)

Six photographs that are not among the samples, the samples' five in other colors (their channels exchanged), and three
rendered scenes.  The grades are drawn at random, from seeds that neither the samples nor the training pictures have,
again and again until 3 to 60 % of the pixels leave sRGB: nobody chose them to look good in a table.  Nothing is
downloaded; two runs with the same versions of the packages on one machine write the same bytes.  The pictures are made
for measuring and are not passed on.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib
import numpy as np
import rendered_scene
from make_samples import (
    SEED,
    SKIMAGE_DATA,
    codes_of,
    encode,
    og_mask_of,
    photograph_to_prophoto,
    regrade,
    write_picture,
)
from make_training import SOURCES, random_balls, random_cloths, random_grade

from gamutcli.arrays import Code16Array, DoubleArray
from gamutcli.color import spaces as color

RED_GREEN_BLUE = (0, 1, 2)
#: Sources beyond those of the samples: file, author, licence.
OTHERS = {
    "hopper": (
        Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg",
        "James S. Davis, US Navy",
        "Public domain",
    ),
    "ihc": (SKIMAGE_DATA / "ihc.png", "Center for Microscopy And Molecular Imaging", "No known copyright restrictions"),
    "motorcycle": (
        SKIMAGE_DATA / "motorcycle_left.png",
        "Scharstein et al., Middlebury 2014 stereo benchmark",
        "Not stated by scikit-image, which ships it",
    ),
    "retina": (SKIMAGE_DATA / "retina.jpg", "Mikael Häggström", "CC0 1.0"),
}
#: The order of the channels, which makes other colors of a photograph that is a sample too.
ORDERS = {
    "astronaut": (2, 1, 0),
    "dahlia": (2, 0, 1),
    "espresso": (1, 2, 0),
    "pavilion": (1, 0, 2),
    "rocket": (2, 1, 0),
}
SCENES = 3
FIRST_SEED = SEED + 50_000
#: Shares of the pixels out of gamut that real wide-gamut photographs have, about.
LEAST_OG, MOST_OG = 0.03, 0.6


def regraded(linear: DoubleArray, generator: np.random.Generator) -> Code16Array:
    """16-bit ProPhoto codes of (height, width, 3) linear ProPhoto, with the first random grade of a usual share."""
    while True:
        codes = encode(regrade(linear, random_grade(generator)))
        if LEAST_OG <= og_mask_of(codes).mean() <= MOST_OG:
            return codes


def main(folder: Path) -> None:
    """Write all pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = SOURCES | {name: (path, color.SRGB, artist, licence) for name, (path, artist, licence) in OTHERS.items()}
    for number, (name, (source, space, artist, licence)) in enumerate(sorted(sources.items())):
        seed, order = FIRST_SEED + number, ORDERS.get(name, RED_GREEN_BLUE)
        codes = np.ascontiguousarray(codes_of(source)[..., order])
        graded = regraded(photograph_to_prophoto(codes, space, seed), np.random.default_rng(seed))
        description = f"Regraded at random in linear ProPhoto RGB from {source.name}, channels {order}"
        write_picture(folder / f"{name}.tif", graded, description, artist, licence)
    for number in range(SCENES):
        generator = np.random.default_rng(FIRST_SEED + 1000 + number)
        linear = rendered_scene.render(FIRST_SEED + number, random_cloths(generator), random_balls(generator))
        description = "Rendered from measured reflectance spectra under CIE D50"
        write_picture(folder / f"scene-{number + 1}.tif", encode(linear), description, "The gamutcli authors", "MIT")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
