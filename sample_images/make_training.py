"""Make pictures to pretrain on: photographs regraded at random, and scenes rendered with random cloth and paint.

Use: python sample_images/make_training.py FOLDER     (56 pictures, 96 MB, about two minutes)

The sources are those of the sample pictures, and two more photographs that scikit-image carries: Chelsea the cat
(Stefan van der Walt, CC0) and the Hubble Deep Field (NASA, public domain). Each is graded in several ways, with its
channels exchanged in most of them, so that no color belongs to one thing. Two runs with the same versions of the
packages on one machine write the same bytes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import rendered_scene
from colour.characterisation import SDS_COLOURCHECKERS
from colour.quality.datasets import SDS_VS
from make_samples import (
    PHOTOGRAPHS,
    SEED,
    SKIMAGE_DATA,
    Grade,
    HueGain,
    codes_of,
    encode,
    og_mask_of,
    photograph_to_prophoto,
    regrade,
    write_picture,
)

from gamutcli.color import spaces as color

SOURCES = {photo.name: (photo.source, photo.space, photo.artist, photo.licence) for photo in PHOTOGRAPHS} | {
    "chelsea": (
        SKIMAGE_DATA / "chelsea.png",
        color.SRGB,
        "Stefan van der Walt",
        "CC0 1.0, https://creativecommons.org/publicdomain/zero/1.0/",
    ),
    "hubble": (SKIMAGE_DATA / "hubble_deep_field.jpg", color.SRGB, "NASA", "Public domain"),
}
#: Each order of the channels is one picture; red, green, blue twice.
ORDERS = ((0, 1, 2), (0, 1, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0), (1, 0, 2), (0, 2, 1))
SCENES = 12
#: Pictures of which less is out of gamut teach nothing.
LEAST_OG = 0.02


def random_grade(generator: np.random.Generator) -> Grade:
    """What an editor might do: more exposure or less, more saturation, some hues apart."""
    hues = tuple(
        HueGain(
            centre=float(generator.uniform(0, 360)),
            width=float(generator.uniform(20, 120)),
            gain=float(generator.uniform(-0.8, 1.8)),
        )
        for _ in range(generator.integers(0, 4))
    )
    return Grade(
        exposure=float(generator.uniform(-0.4, 0.7)),
        saturation=float(generator.uniform(0.1, 1.2)),
        vibrance=float(generator.uniform(-1.0, 0.3)),
        hues=hues,
    )


def random_cloths(generator: np.random.Generator) -> list[rendered_scene.Cloth]:
    """Three to eight strips of cloth in random colors."""
    count = int(generator.integers(3, 9))
    dyes = generator.choice(list(SDS_VS["NIST CQS 9.0"]), count)
    edges = np.sort(generator.uniform(0.05, 0.95, count))
    edges[0] = -1.0
    return [
        rendered_scene.Cloth(str(dye), float(edge), float(generator.uniform(3, 9)), float(generator.uniform(8, 16)))
        for dye, edge in zip(dyes, edges, strict=True)
    ]


def random_balls(generator: np.random.Generator) -> list[rendered_scene.Ball]:
    """Some painted balls anywhere."""
    paints = generator.choice(list(SDS_COLOURCHECKERS["BabelColor Average"]), int(generator.integers(3, 10)))
    return [
        rendered_scene.Ball(
            str(paint),
            x=float(generator.uniform(0.1, 0.9)),
            y=float(generator.uniform(0.1, 0.55)),
            radius=float(generator.uniform(0.03, 0.07)),
        )
        for paint in paints
    ]


def main(folder: Path) -> None:
    """Write all pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, (source, space, artist, licence)) in enumerate(SOURCES.items()):
        codes = codes_of(source)
        for version, order in enumerate(ORDERS):
            seed = SEED + 100 * number + version
            linear = photograph_to_prophoto(np.ascontiguousarray(codes[..., order]), space, seed)
            graded = encode(regrade(linear, random_grade(np.random.default_rng(seed))))
            if og_mask_of(graded).mean() >= LEAST_OG:
                description = f"Regraded at random in linear ProPhoto RGB from {source.name}, channels {order}"
                write_picture(folder / f"{name}-{version}.tif", graded, description, artist, licence)
    for number in range(SCENES):
        generator = np.random.default_rng(SEED + 10_000 + number)
        linear = rendered_scene.render(SEED + number + 1, random_cloths(generator), random_balls(generator))
        description = "Rendered from measured reflectance spectra under CIE D50"
        write_picture(folder / f"scene-{number:02d}.tif", encode(linear), description, "The gamutcli authors", "MIT")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
