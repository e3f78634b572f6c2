"""The rows of the paper's Table 1: each is a way to reduce a picture, and to get its colours back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from gamutcli.color.gamut import codes_to_prophoto
from gamutcli.errors import InputError, UsageError
from gamutcli.experiments import avif
from gamutcli.experiments.folder import Row
from gamutcli.experiments.judging import compare
from gamutcli.experiments.ours import preset_named, reduced_with
from gamutcli.experiments.pictures import Subject
from gamutcli.experiments.recipe import META_STEPS, STEPS, fit_as_the_paper, judge_fit, preset_of, scale_steps, scene_of
from gamutcli.experiments.runner import Job
from gamutcli.experiments.softclip import SoftClip, SoftRestoration, soft_clip
from gamutcli.experiments.starts import identity
from gamutcli.fitting.presets import PAPER_MODELS, PRESETS
from gamutcli.fitting.scene import Scene
from gamutcli.measuring.metrics import Comparison, PairSample, Scores
from gamutcli.weights import Weights, find_shipped, read_weights

#: What fits start from, by the paper's models.
Starts = Mapping[str, Weights]

#: Where a folder keeps the weights for a model.
WEIGHTS_FILE = "paper-{}.safetensors"
META = "-meta"
OURS = ("fast", "balanced", "best")
#: Rows of any number of bytes, measured only when they are named: balanced within them, and an AVIF of the residual.
LIMITED, AVIF = "max-", "avif-"
#: All other rows, in their order.
KEYS = ("clip", "soft", *PAPER_MODELS, *(model + META for model in PAPER_MODELS), *OURS)


@dataclass(frozen=True)
class Method:
    """One row of the table.

    Attributes:
        key: What the command line and the files call it.
        measure: Judges it on a picture.
        weights: What the weights that its fits start from are, by their digest and unit; None: at random, or no fit.
    """

    key: str
    measure: Callable[[Subject, Job], Row]
    weights: str | None = None

    @property
    def title(self) -> str:
        """What tables call it."""
        return title_of(self.key)

    @property
    def identity(self) -> Row:
        """What tells its row of a picture from others."""
        return {"method": self.key, "weights": self.weights}


def title_of(key: str) -> str:
    """What tables call a method; the paper's are named as there, by kilobytes and what they have."""
    if key == "soft":
        return "soft clip"
    if key.startswith(LIMITED):
        return f"--max-payload {key.removeprefix(LIMITED)}"
    if key.startswith(AVIF):
        return f"AVIF of {int(key.removeprefix(AVIF)):,} bytes"
    model = key.removesuffix(META)
    if model not in PAPER_MODELS:
        return key
    return f"{model.removesuffix('kb')} KB + enc" + (" + meta" if key.endswith(META) else "")


def starts_in(folder: Path | None) -> dict[str, Weights]:
    """Find the weights of a meta-initialisation.

    Args:
        folder: Holds files named as ``WEIGHTS_FILE`` says, for some of the models; None: no folder.

    Returns:
        What the folder holds, and for other models what ships with the package; some may be missing.

    Raises:
        InputError: There is no such folder or no such file in it, or a file holds something else.
    """
    if folder and not folder.is_dir():
        raise InputError(f"{folder}: is no folder; name one with files of weights, or leave --weights out.")
    found = {}
    files = {model: folder / WEIGHTS_FILE.format(model) for model in PAPER_MODELS} if folder else {}
    if folder and not any(file.is_file() for file in files.values()):
        names = ", ".join(file.name for file in files.values())
        raise InputError(f"{folder}: holds none of {names}; make them with `gamut pretrain`.")
    for model in PAPER_MODELS:
        preset = preset_of(model)
        named = model in files and files[model].is_file()
        weights = read_weights(files[model]) if named else find_shipped(preset.shape)
        if weights and weights.shape != preset.shape:
            raise InputError(f"{files[model]}: holds the weights of another network than its name says; rename it.")
        if weights:
            found[model] = weights
    return found


def choose_methods(names: Sequence[str] | None, starts: Starts) -> tuple[Method, ...]:
    """The methods wanted, in the order of the table; those of a number of bytes last.

    Args:
        names: Keys; None: all of ``KEYS`` for which there is what they take.
        starts: Weights of a meta-initialisation, by model.

    Raises:
        UsageError: No or an unknown key, or one that takes weights which are not there.
    """
    known = {method.key: method for method in _all(starts)}
    if names is None:
        return tuple(known.values())
    choice = ", ".join((*KEYS, f"{LIMITED}BYTES", f"{AVIF}BYTES"))
    for name in names:
        sized = _of_bytes(name)
        if sized:
            known[name] = sized
        elif name not in KEYS:
            raise UsageError(f"unknown method {name!r}; choose from {choice}.")
        elif name not in known:
            raise UsageError(f"{name}: no weights to start from; name a folder of them with --weights.")
    if not names:
        raise UsageError(f"no method named; choose from {choice}.")
    return tuple(method for key, method in known.items() if key in names)


def _all(starts: Starts) -> Iterator[Method]:
    yield Method("clip", _clip)
    yield Method("soft", _soft)
    for model in PAPER_MODELS:
        yield Method(model, partial(_paper, model=model, steps=STEPS))
    for model in PAPER_MODELS:
        if model in starts:
            start = starts[model]
            yield Method(model + META, partial(_paper, model=model, steps=META_STEPS, start=start), identity(start))
    for name in OURS:
        yield Method(name, partial(_ours, name=name))


def _of_bytes(name: str) -> Method | None:
    """The method of a name that ends in a number of bytes; None: it does not."""
    for start, measure in ((LIMITED, _limited), (AVIF, _avif)):
        digits = name.removeprefix(start)
        if name.startswith(start) and digits.isdecimal() and str(int(digits)) == digits:
            if start == AVIF and not avif.AVAILABLE:
                raise UsageError(f"{name}: this imagecodecs cannot write AVIF; leave it out.")
            return Method(name, partial(measure, limit=int(digits)))
    return None


def _clip(subject: Subject, job: Job) -> Row:
    """What every viewer shows of a reduced picture, and what is left without a network."""
    return _row(0, judge_fit(_reduced(subject), None))


def _soft(subject: Subject, job: Job) -> Row:
    soft = soft_clip(subject.original)
    scores = compare(SoftRestoration(soft), subject.original)
    return _row(soft.limits.float_bytes, scores, shown=_shown_difference(_reduced(subject), soft))


def _paper(subject: Subject, job: Job, *, model: str, steps: int, start: Weights | None = None) -> Row:
    preset = preset_of(model, scale_steps(steps, job.steps_scale))
    if start:
        preset = replace(preset, residual_unit=start.residual_unit)
    scene = scene_of(subject.original, preset)
    fitted = fit_as_the_paper(scene, preset, job.seed, start.weights if start else None)
    return _row(fitted.float_bytes, judge_fit(scene, fitted.network), fitted.seconds)


def _limited(subject: Subject, job: Job, *, limit: int) -> Row:
    return _ours(subject, job, name="balanced", limit=limit)


def _avif(subject: Subject, job: Job, *, limit: int) -> Row:
    """The best AVIF picture of the residual within so many bytes; where none is so small, the plain picture."""
    scene = _reduced(subject)
    residual = avif.residual_of(scene)
    found = residual.within(limit)
    if found is None:
        return _row(0, judge_fit(scene, None))
    restored = residual.restoring(found)
    comparison = Comparison()
    for rows in scene.strips():
        comparison.add(restored(rows), scene.original.strip(rows), scene.original.og_mask(rows))
    return _row(found.size, comparison.scores())


def _ours(subject: Subject, job: Job, *, name: str, limit: int | None = None) -> Row:
    with TemporaryDirectory() as folder:
        preset = preset_named(name, job.steps_scale)
        found = reduced_with(subject, preset, limit, job.seed, Path(folder))
    return _row(found.payload_bytes, found.scores, found.fit_seconds)


def _reduced(subject: Subject) -> Scene:
    """The plain clip, with the whites matched as our presets and the soft clip match them."""
    return scene_of(subject.original, PRESETS["balanced"])


def _shown_difference(plain: Scene, soft: SoftClip) -> float:
    """Mean CIEDE2000 between the softly clipped picture and the plain one, as viewers show them."""
    pairs = PairSample()
    for rows in plain.strips():
        soft_linear = codes_to_prophoto(soft.srgb_codes[rows], plain.adaptation)
        pairs.add(soft_linear, codes_to_prophoto(plain.srgb_codes[rows], plain.adaptation))
    return float(pairs.delta_e().mean())


def _row(size: int, scores: Scores, seconds: float | None = None, shown: float | None = None) -> Row:
    return {
        "bytes": size,
        "rmse_all": scores.rmse_all,
        "rmse_og": scores.rmse_og,
        "psnr_all": scores.psnr_all,
        "psnr_og": scores.psnr_og,
        "de2000_og_mean": scores.de2000_og_mean,
        "fit_seconds": seconds,
        "shown_de2000_mean": shown,
    }
